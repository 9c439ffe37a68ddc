/** Begins here: which of lobby, door and room the address asks for. */

import { read } from "./address.js";
import { Join, wished } from "./join.js";
import { open as openLobby } from "./lobby.js";
import { Room } from "./room.js";
import { dress } from "./screen.js";
import { offers } from "./server.js";
import { Settings } from "./settings.js";

const where = read(location);
const settings = new Settings();
dress(settings, where.glasses ? "contrast" : null);

if (where.room) {
  begin();
} else {
  const wrong = where.named && `${where.named.slice(0, 80)} is no room's name.`;
  openLobby(wrong || "");
}

async function begin() {
  const offered = await offers();
  const enter = (person) => new Room({ where, settings, offered, person }).enter();
  if (where.glasses) document.documentElement.dataset.display = "glasses";
  if (where.glasses || (where.listen && where.reads.length)) {
    const name = where.name || (where.glasses ? "Glasses" : "A reader");
    enter({ name, reads: wished(where, settings, offered), hears: [], microphone: null });
  } else {
    const done = (person) => {
      enter(person);
      document.getElementById("view").focus(); // where the form was there is nothing any more
    };
    new Join({ where, settings, offered, done });
  }
}
