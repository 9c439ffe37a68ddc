/** What a server says of itself over HTTP. */

/** {hears: [code], pairs: [[source, target, engine]]}; empty where it does not say. */
export async function offers() {
  try {
    const answer = await fetch("/v1/languages");
    return answer.ok ? await answer.json() : { hears: [], pairs: [] };
  } catch {
    return { hears: [], pairs: [] };
  }
}

/** The open rooms, or null where they are not told. */
export async function rooms() {
  try {
    const answer = await fetch("/v1/rooms");
    return answer.ok ? (await answer.json()).rooms : null;
  } catch {
    return null;
  }
}

/** What can be read there: what is heard, and what that can be translated into. */
export function readable({ hears, pairs }) {
  return [...new Set([...hears, ...pairs.map(([, target]) => target)])];
}
