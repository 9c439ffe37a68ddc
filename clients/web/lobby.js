/** The lobby: the rooms that are open, and a new one with a name that is easily said. */

import { isName, page } from "./address.js";
import { called } from "./languages.js";
import { rooms } from "./server.js";

const ADJECTIVES = "amber bold brave bright calm clear clever cosy fair fond fresh gentle glad happy jolly kind lively merry mild neat noble proud quick quiet ready royal sharp smooth sunny swift warm wise".split(" ");
const ANIMALS = "badger bear beaver bison cat crane crow deer dove duck eagle falcon finch fox frog goose hare hawk heron koala lark lemur lion llama moose otter owl panda puffin raven robin salmon seal stork swan tiger wolf wren".split(" ");
const AGAIN = 5000; // ms between two looks

const at = (id) => document.getElementById(id);

export function open(problem = "") {
  at("lobby").hidden = false;
  at("room-name").value = invented();
  at("room-problem").textContent = problem;
  at("make").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = at("room-name").value.trim();
    if (isName(name)) {
      location.assign(page(location, name));
    } else {
      at("room-problem").textContent =
        "A room's name has up to 64 letters without accents, digits, - and _, and begins with a letter or digit.";
      at("room-name").focus();
    }
  });
  refresh();
}

async function refresh() {
  const listed = document.hidden ? null : await rooms();
  if (listed) {
    at("rooms").replaceChildren(...listed.map(item));
    at("no-rooms").hidden = listed.length > 0;
  }
  if (!document.hidden) at("open-rooms").hidden = !listed; // some servers keep their rooms to themselves
  setTimeout(refresh, AGAIN);
}

function item({ name, participants, languages }) {
  const link = document.createElement("a");
  link.href = page(location, name);
  const title = document.createElement("span");
  title.className = "called";
  title.textContent = name;
  const told = document.createElement("span");
  told.className = "told";
  const spoken = (languages || []).slice(0, 3).map(called).join(", ");
  told.textContent = `${participants} here${spoken ? ` · ${spoken}` : ""}`;
  link.append(title, told);
  const made = document.createElement("li");
  made.append(link);
  return made;
}

function invented() {
  const any = (list) => list[Math.floor(Math.random() * list.length)];
  return `${any(ADJECTIVES)}-${any(ANIMALS)}-${10 + Math.floor(Math.random() * 90)}`;
}
