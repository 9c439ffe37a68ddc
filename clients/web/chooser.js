/** Languages to choose: those chosen as buttons that take themselves away, and a list to add from. */

import { called, sorted } from "./languages.js";

export class Chooser {
  /** In `root`; `most` may be chosen; `changed(codes)` after each change. */
  constructor(root, { id, most, label, changed }) {
    Object.assign(this, { root, most, label, changed });
    this.known = [];
    this.chosen = [];
    this.select = document.createElement("select");
    this.select.id = id;
    this.select.addEventListener("change", () => this.add(this.select.value));
    root.append(this.select);
  }

  /** What there is to choose from, and what is chosen of it. */
  offer(known, chosen) {
    this.known = sorted(known);
    this.chosen = chosen.slice(0, this.most);
    this.show();
  }

  add(code) {
    if (!code) return;
    this.set(this.most === 1 ? [code] : [...this.chosen, code]);
    this.select.focus();
  }

  set(codes) {
    this.chosen = codes.slice(0, this.most);
    this.show();
    this.changed(this.chosen);
  }

  show() {
    const buttons = this.chosen.map((code) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = called(code);
      button.setAttribute("aria-label", `Remove ${called(code)}`);
      button.addEventListener("click", () => {
        this.set(this.chosen.filter((one) => one !== code));
        this.select.focus();
      });
      return button;
    });
    const rest = this.known.filter((code) => !this.chosen.includes(code));
    const first = option("", this.chosen.length ? "Add a language" : this.label);
    this.select.replaceChildren(first, ...rest.map((code) => option(code, called(code))));
    this.select.hidden = !rest.length || (this.chosen.length >= this.most && this.most > 1);
    this.root.replaceChildren(...buttons, this.select);
  }
}

/** An <option>. */
export function option(value, text) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
}
