/** Who is here, and who speaks: faces in the bar, a list in the panel. */

import { called } from "./languages.js";

const SHOWN = 4; // faces in the bar

export class Roster {
  constructor({ faces, count, list, speakers }) {
    Object.assign(this, { faces, count, list, speakers });
  }

  /** `me` is one's own id, `others` how many there are who are not listed. */
  show({ participants, others = 0 }, me) {
    const order = [...participants].sort((one, other) => rank(one) - rank(other));
    const shown = order.slice(0, SHOWN).map((person) => this.face(person));
    const all = order.length + others;
    if (all > SHOWN) {
      const more = document.createElement("span");
      more.className = "face more";
      more.textContent = `+${all - SHOWN}`;
      shown.push(more);
    }
    this.faces.replaceChildren(...shown);
    const speaking = participants.filter((person) => person.speaking).map((person) => person.name);
    const here = all === 1 ? "1 person here" : `${all} people here`;
    this.count.textContent = speaking.length ? `${here}, ${speaking.join(", ")} speaking` : here;
    this.list.replaceChildren(...order.map((person) => this.item(person, person.id === me)));
    if (others) this.list.append(more(others));
  }

  face({ name, speaking }) {
    const face = document.createElement("span");
    face.className = speaking ? "face speaking" : "face";
    face.dataset.slot = this.speakers.slot(name);
    face.textContent = [...name.trim()][0].toUpperCase();
    return face;
  }

  item(person, me) {
    const item = document.createElement("li");
    const face = this.face(person);
    face.setAttribute("aria-hidden", "true");
    const words = document.createElement("div");
    const name = document.createElement("bdi");
    name.className = "called";
    name.textContent = person.name;
    const told = document.createElement("p");
    told.className = "told";
    told.textContent = does(person);
    words.append(name, me ? " (you)" : "", told);
    item.append(face, words);
    return item;
  }
}

/** The end of the list of a great audience. */
function more(others) {
  const item = document.createElement("li");
  item.className = "told";
  item.textContent = `and ${others} more who read`;
  return item;
}

/** Those who speak first, then those who could. */
function rank({ speaking, hears, muted }) {
  return speaking ? 0 : hears.length && !muted ? 1 : 2;
}

function does({ hears, reads, speaking, muted }) {
  const speaks = hears.length ? `speaks ${hears.map(called).join(", ")}` : "";
  const now = muted ? "muted" : speaking ? "speaking now" : "";
  const read = reads.length ? `reads ${reads.map(called).join(", ")}` : "";
  return [now, speaks, read].filter(Boolean).join(" · ");
}
