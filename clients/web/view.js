/**
 * The conversation on the page: a block for each stretch of speech, in the order of the conversation.
 *
 * Words are added at the end only. The view follows the newest unless the reader has gone back; and it
 * never slides back by itself: when a draft gets shorter, the place it had stays free for what comes.
 */

import { direction } from "./languages.js";
import { chosen, compare } from "./lines.js";
import { Row } from "./row.js";

const KEPT = 600; // blocks on the page
const CLOSE = 24; // px from the end that still count as being there

export class View {
  /** `scroller` holds `list`; `lines` as in lines.js, `speakers` as in speakers.js. */
  constructor({ scroller, list, lines, speakers, moved }) {
    Object.assign(this, { scroller, list, lines, speakers, moved });
    this.reads = [];
    this.source = false;
    this.blocks = new Map(); // key → block
    this.ordered = [];
    this.following = true;
    this.fullest = 0; // px, the greatest height so far
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.relay()).observe(scroller);
  }

  /** A line has changed, as told by Lines.push. */
  show({ key, block: blockKey, place, caption }) {
    let block = this.blocks.get(blockKey);
    if (!block) {
      if (!caption) return;
      block = this.place(blockKey, place, caption.speaker);
    }
    if (caption) block.captions.set(key, caption);
    else block.captions.delete(key);
    if (block.captions.size) this.draw(block);
    else this.remove(block);
    this.settle();
  }

  /** Other languages, or with or without the speakers' own words. */
  read(reads, source) {
    this.reads = reads;
    this.source = source;
    this.list.classList.toggle("with-source", source);
    this.list.dir = reads.length ? direction(reads[0]) : "ltr"; // names stand where lines begin
    for (const block of this.ordered) this.draw(block);
    this.relay();
  }

  /** People are called otherwise, or have come. */
  rename() {
    for (const block of this.ordered) this.head(block);
  }

  /** Sizes have changed: nothing stays where it was. */
  relay() {
    this.fullest = 0;
    this.list.style.minHeight = "";
    this.settle();
  }

  newest() {
    this.following = true;
    this.settle();
    this.moved(this.following);
  }

  get empty() {
    return !this.ordered.some((block) => block.rows.size);
  }

  place(key, place, speaker) {
    const block = { key, place, speaker, captions: new Map(), rows: new Map() };
    block.item = element("li", "block");
    block.item.hidden = true; // until there is something to read
    block.who = element("p", "who");
    block.main = element("div", "main");
    block.own = element("div", "own");
    block.item.append(block.main, block.own);
    let index = this.ordered.length;
    while (index && compare(place, this.ordered[index - 1].place) < 0) index -= 1;
    const after = this.ordered[index];
    this.ordered.splice(index, 0, block);
    this.blocks.set(key, block);
    this.list.insertBefore(block.item, after ? after.item : null);
    if (this.ordered.length > KEPT && this.following) this.trim();
    return block;
  }

  /** Let the oldest go, while nobody is reading it. */
  trim() {
    this.remove(this.ordered[0]);
    this.fullest = 0;
    this.list.style.minHeight = "";
  }

  remove(block) {
    const index = this.ordered.indexOf(block);
    this.ordered.splice(index, 1);
    this.blocks.delete(block.key);
    block.item.remove();
    this.headAfter(index - 1);
  }

  /** The name, where a turn begins: after another speaker whose words are to be seen. */
  head(block) {
    let index = this.ordered.indexOf(block) - 1;
    while (index >= 0 && !this.ordered[index].rows.size) index -= 1;
    const begins = index < 0 || this.ordered[index].speaker !== block.speaker;
    const name = this.lines.name(block.speaker);
    block.item.dataset.slot = this.speakers.slot(name);
    block.item.classList.toggle("begins", begins);
    if (block.who.textContent !== name) {
      const isolated = element("bdi");
      isolated.textContent = name;
      block.who.replaceChildren(isolated);
    }
    if (begins && !block.who.isConnected) block.item.prepend(block.who);
    if (!begins) block.who.remove();
    for (const row of block.rows.values()) row.element.dataset.who = name;
  }

  draw(block) {
    const { main, own } = chosen([...block.captions.values()], this.reads, this.source);
    const wanted = new Map([...block.captions].map(([key, caption]) => [caption, key]));
    const keys = new Set([...main, ...own].map((caption) => wanted.get(caption)));
    for (const [key, row] of block.rows) {
      if (!keys.has(key)) {
        row.element.remove();
        block.rows.delete(key);
      }
    }
    this.fill(block, block.main, main, wanted);
    this.fill(block, block.own, own, wanted);
    if (block.item.hidden === block.rows.size > 0) {
      block.item.hidden = !block.rows.size;
      this.head(block);
      this.headAfter(this.ordered.indexOf(block));
    }
  }

  headAfter(index) {
    const next = this.ordered.slice(index + 1).find((block) => block.rows.size);
    if (next) this.head(next);
  }

  fill(block, parent, captions, keys) {
    captions.forEach((caption, index) => {
      const key = keys.get(caption);
      const row = block.rows.get(key) || new Row();
      if (!block.rows.has(key)) row.element.dataset.who = this.lines.name(block.speaker);
      block.rows.set(key, row);
      row.show(caption);
      const there = parent.children[index];
      if (there !== row.element) parent.insertBefore(row.element, there || null);
    });
  }

  /** To the newest, if that is where the reader is; and keep what height there was. */
  settle() {
    if (!this.following) return;
    const height = this.list.offsetHeight;
    if (height > this.fullest) {
      this.fullest = height;
      this.list.style.minHeight = `${height}px`;
    }
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const following = scrollHeight - clientHeight - scrollTop < CLOSE;
    if (following !== this.following) {
      this.following = following;
      this.moved(following);
    }
  }
}

function element(name, className = "") {
  const made = document.createElement(name);
  made.className = className;
  return made;
}
