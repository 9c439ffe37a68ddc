/** Which colour is whose: a name's own today and tomorrow, and no two the same while there are some left. */

export const COLOURS = 8;

export class Speakers {
  constructor() {
    this.given = new Map();
  }

  /** 0 to 7. */
  slot(name) {
    const key = name.trim().toLowerCase().normalize("NFC");
    if (!this.given.has(key)) this.given.set(key, this.free(crc32(key) % COLOURS));
    return this.given.get(key);
  }

  free(wanted) {
    const taken = new Set(this.given.values());
    for (let step = 0; step < COLOURS; step += 1) {
      const slot = (wanted + step) % COLOURS;
      if (!taken.has(slot)) return slot;
    }
    return wanted;
  }
}

/** As in zip files: the terminal chooses by the same, so a name has one colour everywhere. */
export function crc32(text) {
  let crc = -1;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ -1) >>> 0;
}
