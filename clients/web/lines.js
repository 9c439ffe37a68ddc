/**
 * What a reader has been told so far: the newest caption of every line.
 *
 *     lines[key] = caption        a caption is the whole line and replaces the one before it
 *     a final without text        withdraws the line
 *     after its final             nothing changes a line any more
 *
 * A line's key begins with the epoch, since segment numbers start again in a new one. So do those of
 * speakers: whoever is "p1" then is somebody else, and is called "p1/2" in here.
 */

const KEPT = 2000; // lines: about three hours of talk

export class Lines {
  constructor(kept = KEPT) {
    this.kept = kept;
    this.epochs = [];
    this.roster = new Map(); // id → participant, those who left as well: they are still named
    this.lines = new Map(); // key → {key, block, place, caption}
    this.unnamed = new Map();
  }

  get epoch() {
    return this.epochs.length ? this.epochs[this.epochs.length - 1] : "";
  }

  /** Take in one message; the line it changed, {key, block, place, caption}, or null. */
  push(message) {
    if (message.type === "welcome" && !this.epochs.includes(message.epoch)) {
      this.epochs.push(message.epoch);
    } else if (message.type === "roster") {
      for (const person of message.participants) this.roster.set(this.speaker(person.id), person);
    } else if (message.type === "caption") {
      return this.replace(message);
    }
    return null;
  }

  /** Who that is now, told apart from whoever had the same number before a restart. */
  speaker(participant) {
    const life = this.epochs.length;
    return life < 2 ? participant : `${participant}/${life}`;
  }

  replace(said) {
    const caption = { ...said, speaker: this.speaker(said.speaker) };
    const { speaker, segment, language, kind } = caption;
    const block = JSON.stringify([this.epoch, speaker, segment]);
    const key = JSON.stringify([this.epoch, speaker, segment, language, kind]);
    const before = this.lines.get(key);
    if (before && (before.caption.final || before.caption.seq >= caption.seq)) return null;
    const place = [this.epochs.length, caption.at, speaker, segment];
    if (caption.final && !text(caption).trim()) {
      this.lines.delete(key);
      return before ? { key, block, place: before.place, caption: null } : null;
    }
    const line = { key, block, place: before ? before.place : place, caption };
    this.lines.set(key, line);
    if (this.lines.size > this.kept) this.lines.delete(this.lines.keys().next().value);
    return line;
  }

  /** What the speaker is called; "speaker 1" of whom no roster has told the name. */
  name(speaker) {
    const person = this.roster.get(speaker);
    if (person) return person.name;
    if (!this.unnamed.has(speaker)) this.unnamed.set(speaker, this.unnamed.size + 1);
    return `speaker ${this.unnamed.get(speaker)}`;
  }

  /** Every line in the order of the conversation. */
  ordered() {
    return [...this.lines.values()].sort((one, other) => compare(one.place, other.place));
  }
}

/** All that a caption shows. */
export function text(caption) {
  return caption.stable + caption.draft;
}

/** Which of two places in the conversation is the earlier: negative if the first is. */
export function compare(one, other) {
  for (let index = 0; index < one.length; index += 1) {
    if (one[index] < other[index]) return -1;
    if (one[index] > other[index]) return 1;
  }
  return 0;
}

/**
 * Which of a block's captions are read, and which are the speaker's own words beside them:
 * {main, own}. Words that come for want of a translation are read until there is one.
 */
export function chosen(captions, reads, source) {
  let main = captions.filter((caption) => reads.includes(caption.language));
  if (!reads.length) {
    main = captions.filter((caption) => caption.kind === "transcript");
    if (!main.length) main = captions;
  }
  if (!main.length) main = captions.filter((caption) => caption.degraded);
  // What was read in a language that one reads no longer stays to be read.
  if (!main.length) main = captions.filter((caption) => caption.final && caption.kind === "translation");
  const rank = (caption) => (reads.indexOf(caption.language) + reads.length + 1) % (reads.length + 1);
  main = [...main].sort((one, other) => rank(one) - rank(other) || (one.kind < other.kind ? -1 : 1));
  const own = captions.filter(
    (caption) => source && caption.kind === "transcript" && !main.includes(caption),
  );
  return { main, own };
}
