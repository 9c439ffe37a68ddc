// A link that breaks is mended: when it is tried again, as whom, and when there is no use in trying.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Backoff } from "../../../clients/web/backoff.js";
import { Link } from "../../../clients/web/link.js";

let sockets = [];

class FakeSocket {
  static OPEN = 1;

  constructor(address, protocol) {
    Object.assign(this, { address, protocol, readyState: 1, bufferedAmount: 0, said: [] });
    sockets.push(this);
  }

  send(data) {
    this.said.push(JSON.parse(data));
  }

  close(code) {
    this.closedWith = code;
  }

  tell(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  /** The server lets us in. */
  welcome(more = {}) {
    this.onopen();
    this.tell({ type: "welcome", epoch: "e1", participant: "p1", key: "k", replay_from: 3, gap: false, ...more });
  }

  refuse(code, message, retry) {
    this.tell({ type: "error", code, message, retry });
    this.onclose({ code, reason: message });
  }
}

function linked(refused = () => false) {
  const states = [];
  const link = new Link(
    {
      ...{ address: "ws://host/v1/rooms/lab", hello: () => ({ type: "hello", name: "Ana" }) },
      state: (state) => states.push(state),
      ...{ message: () => {}, lost: () => {}, refused },
    },
    new Backoff(() => 1),
  );
  link.start();
  return { link, states, now: () => states[states.length - 1].name };
}

const socket = () => sockets[sockets.length - 1];

beforeEach(() => {
  sockets = [];
  globalThis.WebSocket = FakeSocket;
  Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
});

test("the first message is the hello, without anybody to have been", () => {
  linked();
  socket().onopen();
  assert.deepEqual(socket().said, [{ type: "hello", name: "Ana" }]);
});

test("after a loss it comes back as who it was, after the last caption that came", () => {
  const { now } = linked();
  socket().welcome();
  socket().tell({ type: "caption", seq: 41 });
  socket().onclose({ code: 1006, reason: "" });
  assert.equal(now(), "waiting");
  mock.timers.tick(250);
  assert.equal(now(), "connecting");
  socket().onopen();
  assert.deepEqual(socket().said[0].resume, { epoch: "e1", seq: 41, participant: "p1", key: "k" });
});

test("it waits twice as long each time, five seconds at most", () => {
  const { states } = linked();
  for (let count = 0; count < 7; count += 1) {
    socket().onclose({ code: 1006, reason: "" });
    mock.timers.tick(5000);
  }
  const waits = states.filter(({ wait }) => wait).map(({ wait }) => wait);
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 5000, 5000]);
});

test("a server that stops is asked at least once a second", () => {
  const backoff = new Backoff(() => 1);
  const waits = [1, 2, 3, 4, 5].map(() => backoff.next({ stopping: true, atLeast: 4000 }));
  assert.deepEqual(waits, [1000, 1000, 1000, 1000, 1000]);
});

test("what cannot be mended is said, and not tried again", () => {
  const { states } = linked();
  socket().onopen();
  socket().refuse(4404, "there is no such room", false);
  mock.timers.tick(60_000);
  assert.equal(sockets.length, 1);
  assert.deepEqual(states.pop(), { name: "over", sentence: "There is no such room." });
});

test("who is not known any more comes in as somebody new, once", () => {
  const { now } = linked();
  socket().welcome();
  socket().onclose({ code: 1006, reason: "" });
  mock.timers.tick(250);
  socket().onopen();
  socket().refuse(4403, "that is not the key of this participant", false);
  socket().onopen();
  assert.equal(socket().said[0].resume, undefined);
  socket().refuse(4403, "nobody is let in", false);
  assert.equal(now(), "over");
});

test("a hello that was refused is said otherwise at once, where there is another way", () => {
  let ways = 1;
  const { now } = linked(() => ways-- > 0);
  socket().onopen();
  socket().refuse(4400, "WebRTC is not offered", false);
  assert.equal(sockets.length, 2);
  socket().welcome();
  assert.equal(now(), "open");
});

test("a server that does not answer is given up, and tried again", () => {
  const { now } = linked();
  mock.timers.tick(10_000);
  assert.equal(now(), "waiting");
});

test("the end of a conversation is no loss", () => {
  const { states } = linked();
  socket().welcome();
  socket().onclose({ code: 1000, reason: "" });
  assert.deepEqual(states.pop(), { name: "over", sentence: "The conversation has ended.", ended: true });
});

test("captions of a new epoch are counted anew", () => {
  const { link } = linked();
  socket().welcome();
  socket().tell({ type: "caption", seq: 41 });
  socket().onclose({ code: 1006, reason: "" });
  mock.timers.tick(250);
  socket().welcome({ epoch: "e2", replay_from: 0 });
  assert.equal(link.seq, 0);
});

test("what it does not understand it ignores", () => {
  const { now } = linked();
  socket().welcome();
  socket().onmessage({ data: "{" });
  socket().tell({ type: "of tomorrow" });
  assert.equal(now(), "open");
});
