/** The way into a room: a name, what one reads, and a microphone that shows it hears before one goes in. */

import { Chooser } from "./chooser.js";
import { preferred } from "./languages.js";
import { fill, loudness } from "./meter.js";
import { Microphone, NoMicrophone } from "./microphone.js";
import { readable } from "./server.js";

const UNTOLD = "ar bn cs da de el en es fa fi fr he hi hu id it ja ko nl no pl pt ro ru sv ta th tr uk ur vi zh".split(" ");

const at = (id) => document.getElementById(id);

/** Languages to read, for who has not chosen: of the address, remembered, or the browser's own. */
export function wished(where, settings, offered) {
  if (where.reads.length) return where.reads;
  const known = readable(offered);
  const kept = settings.get("reads").filter((code) => !known.length || known.includes(code));
  if (kept.length) return kept;
  const found = preferred(navigator.languages || [], known.length ? known : UNTOLD) || known[known.length - 1];
  return found ? [found] : [];
}

export class Join {
  /** `done({name, reads, hears, microphone})` when one wants in; `microphone` may be null. */
  constructor({ where, settings, offered, done }) {
    Object.assign(this, { where, settings, offered, done });
    this.microphone = null;
    this.reads = new Chooser(at("reads"), this.languages("reads-add", 8));
    this.hears = new Chooser(at("hears"), this.languages("hears-add", 4));
    const known = readable(offered);
    this.reads.offer(known.length ? known : UNTOLD, wished(where, settings, offered));
    this.hears.offer(offered.hears.length ? offered.hears : UNTOLD, this.spoken());
    at("join-title").textContent = where.room;
    at("name").value = where.name || settings.get("name");
    at("speaking").hidden = where.listen;
    at("join-hint").textContent = where.listen
      ? "You are invited to read along. Nothing of you is heard."
      : "Captions of this conversation, in your language, while it is spoken.";
    at("speak").addEventListener("change", () => this.toggle());
    at("device").addEventListener("change", () => this.open(at("device").value));
    document.querySelector("#join form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.label();
    at("join").hidden = false;
    if (!at("name").value) at("name").focus();
  }

  languages(id, most) {
    return { id, most, label: "Choose a language", changed: () => this.complain("") };
  }

  spoken() {
    const { hears } = this.offered;
    const kept = this.settings.get("hears").filter((code) => !hears.length || hears.includes(code));
    if (kept.length) return kept;
    const found = preferred(navigator.languages || [], hears.length ? hears : UNTOLD) || hears[0];
    return found ? [found] : [];
  }

  async toggle() {
    if (at("speak").checked) await this.open(this.settings.get("microphone"));
    else this.close();
    this.label();
  }

  async open(id) {
    this.close();
    at("microphone-problem").textContent = "";
    try {
      const opened = await Microphone.open(id, {
        frame: () => {},
        level: (dbfs) => this.show(dbfs),
        gone: (sentence) => this.failed(sentence),
      });
      if (!at("speak").checked) return opened.close();
      this.microphone = opened;
      this.settings.set("microphone", opened.id);
      at("microphone").hidden = false;
      await fill(at("device"), opened.id);
    } catch (error) {
      if (!(error instanceof NoMicrophone)) throw error;
      this.failed(error.message);
    }
  }

  failed(sentence) {
    this.close();
    at("speak").checked = false;
    at("microphone-problem").textContent = sentence;
    this.label();
  }

  close() {
    if (this.microphone) this.microphone.close();
    this.microphone = null;
    at("microphone").hidden = true;
  }

  show(dbfs) {
    const share = loudness(dbfs);
    at("level").firstElementChild.style.transform = `scaleX(${share.toFixed(2)})`;
    at("level").setAttribute("aria-valuenow", Math.round(100 * share));
  }

  label() {
    at("go").textContent = at("speak").checked ? "Join and speak" : "Join and read";
  }

  complain(sentence) {
    at("join-problem").textContent = sentence;
  }

  submit() {
    const name = at("name").value.trim() || (this.where.listen ? "A reader" : "");
    if (!name) {
      this.complain("Say what you are called: the others see it beside your words.");
      return at("name").focus();
    }
    if (!this.reads.chosen.length && !this.microphone) {
      return this.complain("Choose a language to read, or use your microphone.");
    }
    if (this.microphone && !this.hears.chosen.length) {
      return this.complain("Choose the language that your microphone will hear.");
    }
    if (at("name").value.trim()) this.settings.set("name", name);
    if (!this.where.reads.length) this.settings.set("reads", this.reads.chosen);
    if (this.microphone) this.settings.set("hears", this.hears.chosen);
    at("join").hidden = true;
    const hears = this.microphone ? this.hears.chosen : [];
    return this.done({ name, reads: this.reads.chosen, hears, microphone: this.microphone });
  }
}
