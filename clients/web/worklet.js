/** Runs beside the sound card: what it hears as frames of 20 ms, 16 kHz, 16 bits, and how loud they are. */

import { Resampler } from "./resampler.js";

const FRAME = 320; // samples: 20 ms

class Frames extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, 16_000);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.power = 0;
  }

  process([channels]) {
    // One channel: the microphone was asked for that, and a second would say the same.
    if (channels.length) for (const sample of this.resampler.push(channels[0])) this.take(sample);
    return true;
  }

  take(sample) {
    const bounded = Math.max(-1, Math.min(1, sample));
    this.frame[this.filled] = Math.round(bounded * 32_767);
    this.filled += 1;
    this.power += bounded * bounded;
    if (this.filled === FRAME) {
      const level = Math.sqrt(this.power / FRAME);
      this.port.postMessage({ pcm: this.frame, level }, [this.frame.buffer]);
      this.frame = new Int16Array(FRAME);
      this.filled = 0;
      this.power = 0;
    }
  }
}

registerProcessor("frames", Frames);
