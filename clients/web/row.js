/** One caption on the page: what is certain, then what may still change, then what is less than it should be. */

import { direction } from "./languages.js";

const LESS = {
  untranslated: "not translated",
  late: "late",
  fallback: "by a lesser engine",
};

export class Row {
  constructor() {
    this.element = document.createElement("p");
    this.element.className = "line";
    this.stable = document.createTextNode("");
    const sure = document.createElement("span");
    sure.append(this.stable);
    this.draft = document.createElement("span");
    this.draft.className = "draft";
    this.element.append(sure, this.draft);
    this.mark = null;
  }

  /** Say this from now on. Text only: what people say is never taken for HTML. */
  show(caption) {
    const stable = caption.stable.trimStart();
    const draft = caption.final ? "" : caption.draft;
    // Words that could not be translated are in the language spoken, whichever the caption names.
    const foreign = caption.degraded === "untranslated" && caption.kind === "translation";
    this.element.lang = foreign ? "" : caption.language;
    this.element.dir = foreign ? "auto" : direction(caption.language);
    if (stable.startsWith(this.stable.data)) {
      this.stable.appendData(stable.slice(this.stable.data.length)); // what is marked stays marked
    } else {
      this.stable.data = stable;
    }
    if (this.draft.textContent !== draft) this.draft.textContent = draft;
    this.element.classList.toggle("final", caption.final);
    this.degrade(LESS[caption.degraded]);
  }

  degrade(word) {
    if (word && !this.mark) {
      this.mark = document.createElement("span");
      this.mark.className = "mark-of";
      this.mark.lang = "en";
      this.mark.dir = "ltr";
      this.element.append(this.mark);
    }
    if (this.mark && !word) {
      this.mark.remove();
      this.mark = null;
    } else if (word) {
      this.mark.textContent = word;
    }
  }
}
