"""The colours of the screen: three palettes, and one steady colour for each name.

Whatever is to be read stands out from its background by at least 4.5:1 (WCAG 2.2, 1.4.3), and by
7:1 in the palette for those who need it. Pure: no Textual in here.
"""

import unicodedata
import zlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """One look of the whole screen, colours as #rrggbb."""

    name: str
    called: str
    """In the words of the reader."""
    dark: bool
    background: str
    text: str
    draft: str
    """Words that may still change."""
    source: str
    """The speaker's own words beside a translation."""
    panel: str
    """Behind the status line, the keys and what opens above the captions."""
    faint: str
    """What is there when one looks for it; read on the panel too."""
    warning: str
    good: str
    found: str
    """Behind words that were searched for."""
    current: str
    """Behind the one the search is at."""
    on_found: str
    """Words on either of them."""
    speakers: tuple[str, ...]
    """The same hues in the same order in each palette."""


DARK = Palette(
    name="surtitle-dark",
    called="dark",
    dark=True,
    background="#11151a",
    text="#e9ebee",
    draft="#97a1af",
    source="#8fa6c4",
    panel="#1d242d",
    faint="#9aa5b3",
    warning="#ffb454",
    good="#86d99a",
    found="#c9a227",
    current="#ff9e64",
    on_found="#11151a",
    speakers=(
        *("#7dcfff", "#ffb86c", "#a6e3a1", "#f5a9d0"),
        *("#e0d561", "#b4a7f5", "#5ce0cc", "#ff9e8f"),
    ),
)

LIGHT = Palette(
    name="surtitle-light",
    called="light",
    dark=False,
    background="#fbfaf7",
    text="#1d2127",
    draft="#666d76",
    source="#44597a",
    panel="#ece8e0",
    faint="#585f68",
    warning="#8a4600",
    good="#1c6b32",
    found="#ffe08a",
    current="#ffb066",
    on_found="#1d2127",
    speakers=(
        *("#005f9e", "#974600", "#1f6f2b", "#a0266b"),
        *("#6a5a00", "#5b3fb0", "#00675c", "#a8321f"),
    ),
)

CONTRAST = Palette(
    name="surtitle-contrast",
    called="high contrast",
    dark=True,
    background="#000000",
    text="#ffffff",
    draft="#c4c4c4",
    source="#cfe0ff",
    panel="#1a1a1a",
    faint="#d6d6d6",
    warning="#ffd75f",
    good="#7dff9b",
    found="#ffff00",
    current="#ff9f1a",
    on_found="#000000",
    speakers=(
        *("#6fdcff", "#ffb25c", "#8cff8c", "#ffa6dc"),
        *("#ffff6b", "#cbb8ff", "#63ffe0", "#ffa59e"),
    ),
)

PALETTES = (DARK, LIGHT, CONTRAST)


def palette(called: str) -> Palette:
    """The palette of that name, the dark one if there is none."""
    return next((one for one in PALETTES if called in (one.called, one.name)), DARK)


def after(one: Palette) -> Palette:
    """The next of them."""
    return PALETTES[(PALETTES.index(one) + 1) % len(PALETTES)]


class Speakers:
    """Which of the colours is whose: the same for a name today and tomorrow, and in every palette.

    A name chooses its colour itself; where two choose the same, the one that came later takes the
    next that is free.
    """

    def __init__(self, count: int = len(DARK.speakers)) -> None:
        self.count = count
        self._given: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        key = unicodedata.normalize("NFC", name.strip().casefold())
        if key not in self._given:
            self._given[key] = self._free(zlib.crc32(key.encode(errors="replace")) % self.count)
        return self._given[key]

    def _free(self, wanted: int) -> int:
        taken = set(self._given.values())
        order = [(wanted + step) % self.count for step in range(self.count)]
        return next((slot for slot in order if slot not in taken), wanted)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21, as WCAG 2.2 defines it."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
