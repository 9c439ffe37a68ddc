"use strict";
// Every event is a whole screen. Text is set as text: nothing that is said becomes markup.
const rows = document.getElementById("rows");

function shown(row) {
  const line = document.createElement("div");
  line.className = `row ${row.tone}`;
  line.dir = "auto";
  line.append(row.sure);
  if (row.draft) {
    const draft = document.createElement("span");
    draft.className = "draft";
    draft.textContent = row.draft;
    line.append(draft);
  }
  return line;
}

function show(screen) {
  document.documentElement.style.setProperty("--columns", screen.columns);
  document.documentElement.style.setProperty("--lines", screen.lines);
  rows.replaceChildren(...screen.rows.map(shown));
}

const events = new EventSource("events");
events.onmessage = (event) => show(JSON.parse(event.data));
events.onerror = () => {
  const state = { tone: "state", sure: "the glasses' program is gone", draft: "" };
  rows.replaceChildren(shown(state));
};
