// Whatever a server sends, the page goes on: what it does not know is passed over, and what it knows stays.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Backoff } from "../../../clients/web/backoff.js";
import { Link } from "../../../clients/web/link.js";

const TRIES = { quick: 500, full: 2000 }[process.env.SURTITLE_TRIES ?? "quick"] ?? Number(process.env.SURTITLE_TRIES);
const ODD = [null, true, 0, -1, 1e308, "", "caption", "\u202e", "x".repeat(5000), [], [[]], {}, { type: null }, 2 ** 60];
const KNOWN = [
  { type: "caption", seq: 4, speaker: "p1", segment: 1, language: "en", kind: "transcript", stable: "a", draft: "" },
  { type: "roster", participants: [] },
  { type: "pong", t: 1, server_ms: 2 },
  { type: "state", scope: "room", level: "ok" },
  { type: "audio.ack", samples: 4 },
];

/** Mulberry32: the same noise every time. */
function seeded(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function noise(random) {
  const one = (list) => list[Math.floor(random() * list.length)];
  const message = structuredClone(one([...KNOWN, ...ODD]));
  if (message && typeof message === "object" && !Array.isArray(message)) {
    for (const name of Object.keys(message)) {
      if (name !== "type" && random() < 0.4) message[name] = one(ODD);
      if (random() < 0.1) delete message[name];
    }
  }
  const text = JSON.stringify(message);
  return random() < 0.2 ? text.slice(0, Math.floor(random() * text.length)) : text;
}

beforeEach(() => {
  globalThis.WebSocket = class {
    send() {}
    close() {}
  };
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
});

test("after any noise a caption is still taken, and its place in the order is known", () => {
  const told = [];
  const link = new Link(
    {
      ...{ address: "ws://host/v1/rooms/lab", hello: () => ({ type: "hello" }), state: () => {} },
      ...{ message: (message) => told.push(message), lost: () => {}, refused: () => false },
    },
    new Backoff(() => 1),
  );
  link.start();
  const welcome = { type: "welcome", epoch: "e1", participant: "p1", key: "k", replay_from: 3, gap: false };
  link.socket.onmessage({ data: JSON.stringify(welcome) });
  const random = seeded(7);
  for (let n = 0; n < TRIES; n++) link.socket.onmessage({ data: noise(random) });
  assert.ok(Number.isSafeInteger(link.greeting().resume.seq));
  const seq = link.seq + 1;
  link.socket.onmessage({ data: JSON.stringify({ type: "caption", seq }) });
  assert.deepEqual(told.at(-1), { type: "caption", seq });
});
