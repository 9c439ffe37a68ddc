/** Reads finished captions to those who listen to a screen reader: each once, none while it still grows. */

import { direction } from "./languages.js";
import { chosen } from "./lines.js";

const KEPT = 6; // captions: what was read aloud is found in the captions themselves

export class Announcer {
  constructor(log) {
    this.log = log;
  }

  push(caption, name, reads) {
    if (!caption.final || caption.replay || !chosen([caption], reads, false).main.length) return;
    const said = document.createElement("p");
    const who = document.createElement("bdi");
    who.textContent = `${name}: `;
    const words = document.createElement("span");
    words.lang = caption.language;
    words.dir = direction(caption.language);
    words.textContent = caption.stable.trim();
    said.append(who, words);
    this.log.append(said);
    while (this.log.children.length > KEPT) this.log.firstChild.remove();
  }
}
