/** A room from the inside: what comes is shown, what is said is sent. */

import { page, resource, socket } from "./address.js";
import { Announcer } from "./announcer.js";
import { Delay } from "./delay.js";
import { Glass } from "./glasses.js";
import { Lines } from "./lines.js";
import { loudness } from "./meter.js";
import { Microphone } from "./microphone.js";
import { Notices } from "./notices.js";
import { Panel, translations } from "./panel.js";
import { Roster } from "./roster.js";
import { fullScreen, stayAwake } from "./screen.js";
import { Seat } from "./seat.js";
import { Speakers } from "./speakers.js";
import { View } from "./view.js";

const LOST = "Some of what was said meanwhile cannot be had any more";
const WAYS = { webrtc: "WebRTC", websocket: "WebSocket" };

const at = (id) => document.getElementById(id);

export class Room {
  /** `person` is {name, reads, hears, microphone}. */
  constructor({ where, settings, offered, person }) {
    Object.assign(this, { where, settings, person, microphone: person.microphone });
    this.lines = new Lines();
    this.speakers = new Speakers();
    this.delay = new Delay();
    this.announcer = new Announcer(at("announced"));
    this.notices = new Notices(at("notices"));
    this.glass = where.glasses ? new Glass(at("view")) : null;
    const { speakers, lines } = this;
    this.roster = new Roster({ faces: at("faces"), count: at("count"), list: at("roster"), speakers });
    const moved = (following) => (at("newest").hidden = following);
    this.view = new View({ scroller: at("view"), list: at("captions"), lines, speakers, moved });
    this.view.read(person.reads, this.source);
    this.seat = this.seated();
    this.panel = new Panel({
      ...{ settings, offered, where, reads: person.reads },
      changed: (name, value) => this.change(name, value),
      use: (id) => this.use(id),
    });
    settings.watch((name) => name === "size" && this.view.relay());
    this.controls();
  }

  get source() {
    return this.settings.get("source") && !this.where.glasses;
  }

  enter() {
    at("room").hidden = false;
    at("title").textContent = this.where.room;
    document.title = `${this.where.room} · Surtitle`;
    at("empty").textContent = this.where.glasses ? "" : "Captions appear here as soon as somebody speaks.";
    this.hear();
    this.seat.start();
    stayAwake();
    setInterval(() => this.told(), 1000);
  }

  seated() {
    const { name, reads, hears } = this.person;
    const { room, token, glasses } = this.where;
    return new Seat({
      address: socket(location, room),
      whip: resource(room, "whip"),
      self: {
        ...{ name, reads, hears, token, source: this.source },
        stability: this.settings.get("stability"),
        display: glasses ? { columns: 30, lines: 3 } : null,
      },
      microphone: this.microphone,
      state: (state) => this.stands(state),
      message: (message) => this.take(message),
      way: (way) => {
        this.way = way;
        this.told();
      },
    });
  }

  /** From now on the microphone speaks into the room. */
  hear() {
    if (!this.microphone) return;
    at("mute").hidden = false;
    Object.assign(this.microphone, {
      frame: (pcm) => this.seat.frame(pcm),
      level: (dbfs) => at("mute").style.setProperty("--loud", loudness(dbfs).toFixed(2)),
    });
    this.microphone.track.onended = () => this.devicesChanged();
    navigator.mediaDevices.ondevicechange = () => this.devicesChanged();
    this.panel.device(this.microphone.id);
  }

  /** A microphone that is gone is replaced by what there is; it is said when there is none. */
  devicesChanged() {
    if (!this.microphone || this.seat.link.over) return;
    if (this.microphone.track.readyState === "ended") this.use("");
    else this.panel.device(this.microphone.id);
  }

  controls() {
    fullScreen(at("full"));
    at("newest").addEventListener("click", () => this.view.newest());
    at("retry").addEventListener("click", () => (this.seat.link.over ? location.reload() : this.seat.link.hurry()));
    at("mute").addEventListener("click", () => this.mute());
    at("leave").addEventListener("click", () => this.leave());
    at("copy-join").addEventListener("click", () => this.copy(false));
    at("copy-listen").addEventListener("click", () => this.copy(true));
    window.addEventListener("online", () => this.seat.link.hurry());
    window.addEventListener("pagehide", (event) => event.persisted || this.seat.leave());
  }

