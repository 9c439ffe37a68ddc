/** What this browser remembers of its reader. */

const KEY = "surtitle";

const DEFAULTS = {
  name: "",
  hears: [],
  reads: [],
  microphone: "", // id of the device
  source: false, // the speakers' own words beside the translation
  stability: "live",
  size: 100, // per cent
  theme: "auto", // auto, light, dark, contrast
};

export class Settings {
  constructor(storage = safeStorage()) {
    this.storage = storage;
    this.values = { ...DEFAULTS };
    this.watchers = [];
    try {
      const kept = JSON.parse(storage.getItem(KEY)) || {};
      for (const name of Object.keys(DEFAULTS)) {
        if (sameKind(kept[name], DEFAULTS[name])) this.values[name] = kept[name];
      }
    } catch {
      // What cannot be read is forgotten.
    }
  }

  get(name) {
    return this.values[name];
  }

  /** Remember it, and tell whoever watches. */
  set(name, value) {
    this.values[name] = value;
    try {
      this.storage.setItem(KEY, JSON.stringify(this.values));
    } catch {
      // A full or forbidden storage: it lasts as long as the page.
    }
    for (const watcher of this.watchers) watcher(name, value);
  }

  /** `watcher(name, value)` after every change. */
  watch(watcher) {
    this.watchers.push(watcher);
  }
}

/** The browser's storage; a page may be forbidden even to ask for it. */
function safeStorage() {
  try {
    return window.localStorage;
  } catch {
    return { getItem: () => null, setItem: () => {} };
  }
}

function sameKind(value, model) {
  if (Array.isArray(model)) {
    return Array.isArray(value) && value.every((one) => typeof one === "string");
  }
  return typeof value === typeof model;
}
