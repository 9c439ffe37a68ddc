/**
 * Sound of any rate as 16 kHz: a windowed sinc, so that what cannot be had at 16 kHz is taken out and
 * not folded back into speech. Costs a hundred multiplications a sample; holds sound back by about 1 ms.
 */

const ZEROS = 16; // crossings of the sinc on each side
const PHASES = 64;

export class Resampler {
  /** `from` and `to` in samples a second. */
  constructor(from, to) {
    this.step = from / to;
    const scale = Math.max(1, this.step);
    this.half = Math.ceil(ZEROS * scale);
    this.phases = filters(this.half, scale);
    this.held = new Float32Array(2 * this.half); // silence before the beginning
    this.at = this.half - 1; // where in what is held the next sample lies
  }

  /** The samples (-1 to 1) that these make possible. */
  push(samples) {
    const input = new Float32Array(this.held.length + samples.length);
    input.set(this.held);
    input.set(samples, this.held.length);
    const output = [];
    while (Math.floor(this.at) + this.half < input.length) {
      output.push(this.sample(input));
      this.at += this.step;
    }
    const used = Math.max(0, Math.floor(this.at) - this.half + 1);
    this.held = input.slice(used);
    this.at -= used;
    return Float32Array.from(output);
  }

  sample(input) {
    const whole = Math.floor(this.at);
    const filter = this.phases[Math.round((this.at - whole) * PHASES)];
    const first = whole - this.half + 1;
    let sum = 0;
    for (let tap = 0; tap < filter.length; tap += 1) sum += filter[tap] * input[first + tap];
    return sum;
  }
}

function filters(half, scale) {
  return Array.from({ length: PHASES + 1 }, (_, phase) => {
    const taps = new Float64Array(2 * half);
    let sum = 0;
    for (let tap = 0; tap < taps.length; tap += 1) {
      const distance = tap - half + 1 - phase / PHASES;
      taps[tap] = sinc((0.92 * distance) / scale) * window(distance / (half + 1));
      sum += taps[tap];
    }
    return taps.map((value) => value / sum);
  });
}

function sinc(x) {
  return Math.abs(x) < 1e-9 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Blackman's. */
function window(x) {
  return 0.42 + 0.5 * Math.cos(Math.PI * x) + 0.08 * Math.cos(2 * Math.PI * x);
}
