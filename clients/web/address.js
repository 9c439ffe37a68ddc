/** What the page's address says, and the addresses that it leads to. */

const ROOM = /^\/rooms\/([^/]+)\/?$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/**
 * Where we are: {room, named, listen, glasses, reads, name, token}.
 *
 * `room` is null in the lobby; `named` is what stands in its place when that is no room's name. A
 * token comes in the fragment, which no server and no log sees.
 */
export function read(location) {
  const query = new URLSearchParams(location.search);
  const fragment = new URLSearchParams(location.hash.slice(1));
  const named = decoded((ROOM.exec(location.pathname) || [])[1]);
  return {
    room: NAME.test(named) ? named : null,
    named,
    listen: query.has("listen"),
    glasses: query.get("display") === "glasses",
    reads: (query.get("reads") || "").split(",").filter(Boolean).slice(0, 8),
    name: (query.get("name") || "").trim().slice(0, 64),
    token: fragment.get("token"),
  };
}

/** Whether a room may be called so. */
export function isName(text) {
  return NAME.test(text);
}

/** The page of a room; with `listen`, the one that needs no microphone. */
export function page(location, room, { listen = false, token = null } = {}) {
  const fragment = token ? `#${new URLSearchParams({ token })}` : "";
  return `${location.origin}/rooms/${encodeURIComponent(room)}${listen ? "?listen" : ""}${fragment}`;
}

/** The WebSocket of a room. */
export function socket(location, room) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${location.host}/v1/rooms/${encodeURIComponent(room)}`;
}

/** What else belongs to a room: "whip", "transcript.srt". */
export function resource(room, rest) {
  return `/v1/rooms/${encodeURIComponent(room)}/${rest}`;
}

function decoded(text) {
  try {
    return decodeURIComponent(text || "");
  } catch {
    return text;
  }
}
