/**
 * What was said and may not have arrived: the last 30 s of one microphone, 16 kHz, by position.
 *
 *     push, skip       as it is said
 *     acknowledged     the server has it: forgotten
 *     after            what to send next, to a server that has everything before a position
 */

export const RATE = 16_000; // samples a second, of positions and of what is sent

export class Ring {
  constructor(keep = 30 * RATE) {
    this.keep = keep;
    this.end = 0; // the position of what is said next
    this.pieces = []; // {start, end, pcm: Int16Array}
  }

  /** The next samples. */
  push(pcm) {
    const start = this.end;
    this.end += pcm.length;
    this.pieces.push({ start, end: this.end, pcm });
    this.acknowledged(this.end - this.keep);
  }

  /** Nothing is said up to this position. */
  skip(to) {
    this.end = Math.max(this.end, to);
    this.acknowledged(this.end - this.keep);
  }

  /** Positions turn out to be greater by so many. */
  shift(by) {
    this.end += by;
    this.pieces = this.pieces.map(({ start, end, pcm }) => ({ start: start + by, end: end + by, pcm }));
  }

  /** All before this has arrived, or will never be asked for. */
  acknowledged(position) {
    let gone = 0;
    while (gone < this.pieces.length && this.pieces[gone].end <= position) gone += 1;
    if (gone) this.pieces.splice(0, gone);
  }

  /** {start, end, pcm} of what comes at a position, pcm null for a gap; null at the end. */
  after(position) {
    const piece = this.pieces.find((one) => one.end > position);
    if (!piece) return position < this.end ? { start: position, end: this.end, pcm: null } : null;
    if (piece.start > position) return { start: position, end: piece.start, pcm: null };
    return { start: position, end: piece.end, pcm: piece.pcm.subarray(position - piece.start) };
  }
}
