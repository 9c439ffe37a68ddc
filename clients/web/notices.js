/** What does not work just now, in words: the newest state of each thing, gone when it is well again. */

import { called } from "./languages.js";
import { sentence } from "./link.js";

const SCOPES = { recognition: "Hearing", translation: "Translation", room: "The room", connection: "The connection" };
const LEVELS = { degraded: "is slower or simpler than usual", down: "does not work just now" };

const TOLD = "state "; // what keys of the server's own begin with

export class Notices {
  constructor(list) {
    this.list = list;
    this.current = new Map();
  }

  push({ scope, level, reason, language }) {
    const key = `${TOLD}${scope} ${language || ""}`;
    if (level === "draining") {
      this.current.set(key, "The server is about to stop. Words still come until then.");
    } else if (LEVELS[level]) {
      const what = language ? `${SCOPES[scope] || scope} (${called(language)})` : SCOPES[scope] || scope;
      this.current.set(key, `${what} ${LEVELS[level]}${reason ? `: ${reason}` : ""}`);
    } else {
      this.current.delete(key);
    }
    this.show();
  }

  /** A server that welcomes us tells all that is the matter. */
  anew() {
    for (const key of [...this.current.keys()]) if (key.startsWith(TOLD)) this.current.delete(key);
    this.show();
  }

  /** One's own, under a key; "" for none. */
  say(key, text) {
    if (text) this.current.set(key, text);
    else this.current.delete(key);
    this.show();
  }

  show() {
    const items = [...this.current.values()].map((text) => {
      const item = document.createElement("li");
      item.textContent = sentence(text);
      return item;
    });
    this.list.replaceChildren(...items);
  }
}
