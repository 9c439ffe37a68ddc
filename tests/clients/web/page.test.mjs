// The small things of the page: addresses, languages, colours, figures, what is remembered.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as address from "../../../clients/web/address.js";
import { Delay } from "../../../clients/web/delay.js";
import { direction, preferred } from "../../../clients/web/languages.js";
import { Settings } from "../../../clients/web/settings.js";
import { Speakers } from "../../../clients/web/speakers.js";

const at = (url) => new URL(url);

test("an address says the room, and what for one comes", () => {
  const where = address.read(at("https://host/rooms/lab?listen&reads=es,fr#token=abc.def"));
  assert.deepEqual(
    [where.room, where.listen, where.reads, where.token, where.glasses],
    ["lab", true, ["es", "fr"], "abc.def", false],
  );
  assert.equal(address.read(at("https://host/rooms/lab?display=glasses")).glasses, true);
});

test("what is no room's name leads to no room", () => {
  for (const path of ["/", "/rooms/", "/rooms/%3Cscript%3E", "/rooms/%E0%A4%A", `/rooms/${"a".repeat(65)}`]) {
    assert.equal(address.read(at(`https://host${path}`)).room, null, path);
  }
});

test("a token stays in the fragment, which no server sees", () => {
  const link = address.page(at("https://host/rooms/lab"), "lab", { listen: true, token: "a&b" });
  assert.equal(link, "https://host/rooms/lab?listen#token=a%26b");
  assert.equal(address.socket(at("https://host:8765/rooms/lab"), "lab"), "wss://host:8765/v1/rooms/lab");
});

test("languages are written the way they are", () => {
  const ways = ["ar", "he", "fa-IR", "ur", "en", "zh-Hant", "uz-Arab", "ku-Latn"].map(direction);
  assert.deepEqual(ways, ["rtl", "rtl", "rtl", "rtl", "ltr", "ltr", "rtl", "ltr"]);
});

test("a browser's wishes find a language that there is", () => {
  assert.equal(preferred(["es-MX", "en"], ["en", "es"]), "es");
  assert.equal(preferred(["xx"], ["en"]), null);
});

test("a name has one colour, and no two the same while there are some", () => {
  const speakers = new Speakers();
  const slots = ["Ana", "Ben", "Chloé", "Dai", "Eva", "Fay", "Gus", "Hal"].map((name) => speakers.slot(name));
  assert.equal(new Set(slots).size, 8);
  assert.equal(speakers.slot(" ana "), slots[0]);
});

test("the delay is the middle of the last, of one's own voice before others'", () => {
  const delay = new Delay();
  assert.equal(delay.read(), null);
  for (const ms of [100, 9000, 110]) delay.received(ms, 20);
  assert.deepEqual(delay.read(), { ms: 120, own: false });
  delay.spoken(300);
  assert.deepEqual(delay.read(), { ms: 300, own: true });
});

test("settings that make no sense are forgotten, the others kept", () => {
  const kept = JSON.stringify({ name: 7, reads: ["es"], hears: "en", size: 150 });
  const settings = new Settings({ getItem: () => kept, setItem: () => {} });
  assert.deepEqual(["name", "reads", "hears", "size"].map((name) => settings.get(name)), ["", ["es"], [], 150]);
});

test("a browser that keeps nothing is no hindrance", () => {
  const refuse = () => {
    throw new Error("no storage here");
  };
  const settings = new Settings({ getItem: refuse, setItem: refuse });
  settings.set("name", "Ana");
  assert.equal(settings.get("name"), "Ana");
});
