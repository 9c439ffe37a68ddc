/** How loud somebody is, and which microphones there are to choose from. */

import { option } from "./chooser.js";
import { devices } from "./microphone.js";

const QUIET = -60; // dBFS that show as nothing
const LOUD = -12; // dBFS that show as all

/** 0 to 1 of a level in dBFS. */
export function loudness(dbfs) {
  return Math.max(0, Math.min(1, (dbfs - QUIET) / (LOUD - QUIET)));
}

/** The microphones, that one chosen, in a <select>. */
export async function fill(select, chosen) {
  const found = await devices();
  select.replaceChildren(...found.map(({ id, name }) => option(id, name)));
  if (found.some(({ id }) => id === chosen)) select.value = chosen;
}
