"""How wide each character is on a display, and which it has: what a row has room for."""

import unicodedata
from collections.abc import Sequence
from typing import ClassVar, Protocol

from clients import plain

from .profiles import Profile


class Face(Protocol):
    """The letters of one display."""

    shapes: bool
    """They are joined, and lines turned that run leftwards."""

    def widths(self, text: str) -> Sequence[int]:
        """Of each character, in the units of the profile's `width`."""

    def lacks(self, character: str) -> bool:
        """Whether it cannot be shown."""


class Cells:
    """A terminal's: one column, two for Han. What it lacks is the terminal's business."""

    shapes = True

    def widths(self, text: str) -> Sequence[int]:
        """Columns."""
        return plain.widths(text)

    def lacks(self, character: str) -> bool:
        """Never known."""
        return False


def _g1() -> dict[str, int]:
    """Pixels of the G1's own letters: twice the glyph and the gap after it.

    Published by MentraOS (display-utils), which measured them on the glasses.
    """
    glyphs = {
        1: "!',.:;il|",
        2: ' "()I[]`j',
        3: "*/1J\\_rt{}",
        4: "+-<=>EFL^bcdefghknopqsz",
        5: "$023456789?BCDGHKNOPQRSTUZauvxy",
        6: "#%AVXY",
        7: "&@MWmw~",
    }
    return {letter: (width + 1) * 2 for width, letters in glyphs.items() for letter in letters}


class G1:
    """Even Realities G1: its firmware has the font."""

    shapes = False
    PIXELS: ClassVar = _g1()
    WIDEST_LATIN = 16
    SCRIPTS: ClassVar = {
        **dict.fromkeys(("CJK", "HIRAGANA", "KATAKANA", "CYRILLIC"), 18),
        "HANGUL": 24,
    }
    SIGNS = "–—‘’“”…·×÷€£¥°«»¿¡、。〈〉《》「」『』【】〔〕・ー々！（），．：；？［］％～"

    def __init__(self) -> None:
        self._known = dict(self.PIXELS)

    def widths(self, text: str) -> Sequence[int]:
        """Pixels."""
        return [self._width(character) for character in text]

    def lacks(self, character: str) -> bool:
        """Nobody has published its whole font: what was seen on glasses is taken as all."""
        if character in self.PIXELS or character in self.SIGNS:
            return False
        first = unicodedata.name(character, "").partition(" ")[0]
        return first != "LATIN" and first not in self.SCRIPTS

    def _width(self, character: str) -> int:
        if character not in self._known:
            if plain.columns(character) == 0:
                width = 0
            else:
                first = unicodedata.name(character, "").partition(" ")[0]
                wide = unicodedata.east_asian_width(character) in "WF"
                width = self.SCRIPTS.get(first, 18 if wide else self.WIDEST_LATIN)
            self._known[character] = width
        return self._known[character]


def face(profile: Profile) -> Face:
    """The one of this display. A Problem says which font is missing, and what installs it."""
    if profile.measure == "cells":
        return Cells()
    if profile.measure == "g1":
        return G1()
    from .fonts import Font  # Pillow, which only those who draw need

    return Font(profile)
