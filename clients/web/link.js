/**
 * One WebSocket to a room that outlasts its connections.
 *
 *     connecting → open → (lost) → waiting → connecting → open ...      over: there is no use in trying
 *
 * What breaks is mended here, by the protocol's `resume`: captions go on after the last that came.
 */

import { Backoff } from "./backoff.js";

const PROTOCOL = "surtitle.v1";
const OPENING = 10_000; // ms until the welcome
const ASKED = 5000; // ms between two looks at whether the server is still there
const SILENT = 10_000; // ms it may take to answer: a network that is gone does not say so
const FINAL = [4400, 4401, 4403, 4404, 4409, 4413]; // trying again is of no use
const STOPPING = 4503;
const AWAY = 4000; // we close, and come back

export class Link {
  /**
   * `hello()` gives the hello as it is now, without `resume`. Told are `state({name, sentence, wait})`,
   * `message(message)` for each from the welcome on, and `lost()`; `refused(error)` may return true,
   * when `hello()` has changed and is to be tried at once.
   */
  constructor({ address, hello, state, message, lost, refused }, backoff = new Backoff()) {
    Object.assign(this, { address, hello, tell: state, message, lost, refused, backoff });
    this.welcome = null; // the newest
    this.seq = 0; // of the newest caption
    this.socket = null;
    this.open = false;
    this.over = false;
    this.resumes = true;
    this.roundTrip = null; // ms
    this.error = null; // what the server said before it closed
    this.timers = {};
  }

  /** Connect now. */
  start() {
    this.over = false;
    this.connect();
    this.timers.asking = setInterval(() => this.ask(), ASKED);
  }

  /** One message; without a connection it goes nowhere: what matters of it is said anew. */
  send(message) {
    if (this.open) this.socket.send(JSON.stringify(message));
  }

  sendAudio(pcm) {
    if (this.open) this.socket.send(pcm);
  }

  /** Bytes that wait for the network. */
  get unsent() {
    return this.open ? this.socket.bufferedAmount : 0;
  }

  /** Leave for good. */
  leave() {
    this.finish({ name: "over", sentence: "", ended: true });
    this.drop(1000);
  }

  /** A new connection, at once, for the hello has changed. */
  again() {
    this.drop(AWAY);
    this.connect();
  }

  /** Do not wait any longer for the next try. */
  hurry() {
    if (this.timers.next) this.connect();
  }

  connect() {
    clearTimeout(this.timers.next);
    this.timers.next = null;
    this.error = null;
    this.tell({ name: "connecting", again: this.welcome !== null });
    const socket = new WebSocket(this.address, PROTOCOL);
    this.socket = socket;
    this.timers.opening = setTimeout(() => this.lose("The server does not answer."), OPENING);
    socket.onopen = () => socket.send(JSON.stringify(this.greeting()));
    socket.onmessage = ({ data }) => this.take(data);
    socket.onclose = ({ code, reason }) => this.closed(code, reason);
  }

  greeting() {
    const hello = this.hello();
    if (!this.welcome || !this.resumes) return hello;
    const { epoch, participant, key } = this.welcome;
    return { ...hello, resume: { epoch, seq: this.seq, participant, key } };
  }

  take(data) {
    this.heard = performance.now();
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return; // clients ignore what they do not know
    }
    if (message === null || typeof message !== "object") return;
    if (message.type === "welcome") this.welcomed(message);
    const known = message.type === "caption" && Number.isSafeInteger(message.seq);
    if (known) this.seq = Math.max(this.seq, message.seq);
    if (message.type === "pong") this.roundTrip = this.heard - message.t;
    if (message.type === "error") this.error = message;
    else this.message(message);
  }

  welcomed(welcome) {
    clearTimeout(this.timers.opening);
    if (!this.welcome || this.welcome.epoch !== welcome.epoch) this.seq = welcome.replay_from;
    this.welcome = welcome;
    this.open = true;
    this.resumes = true;
    this.since = this.heard;
    this.asked = 0;
    this.tell({ name: "open", missed: welcome.gap });
    this.ask();
  }

  /** Whether the server is still there. */
  ask() {
    if (!this.open) return;
    const now = performance.now();
    const waiting = this.asked && this.heard < this.asked;
    if (waiting && now - this.asked >= SILENT) {
      this.lose("The server does not answer any more.");
    } else if (!waiting) {
      this.asked = now;
      this.send({ type: "ping", t: now });
    }
  }

  closed(code, reason) {
    const error = this.error || { code, message: reason, retry: !FINAL.includes(code) };
    if (code === 1000 && !this.error) {
      this.drop();
      this.finish({ name: "over", sentence: "The conversation has ended.", ended: true });
    } else if (error.retry) {
      this.lose(error.message ? sentence(error.message) : this.unreachable(), error);
    } else if (this.refused(error) || this.forget()) {
      this.drop();
      this.connect();
    } else {
      this.drop();
      this.finish({ name: "over", sentence: sentence(error.message || `The server closed (${code}).`) });
    }
  }

  unreachable() {
    if (navigator.onLine === false) return "This device is offline.";
    return this.welcome ? "Connection lost." : "The server cannot be reached.";
  }

  /** Come back as somebody new, once, when one may not come back as who one was. */
  forget() {
    const before = this.resumes && this.welcome !== null && !this.open;
    this.resumes = !before && this.resumes;
    return before;
  }

  lose(why, { code = 0, retry_after_ms: atLeast = 0 } = {}) {
    if (this.open) this.backoff.lost(performance.now() - this.since);
    this.drop(AWAY);
    const wait = this.backoff.next({ stopping: code === STOPPING, atLeast: atLeast || 0 });
    this.timers.next = setTimeout(() => this.connect(), wait);
    this.tell({ name: "waiting", sentence: why, wait, tries: this.backoff.tries });
  }

  finish(state) {
    this.over = true;
    clearInterval(this.timers.asking);
    clearTimeout(this.timers.next);
    this.timers.next = null;
    this.tell(state);
  }

  /** Forget the socket: a network that is gone would take minutes to close it. */
  drop(code) {
    clearTimeout(this.timers.opening);
    clearTimeout(this.timers.next);
    this.timers.next = null;
    const { socket, open } = this;
    this.socket = null;
    this.open = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (code && socket.readyState <= WebSocket.OPEN) socket.close(code);
    if (open) this.lost();
  }
}

/** With a capital and a full stop. */
export function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
