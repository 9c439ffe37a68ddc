/** The screen itself: colours, size of text, full screen, and that it does not go dark. */

const IDLE = 3000; // ms without a hand at the controls

const at = (id) => document.getElementById(id);

/** Follow the settings; with `always`, in that theme whatever they say. */
export function dress(settings, always = null) {
  const light = matchMedia("(prefers-color-scheme: light)");
  const contrast = matchMedia("(prefers-contrast: more)");
  const theme = () => {
    const own = contrast.matches ? "contrast" : light.matches ? "light" : "dark";
    const chosen = always || settings.get("theme");
    document.documentElement.dataset.theme = chosen === "auto" ? own : chosen;
  };
  const size = () => {
    document.documentElement.style.setProperty("--size", settings.get("size") / 100);
    at("captions").style.setProperty("--size", settings.get("size") / 100);
  };
  light.addEventListener("change", theme);
  contrast.addEventListener("change", theme);
  settings.watch((name) => (name === "theme" ? theme() : name === "size" && size()));
  theme();
  size();
}

/** The button for full screen, where browsers have it; there the bars go when nobody is at them. */
export function fullScreen(button) {
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen().catch(() => {});
  });
  let timer = null;
  const awake = () => {
    clearTimeout(timer);
    document.body.classList.remove("idle");
    if (document.fullscreenElement) timer = setTimeout(() => document.body.classList.add("idle"), IDLE);
  };
  for (const kind of ["pointermove", "pointerdown", "keydown", "fullscreenchange"]) {
    document.addEventListener(kind, awake);
  }
}

/** Phones let the screen go dark while one reads: not here. */
export async function stayAwake() {
  const ask = async () => {
    if (document.visibilityState === "visible") await navigator.wakeLock.request("screen").catch(() => {});
  };
  if (!navigator.wakeLock) return;
  document.addEventListener("visibilitychange", ask);
  await ask();
}