  take(message) {
    if (message.type === "roster") {
      const named = this.names();
      this.lines.push(message);
      if (named !== this.names()) this.view.rename();
      this.roster.show(message, this.seat.link.welcome.participant);
      const speakers = message.participants.filter((person) => person.hears.length);
      at("captions").classList.toggle("several", speakers.length > 1);
    } else if (message.type === "state") {
      this.notices.push(message);
    } else if (message.type === "token.expiring") {
      const minutes = Math.max(1, Math.round(message.in_ms / 60_000));
      this.notices.say("token", `Your invitation ends in ${minutes} min. Ask for a new link to stay longer`);
    } else if (message.type === "recording") {
      this.notices.say("recording", message.on ? "This conversation is being recorded" : "");
    } else {
      const line = this.lines.push(message);
      if (line) this.show(line, message);
    }
  }

  names() {
    return [...this.lines.roster.values()].map(({ id, name }) => `${id} ${name}`).join();
  }

  show(line, caption) {
    this.view.show(line);
    at("empty").hidden = !this.view.empty;
    this.announcer.push(caption, this.lines.name(this.lines.speaker(caption.speaker)), this.person.reads);
    if (this.glass) this.glass.words();
    const { link, voice } = this.seat;
    if (caption.replay) return;
    if (caption.latency) this.delay.received(caption.latency.total, link.roundTrip);
    const mine = caption.speaker === link.welcome.participant && this.way === "websocket";
    if (mine) requestAnimationFrame(() => this.delay.spoken(performance.now() - voice.captured(caption.heard)));
  }

  /** How the connection stands. */
  stands(state) {
    this.state = state;
    const { name } = state;
    at("state").textContent = this.words(state);
    at("state").dataset.name = name;
    at("retry").hidden = name === "open" || name === "connecting";
    at("retry").textContent = name === "over" ? "Join again" : "Try now";
    at("leave").hidden = name === "over";
    if (name === "open") {
      this.notices.anew();
      this.notices.say("missed", state.missed ? LOST : "");
    }
    if (name === "over") this.end();
    this.told();
  }

  words({ name, again, sentence, wait }) {
    if (name === "connecting") return again ? "Connecting again…" : "Connecting…";
    if (name === "over") return sentence || "You have left.";
    if (name === "waiting") return `${sentence} Trying again${wait > 1000 ? ` in ${Math.ceil(wait / 1000)} s` : ""}…`;
    return this.microphone ? `You are ${this.seat.muted ? "muted" : "heard"}` : "Connected";
  }

  /** The figures, once a second. */
  told() {
    if (!this.panel) return;
    const delay = this.delay.read();
    const { welcome, roundTrip } = this.seat.link;
    at("delay").textContent = delay ? `${Math.round(delay.ms)} ms` : "";
    const meaning = delay && (delay.own ? "from your voice to these words" : "from the server's hearing to these words");
    at("delay-line").title = delay ? `${Math.round(delay.ms)} ms ${meaning}` : "";
    at("delay-line").hidden = !delay || this.seat.link.over;
    this.panel.facts([
      ["Delay", at("delay-line").title],
      ["Network", roundTrip === null ? "" : `${Math.round(roundTrip)} ms there and back`],
      ["Your sound", this.way ? `by ${WAYS[this.way]}${this.seat.why ? ` (WebRTC: ${this.seat.why})` : ""}` : ""],
      ["Translation", welcome ? translations(welcome.pairs) : ""],
    ]);
    at("room").dataset.way = this.way || "";
  }

  change(name, value) {
    if (name === "reads") {
      this.person.reads = value;
      if (!this.where.reads.length) this.settings.set("reads", value);
    }
    this.seat.change({ [name]: name === "source" ? this.source : value });
    this.view.read(this.person.reads, this.source);
  }

  mute() {
    const on = at("mute").getAttribute("aria-pressed") !== "true";
    at("mute").setAttribute("aria-pressed", on);
    this.seat.mute(on);
    at("state").textContent = this.words(this.state);
  }

  async use(id) {
    const { frame, level } = this.microphone;
    try {
      const other = await Microphone.open(id, { frame, level, gone: () => {} });
      this.microphone.close();
      this.microphone = other;
      this.seat.use(other);
      this.settings.set("microphone", other.id);
      this.notices.say("microphone", "");
      this.hear();
    } catch (error) {
      this.notices.say("microphone", error.message);
    }
  }

  leave() {
    this.seat.leave();
    this.stands({ name: "over", sentence: "You have left." });
  }

  end() {
    if (this.microphone) this.microphone.close();
    at("mute").hidden = true;
  }

  async copy(listen) {
    const link = page(location, this.where.room, { listen, token: this.where.token });
    try {
      await navigator.clipboard.writeText(link);
      at("copied").textContent = listen ? "Copied. Who opens it only reads." : "Copied.";
    } catch {
      at("copied").textContent = link; // browsers allow copying on secure pages only
    }
  }
}
