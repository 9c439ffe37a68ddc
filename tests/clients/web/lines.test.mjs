// What a reader is shown of a conversation: the rule of docs/protocol.md, as the page keeps it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { chosen, Lines, text } from "../../../clients/web/lines.js";

const welcome = (epoch) => ({ type: "welcome", epoch });

function caption(seq, words, more = {}) {
  return {
    ...{ type: "caption", seq, speaker: "p1", segment: 1, language: "es", kind: "translation" },
    ...{ stable: words, draft: "", final: false, at: 0, ...more },
  };
}

function told(...messages) {
  const lines = new Lines();
  lines.push(welcome("e1"));
  for (const message of messages) lines.push(message);
  return lines;
}

const words = (lines) => lines.ordered().map(({ caption: one }) => text(one));

test("a caption replaces the whole line", () => {
  assert.deepEqual(words(told(caption(1, "buenos"), caption(2, "buenos días"))), ["buenos días"]);
});

test("an older caption that comes late changes nothing", () => {
  assert.deepEqual(words(told(caption(2, "buenos días"), caption(1, "buenos"))), ["buenos días"]);
});

test("after its final nothing changes a line", () => {
  const lines = told(caption(1, "hola", { final: true }), caption(2, "otra cosa"));
  assert.deepEqual(words(lines), ["hola"]);
});

test("a final without words withdraws the line", () => {
  const lines = told(caption(1, "tos"));
  const change = lines.push(caption(2, "", { final: true }));
  assert.equal(change.caption, null);
  assert.deepEqual(words(lines), []);
});

test("a final without words of a line nobody saw changes nothing", () => {
  assert.equal(told().push(caption(2, "", { final: true })), null);
});

test("lines stand in the order in which they were spoken, across epochs", () => {
  const lines = told(caption(1, "second", { at: 500, segment: 2 }), caption(2, "first", { at: 100 }));
  lines.push(welcome("e2"));
  lines.push(caption(1, "third", { at: 0 }));
  assert.deepEqual(words(lines), ["first", "second", "third"]);
});

test("a number that somebody else has after a restart does not rename the past", () => {
  const lines = told({ type: "roster", participants: [{ id: "p1", name: "Ana" }] }, caption(1, "before"));
  lines.push(welcome("e2"));
  lines.push({ type: "roster", participants: [{ id: "p1", name: "Rosa" }] });
  lines.push(caption(1, "after"));
  const named = lines.ordered().map(({ caption: one }) => [lines.name(one.speaker), text(one)]);
  assert.deepEqual(named, [["Ana", "before"], ["Rosa", "after"]]);
});

test("who left before we came is still told apart", () => {
  const lines = told();
  lines.push({ type: "roster", participants: [{ id: "p1", name: "Ana" }] });
  assert.deepEqual([lines.name("p1"), lines.name("p7"), lines.name("p9"), lines.name("p7")], [
    ...["Ana", "speaker 1", "speaker 2", "speaker 1"],
  ]);
});

test("the oldest lines are forgotten", () => {
  const lines = new Lines(2);
  for (const segment of [1, 2, 3]) lines.push(caption(segment, `${segment}`, { segment, at: segment }));
  assert.deepEqual(words(lines), ["2", "3"]);
});

const own = caption(1, "good morning", { language: "en", kind: "transcript" });
const spanish = caption(2, "buenos días");

test("a reader reads his language, and the speaker's own words beside it if he likes", () => {
  assert.deepEqual(chosen([own, spanish], ["es"], false), { main: [spanish], own: [] });
  assert.deepEqual(chosen([own, spanish], ["es"], true), { main: [spanish], own: [own] });
});

test("words that could not be translated are read as they are, until there is a translation", () => {
  const untranslated = { ...own, degraded: "untranslated" };
  assert.deepEqual(chosen([untranslated], ["es"], false).main, [untranslated]);
  assert.deepEqual(chosen([untranslated, spanish], ["es"], false).main, [spanish]);
});

test("several languages stand in the order in which they were asked for", () => {
  const french = caption(3, "bonjour", { language: "fr" });
  assert.deepEqual(chosen([spanish, french], ["fr", "es"], false).main, [french, spanish]);
});

test("who reads no language reads what is said", () => {
  assert.deepEqual(chosen([own, spanish], [], false).main, [own]);
});
