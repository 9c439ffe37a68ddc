/**
 * How long to wait before each try to connect again.
 *
 * A random part of a bound that doubles from 250 ms to 5 s: many who lost the same server do not come
 * back in step. A server that said it stops is expected back soon, and asked at least once a second.
 */

const FIRST = 250; // ms
const LONGEST = 5000; // ms
const SOON = 1000; // ms
const STEADY = 30_000; // ms: a connection that lasted so long was a good one

export class Backoff {
  constructor(random = Math.random) {
    this.random = random;
    this.tries = 0;
    this.soon = false;
  }

  /** A connection that lasted so many ms has broken. */
  lost(lasted) {
    if (lasted >= STEADY) {
      this.tries = 0;
      this.soon = false;
    }
  }

  /** The ms to wait now; `atLeast` is what the server asked for. */
  next({ stopping = false, atLeast = 0 } = {}) {
    this.soon = this.soon || stopping;
    const bound = Math.min(LONGEST, FIRST * 2 ** Math.min(this.tries, 30));
    this.tries += 1;
    const wait = this.random() * (this.soon ? Math.min(bound, SOON) : bound);
    return Math.max(wait, this.soon ? Math.min(atLeast, SOON) : atLeast);
  }
}
