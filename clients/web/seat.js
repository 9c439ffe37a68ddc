/**
 * A seat in a room: what one says of oneself, the link, and the voice by whichever way it gets through.
 *
 * WebRTC is tried where browser and server have it; where it is refused or finds no way through the
 * network, a new connection resumes with the sound in the WebSocket.
 */

import { Link } from "./link.js";
import { Voice } from "./voice.js";
import { Call, possible } from "./webrtc.js";

const REFUSED = "surtitle-no-webrtc"; // in the session's storage: the server said so

export class Seat {
  /**
   * `self` is {name, reads, source, stability, hears, token, display}; `microphone` or null. Told are
   * `state`, `message` as of Link, and `way("webrtc" | "websocket" | null, why)`.
   */
  constructor({ address, whip, self, microphone, state, message, way }) {
    Object.assign(this, { whip, self, microphone, message, tellWay: way });
    this.call = null;
    this.muted = false;
    this.way = microphone ? firstWay() : null;
    this.link = new Link({
      address,
      hello: () => this.hello(),
      state,
      message: (one) => this.take(one),
      lost: () => this.voice.lost(),
      refused: (error) => this.refused(error),
    });
    this.voice = this.unheard();
  }

  /** A voice of which nothing has been sent. */
  unheard() {
    const voice = new Voice(this.link);
    voice.muted = this.muted;
    return voice;
  }

  start() {
    this.link.start();
  }

  /** 20 ms of the microphone; kept while a call is being tried, should it come to nothing. */
  frame(pcm) {
    if (this.way === "websocket" || !this.call) this.voice.frame(pcm);
  }

  /** Change what is said of oneself: all but `hears`. */
  change(fields) {
    Object.assign(this.self, fields);
    const { name, reads, source, stability, token, display } = this.self;
    this.link.send(filled({ type: "hello", name, reads, source, stability, token, display }));
  }

  mute(on) {
    this.muted = on;
    this.voice.mute(on);
    if (this.microphone) this.microphone.track.enabled = !on;
  }

  /** Another microphone, in the midst of it. */
  use(microphone) {
    this.microphone = microphone;
    microphone.track.enabled = !this.muted;
    if (this.call) this.call.peer.getSenders()[0].replaceTrack(microphone.track);
  }

  leave() {
    if (this.call) this.call.close();
    this.call = null;
    this.link.leave();
  }

  hello() {
    const { name, reads, source, stability, hears, token, display } = this.self;
    const said = filled({ type: "hello", name, reads, source, stability, token, display });
    if (!this.way) return said;
    const audio = this.way === "webrtc" ? { codec: "webrtc" } : { codec: "pcm16", rate: 16_000 };
    return { ...said, hears, audio };
  }

  refused(error) {
    if (this.way !== "webrtc" || error.code !== 4400) return false;
    try {
      sessionStorage.setItem(REFUSED, "yes");
    } catch {
      // Then it is asked again next time.
    }
    this.way = "websocket";
    return true;
  }

  take(message) {
    if (message.type === "audio.ack") this.voice.acknowledged(message.samples);
    if (message.type === "welcome") this.welcomed(message);
    this.message(message);
  }

  welcomed(welcome) {
    if (this.way === "websocket") {
      this.voice.welcomed(welcome);
      this.tellWay("websocket");
    } else if (this.way === "webrtc") {
      if (this.muted) this.voice.mute(true);
      this.dial(welcome);
    } else {
      this.tellWay(null);
    }
  }

  async dial({ key }) {
    if (this.call) this.call.close();
    this.call = null;
    try {
      const { track } = this.microphone;
      const broken = () => this.link.open && this.dial(this.link.welcome);
      const call = await Call.open({ address: this.whip, key, track, broken });
      if (this.link.over) return call.close();
      this.call = call;
      this.voice = this.unheard();
      this.tellWay("webrtc");
    } catch (error) {
      if (this.link.over || !this.link.open || this.link.welcome.key !== key) return;
      this.way = "websocket";
      this.why = error.message;
      this.link.again();
    }
  }
}

/** Without what is left out. */
function filled(message) {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value != null));
}

function firstWay() {
  try {
    if (sessionStorage.getItem(REFUSED)) return "websocket";
  } catch {
    // A page may be forbidden its storage.
  }
  return possible() ? "webrtc" : "websocket";
}
