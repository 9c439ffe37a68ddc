/** The transcript as a file, in the forms the server makes of it. */

import { resource } from "./address.js";

/** Save it. Throws an Error with a sentence. */
export async function save({ room, form, language, token }) {
  const query = language && (form === "srt" || form === "vtt") ? `?language=${encodeURIComponent(language)}` : "";
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let answer;
  try {
    answer = await fetch(resource(room, `transcript.${form}${query}`), { headers });
  } catch {
    throw new Error("The server cannot be reached, so there is no transcript to be had now.");
  }
  if (!answer.ok) throw new Error(`No transcript: ${(await answer.text()).trim() || answer.status}.`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `${room}.${form}`;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
