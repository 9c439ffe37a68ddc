// A microphone's sound on its way: every sample has one position, and what is left out is said.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Resampler } from "../../../clients/web/resampler.js";
import { Ring } from "../../../clients/web/ring.js";
import { Voice } from "../../../clients/web/voice.js";

const FRAME = 320; // samples: 20 ms

/** Remembers what it is told to send, and checks that positions have no hole. */
class FakeLink {
  constructor(at = 0) {
    this.unsent = 0;
    this.at = at;
    this.told = [];
  }

  send(message) {
    if (message.type === "audio.gap") {
      assert.equal(message.from, this.at);
      this.at = message.to;
    }
    this.told.push(message.type === "mute" ? `mute ${message.on}` : `gap to ${message.to}`);
  }

  sendAudio(pcm) {
    this.at += pcm.length;
    this.told.push(pcm.length);
  }
}

function spoken(voice, frames) {
  for (let count = 0; count < frames; count += 1) voice.frame(new Int16Array(FRAME));
}

async function speaking(link = new FakeLink()) {
  const time = { now: 0, paused: 0 };
  const pause = async (ms) => {
    time.now += ms;
    time.paused += ms;
  };
  const voice = new Voice(link, () => time.now, pause);
  await voice.welcomed({ audio_at: link.at });
  link.told.length = 0;
  return { voice, link, time };
}

test("what is said is sent as it comes", async () => {
  const { voice, link } = await speaking();
  spoken(voice, 3);
  assert.deepEqual(link.told, [FRAME, FRAME, FRAME]);
});

test("a muted time is a gap, told before the next sound", async () => {
  const { voice, link } = await speaking();
  voice.mute(true);
  spoken(voice, 10);
  voice.mute(false);
  spoken(voice, 1);
  assert.deepEqual(link.told, ["mute true", "mute false", `gap to ${10 * FRAME}`, FRAME]);
});

test("what the network cannot take is left out, and the newest goes on", async () => {
  const { voice, link } = await speaking();
  link.unsent = 20_000;
  spoken(voice, 5);
  link.unsent = 0;
  spoken(voice, 1);
  assert.deepEqual(link.told, [`gap to ${5 * FRAME}`, FRAME]);
});

test("a server that acknowledges nothing for long is not sent more", async () => {
  const { voice, link, time } = await speaking();
  spoken(voice, 1);
  time.now = 3000;
  spoken(voice, 1);
  voice.acknowledged(FRAME);
  spoken(voice, 1);
  assert.deepEqual(link.told, [FRAME, `gap to ${2 * FRAME}`, FRAME]);
});

test("what was said while the connection was gone is said again, from where the server stopped", async () => {
  const { voice, link, time } = await speaking();
  spoken(voice, 4);
  voice.lost();
  spoken(voice, 2);
  link.at = 2 * FRAME + 100; // what it had heard by then
  link.told.length = 0;
  await voice.welcomed({ audio_at: link.at });
  spoken(voice, 1);
  assert.equal(link.at, 7 * FRAME);
  assert.deepEqual(link.told, ["mute false", FRAME - 100, FRAME, FRAME, FRAME, FRAME]);
  assert.equal(time.paused, (1000 * (4 * FRAME - 100)) / 16_000 / 2); // twice as fast as it was spoken
});

test("a server that has forgotten us is told what it will never hear", async () => {
  const { voice, link } = await speaking();
  voice.ring.keep = 2 * FRAME;
  spoken(voice, 5);
  voice.lost();
  Object.assign(link, { at: 0, told: [] });
  await voice.welcomed({ audio_at: null });
  assert.deepEqual(link.told, ["mute false", `gap to ${3 * FRAME}`, FRAME, FRAME]);
});

test("after another way of sending, positions go on where that had come to", async () => {
  const { voice, link } = await speaking(new FakeLink(48_000));
  spoken(voice, 1);
  assert.equal(link.at, 48_000 + FRAME);
});

test("what is said while another way is tried is kept, and follows what that brought", async () => {
  const link = new FakeLink(48_000);
  const voice = new Voice(link, () => 0, async () => {});
  spoken(voice, 2);
  await voice.welcomed({ audio_at: 48_000 });
  spoken(voice, 1);
  assert.deepEqual(link.told, ["mute false", FRAME, FRAME, FRAME]);
  assert.equal(link.at, 48_000 + 3 * FRAME);
});

test("the ring keeps the last it was told to, whatever was acknowledged", () => {
  const ring = new Ring(2 * FRAME);
  for (let count = 0; count < 5; count += 1) ring.push(new Int16Array(FRAME));
  assert.deepEqual(ring.after(0), { start: 0, end: 3 * FRAME, pcm: null });
  assert.equal(ring.after(4 * FRAME).pcm.length, FRAME);
  assert.equal(ring.after(5 * FRAME), null);
});

function tone(hertz, rate, seconds) {
  return Float32Array.from({ length: rate * seconds }, (_, n) => Math.sin((2 * Math.PI * hertz * n) / rate));
}

function resampled(samples, rate, piece = 128) {
  const resampler = new Resampler(rate, 16_000);
  const out = [];
  for (let at = 0; at < samples.length; at += piece) out.push(...resampler.push(samples.subarray(at, at + piece)));
  return out;
}

const loudness = (samples) => Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);

for (const rate of [16_000, 44_100, 48_000, 96_000]) {
  test(`a second at ${rate} Hz is a second at 16 kHz, as loud, and without what would alias`, () => {
    const speech = resampled(tone(1000, rate, 1), rate);
    assert.ok(Math.abs(speech.length - 16_000) < 40, `${speech.length} samples`);
    assert.ok(Math.abs(loudness(speech.slice(200)) - Math.SQRT1_2) < 0.02);
    if (rate > 24_000) assert.ok(loudness(resampled(tone(11_000, rate, 1), rate).slice(200)) < 0.01);
  });
}

test("sound is the same in whatever pieces it comes", () => {
  const samples = tone(440, 44_100, 0.2);
  const [one, other] = [resampled(samples, 44_100, 128), resampled(samples, 44_100, 441)];
  assert.equal(one.length, other.length);
  assert.ok(one.every((sample, index) => Math.abs(sample - other[index]) < 0.005));
});
