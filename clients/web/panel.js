/** The settings of a reader, beside the captions. */

import { Chooser } from "./chooser.js";
import { called } from "./languages.js";
import { fill } from "./meter.js";
import { readable } from "./server.js";
import { save } from "./transcript.js";

const DIALS = {
  live: "Words appear as soon as they are guessed; the dim ones may still change.",
  steady: "Words appear a little later, and change less.",
  final: "Only finished sentences appear. Nothing changes once you read it.",
};

const at = (id) => document.getElementById(id);

export class Panel {
  /** `changed(name, value)` for reads, source, stability; `use(id)` for another microphone. */
  constructor({ settings, offered, where, reads, changed, use }) {
    Object.assign(this, { settings, where, changed });
    this.reads = new Chooser(at("panel-reads"), {
      id: "panel-reads-add",
      most: 8,
      label: "Choose a language",
      changed: (codes) => changed("reads", codes),
    });
    this.reads.offer([...readable(offered), ...reads], reads);
    opens(at("settings"), at("settings-panel"));
    opens(at("people"), at("people-panel"));
    at("panel-device").addEventListener("change", () => use(at("panel-device").value));
    this.radios("stability", (value) => this.dial(value));
    this.radios("theme", () => {});
    at("size").value = settings.get("size");
    at("size").addEventListener("input", () => settings.set("size", Number(at("size").value)));
    at("source").addEventListener("click", () => this.source(!settings.get("source")));
    at("source").setAttribute("aria-pressed", settings.get("source"));
    at("stability-hint").textContent = DIALS[settings.get("stability")];
    for (const button of at("save").children) button.addEventListener("click", () => this.save(button));
  }

  /** Which microphone it is, of which. */
  async device(id) {
    at("device-field").hidden = false;
    await fill(at("panel-device"), id);
  }

  /** How it stands, [[what, how], ...]. */
  facts(pairs) {
    const shown = pairs.filter(([, how]) => how).flatMap(([what, how]) => {
      const term = document.createElement("dt");
      term.textContent = what;
      const told = document.createElement("dd");
      told.textContent = how;
      return [term, told];
    });
    at("facts").replaceChildren(...shown);
  }

  radios(name, then) {
    for (const radio of at(name).querySelectorAll("input")) {
      radio.checked = radio.value === this.settings.get(name);
      radio.addEventListener("change", () => {
        this.settings.set(name, radio.value);
        then(radio.value);
      });
    }
  }

  dial(value) {
    at("stability-hint").textContent = DIALS[value];
    this.changed("stability", value);
  }

  source(on) {
    this.settings.set("source", on);
    at("source").setAttribute("aria-pressed", on);
    this.changed("source", on);
  }

  async save(button) {
    const { room, token } = this.where;
    at("save-problem").textContent = "";
    button.disabled = true;
    try {
      await save({ room, token, form: button.dataset.form, language: this.reads.chosen[0] });
    } catch (error) {
      at("save-problem").textContent = error.message;
    }
    button.disabled = false;
  }
}

/** How a pair of languages is translated, in words. */
export function translations(pairs) {
  return pairs
    .slice(0, 6)
    .map(([source, target, engine]) => `${called(source)} to ${called(target)} (${engine})`)
    .join(", ");
}

/** A button that opens a dialog; a click beside the dialog closes it, as Escape does. */
function opens(button, dialog) {
  button.addEventListener("click", () => {
    if (dialog.showModal) dialog.showModal();
    else dialog.setAttribute("open", "");
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && dialog.close) dialog.close();
  });
}
