/** What languages are called and which way they are written. */

const RIGHT_TO_LEFT = new Set("ar arc ckb dv fa he khw ks ps sd ug ur yi".split(" "));

let names = null;

/** The name of a language in the language of the page; its code where the browser knows none. */
export function called(code) {
  try {
    names = names || new Intl.DisplayNames(["en"], { type: "language" });
    return names.of(code) || code;
  } catch {
    return code;
  }
}

/** "rtl" or "ltr". */
export function direction(code) {
  const [language, ...rest] = code.toLowerCase().split("-");
  if (rest.includes("latn") || rest.includes("cyrl")) return "ltr";
  return RIGHT_TO_LEFT.has(language) || rest.includes("arab") ? "rtl" : "ltr";
}

/** The language itself, without script or region: "zh" of "zh-Hant". */
export function base(code) {
  return code.split("-")[0].toLowerCase();
}

/** The first of those a person prefers that is among the known; null if none is. */
export function preferred(preferences, known) {
  for (const wish of preferences) {
    const found = known.find((code) => code === wish) || known.find((code) => code === base(wish));
    if (found) return found;
  }
  return null;
}

/** Sorted as people look for them. */
export function sorted(codes) {
  return [...new Set(codes)].sort((one, other) => called(one).localeCompare(called(other), "en"));
}
