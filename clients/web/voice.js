/**
 * One microphone's sound on its way into a WebSocket: positions, gaps, and what has to be said again.
 *
 * A position counts samples at 16 kHz since the first sound, time that was not sent included.
 */

import { RATE, Ring } from "./ring.js";

const UNSENT = RATE; // bytes, 500 ms: what waits longer comes too late to help anybody
const UNACKED = 2500; // ms, the same on the way: the server acknowledges once a second
const AGAIN = 2; // times as fast as it was spoken: faster would hurt the others of the room

export class Voice {
  constructor(link, clock = () => performance.now(), pause = wait) {
    Object.assign(this, { link, clock, pause });
    this.ring = new Ring();
    this.position = 0; // of the next sample that the microphone hears
    this.adrift = true; // positions count from the first frame: the server's are not known yet
    this.muted = false;
    this.live = false; // what is said now is sent now; else it is kept
    this.sending = 0; // which of several resendings is the newest
    this.waiting = null; // {position, since} of what was sent and is not acknowledged
    this.zeros = [Infinity, Infinity]; // ms at which position 0 was captured, lately and before
  }

  /** The microphone heard this, just now. */
  frame(pcm) {
    const start = this.position;
    this.position += pcm.length;
    this.mark();
    if (this.muted || this.stuck()) return;
    if (start > this.ring.end) this.gap(start);
    this.ring.push(pcm);
    if (this.live) this.put(pcm, this.ring.end);
  }

  /** There is a connection: say again what the server has not heard, then go on. */
  async welcomed({ audio_at: from }) {
    this.sending += 1;
    const turn = this.sending;
    let at = from || 0; // null: a server that does not know us, which is told by a gap
    this.waiting = null;
    if (this.adrift) this.moor(at);
    if (!this.muted) this.link.send({ type: "mute", on: false });
    let due = this.clock();
    for (let piece = this.ring.after(at); piece; piece = this.ring.after(at)) {
      if (piece.pcm) {
        this.put(piece.pcm, piece.end);
        due += (1000 * piece.pcm.length) / RATE / AGAIN;
        const early = due - this.clock();
        if (early > 0) await this.pause(early);
        if (turn !== this.sending) return;
      } else {
        this.link.send({ type: "audio.gap", from: piece.start, to: piece.end });
      }
      at = piece.end;
    }
    this.live = true;
    if (this.muted) this.link.send({ type: "mute", on: true });
  }

  /** The connection is gone; what is said is kept. */
  lost() {
    this.sending += 1;
    this.live = false;
  }

  /** The server has everything before this. */
  acknowledged(position) {
    this.ring.acknowledged(position);
    if (this.waiting && this.waiting.position <= position) this.waiting = null;
  }

  mute(on) {
    this.muted = on;
    this.link.send({ type: "mute", on });
  }

  /** The ms, by the clock, at which a position was captured; of what the clock said the earliest
   * counts, so that no caption seems less late than it is. */
  captured(position) {
    return Math.min(...this.zeros) + (1000 * position) / RATE;
  }

  mark() {
    if (Math.floor(this.position / (20 * RATE)) !== Math.floor((this.position - 320) / (20 * RATE))) {
      this.zeros = [Infinity, this.zeros[0]];
    }
    this.zeros[0] = Math.min(this.zeros[0], this.clock() - (1000 * this.position) / RATE);
  }

  /** What was said before anything could be sent follows what the server has, sent in another way. */
  moor(at) {
    this.adrift = false;
    this.ring.shift(at);
    this.position += at;
    this.zeros = this.zeros.map((zero) => zero - (1000 * at) / RATE);
  }

  gap(to) {
    const from = this.ring.end;
    this.ring.skip(to);
    if (this.live) this.link.send({ type: "audio.gap", from, to });
  }

  put(pcm, end) {
    this.link.sendAudio(pcm);
    this.waiting = this.waiting || { position: end, since: this.clock() };
  }

  stuck() {
    if (!this.live) return false; // it is kept, and sent in time
    const late = this.waiting && this.clock() - this.waiting.since > UNACKED;
    return late || this.link.unsent > UNSENT;
  }
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
