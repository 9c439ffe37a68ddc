"""Text from the wire as harmless text, and how many columns of a terminal it takes."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

LONGEST = 4_000  # characters of one line worth showing: 15 s of speech are a tenth of it
JOINER, EMOJI_STYLE = "\u200d", "\ufe0f"
SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
VOWELS_OF_HANGUL = range(0x1160, 0x1200)  # and final consonants: part of the syllable before

# What does not begin a row, in Chinese and Japanese typesetting too (kinsoku), and what ends none.
CLOSING = (
    "，。！？；：、）】》」』〉〕”’,.!?;:)]}%…"
    "・ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶゝゞヽヾ"
)
OPENING = "（【《「『〈〔“‘([{"

# Bidirectional embeddings, overrides, isolates and marks turn the text around them; zero-width
# spaces hide things in it. The joiners U+200C and U+200D stay: Persian and Hindi need them.
_UNSEEN = {0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF}
_HARMLESS = dict.fromkeys(_UNSEEN) | dict.fromkeys(range(0x20), " ")
_HARMLESS |= dict.fromkeys(range(0x7F, 0xA0), " ") | {0x2028: " ", 0x2029: " "}
_HARMLESS |= dict.fromkeys(range(0xE0000, 0xE0080))  # tags: letters that nobody sees
_HARMLESS |= dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")


def clean(text: str) -> str:
    """The same words without anything that a terminal would obey; one line, of bounded length."""
    return text[:LONGEST].translate(_HARMLESS)


def columns(text: str) -> int:
    """How wide a terminal shows it: two columns for a Han character, none for an accent."""
    return len(text) if text.isascii() else sum(widths(text))


def widths(text: str) -> list[int]:
    """The columns each character adds: those joined to the one before it, as in 👩‍💻, add none."""
    found = [_columns(character) for character in text]
    if not text.isascii():
        for place, character in enumerate(text):
            if character == EMOJI_STYLE and place and found[place - 1] == 1:
                found[place - 1] = 2  # ❤ is text in one column, ❤️ a picture in two
            elif place and text[place - 1] == JOINER and found[place] == 2:
                found[place] = 0
    return found


@lru_cache(maxsize=8192)
def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Mc", "Cf"):
        return 0
    if character in SKIN_TONES or ord(character) in VOWELS_OF_HANGUL:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrap(text: str, width: int) -> list[str]:
    """Its rows, none wider than `width` columns; at least one. See `rows`."""
    return [text[start:end] for start, end in rows(text, width)] or [""]


def split_rows(text: str, sure: int, width: int) -> list[tuple[str, str]]:
    """Its rows, each as what is within the first `sure` characters and what is beyond."""
    halves = []
    for start, end in rows(text, width):
        cut = min(max(sure, start), end)
        halves.append((text[start:cut], text[cut:end]))
    return halves


def rows(text: str, width: int, measured: Sequence[int] | None = None) -> list[tuple[int, int]]:
    """Where each row of at most `width` columns begins and ends in the text.

    Broken at spaces, which are left out there, and between wide characters, but not before their
    punctuation. Filled from the front, so more text never moves the rows before the last.
    `measured` says how wide each character is where that is not as in a terminal.
    """
    wide = widths(text)
    measured = wide if measured is None else measured
    found: list[tuple[int, int]] = []
    start, place, fits = 0, 0, 0  # `fits`: the latest place this row may end at
    used = 0
    while place < len(text):
        if place > start and _breaks(text, place, wide):
            fits = place
        used += measured[place]
        if used > width and place > start and text[place] != " " and measured[place]:
            end = fits if fits > start else place
            found.append((start, _trimmed(text, start, end)))
            start = place = fits = _skipped(text, end)
            used = 0
            continue
        place += 1
    end = _trimmed(text, start, len(text))
    return [*found, (start, end)] if end > start else found


def _breaks(text: str, place: int, wide: Sequence[int]) -> bool:
    """Whether a row may end before the character at this place."""
    before, after = text[place - 1], text[place]
    if before == " ":
        return after != " "
    if wide[place] == 0 or after == " " or after in CLOSING or before in OPENING:
        return False
    return wide[place] == 2 or _base(wide, place - 1) == 2


def _base(wide: Sequence[int], place: int) -> int:
    """The width of the character that the accents up to this place are on."""
    while place > 0 and wide[place] == 0:
        place -= 1
    return wide[place]


def _trimmed(text: str, start: int, end: int) -> int:
    """The end without the spaces before it."""
    return start + len(text[start:end].rstrip(" "))


def _skipped(text: str, place: int) -> int:
    """The place after the spaces there."""
    return len(text) - len(text[place:].lstrip(" "))
