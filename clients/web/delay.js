/**
 * How late captions are on this screen: of one's own voice the time from its capture to the drawing; of
 * others' what the server needed and the network. The middle of the last few.
 */

const KEPT = 15;

export class Delay {
  constructor() {
    this.own = [];
    this.others = [];
  }

  /** One's own words were drawn so many ms after they were said. */
  spoken(ms) {
    if (ms > 0 && ms < 60_000) keep(this.own, ms);
  }

  /** A caption came that took the server so many ms, over a network with this round trip. */
  received(ms, roundTrip) {
    if (ms > 0) keep(this.others, ms + (roundTrip || 0) / 2);
  }

  /** {ms, own}, or null while nothing is known. */
  read() {
    if (this.own.length) return { ms: middle(this.own), own: true };
    if (this.others.length) return { ms: middle(this.others), own: false };
    return null;
  }
}

function keep(list, value) {
  list.push(value);
  if (list.length > KEPT) list.shift();
}

function middle(list) {
  return [...list].sort((one, other) => one - other)[Math.floor(list.length / 2)];
}
