"""The newest words in huge letters, for a screen across the room. Pure: texts in, rows out.

What the font has is drawn with blocks, four or five rows a line. What it does not have (Han,
Kana, Hangul, Arabic, ...) is written by the terminal's own font with free space around it: wide
characters apart, joined scripts as they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clients.plain import rows, widths

from .font import ABOVE, HEIGHT, Glyph, glyphs

WIDE_ENOUGH = 132  # columns from which a dot may be a whole column wide
QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
HALVES = " ▀▄█"
DOTS = ABOVE + HEIGHT

Piece = tuple[str, bool]
"""Text within one row of the screen, and whether it is sure."""
Line = tuple[tuple[Piece, ...], ...]
"""The rows of a huge line."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one block says: whose it is, its words, and how many characters of them are certain."""

    speaker: str
    text: str
    sure: int


@dataclass(frozen=True, slots=True)
class Band:
    """One huge line: several rows of the screen."""

    speaker: str
    rows: Line
    first: bool
    """Whether its speaker's words begin here."""


def bands(said: Said, width: int) -> list[Band]:
    """Its huge lines at so many columns."""
    drawn = glyphs(said.text)
    lines = _spaced(said, width) if drawn is None else _drawn(said, drawn, width)
    return [Band(said.speaker, line, number == 0) for number, line in enumerate(lines)]


def page(spoken: Iterable[Said], width: int, height: int) -> list[Band]:
    """The newest of all huge lines that fit under each other, oldest first.

    A name takes a row of its own where the speaker changes and at the top.
    """
    found: list[Band] = []
    for said in reversed(list(spoken)):
        for band in reversed(bands(said, width)):
            if needed([band, *found]) > height and found:
                return found
            found.insert(0, band)
    return found


def needed(page: Sequence[Band]) -> int:
    """How many rows these take with the names between them."""
    names = sum(named(page, number) for number in range(len(page)))
    return names + sum(len(band.rows) for band in page)


def named(page: Sequence[Band], number: int) -> bool:
    """Whether a name stands above this line."""
    return number == 0 or page[number].speaker != page[number - 1].speaker


def _drawn(said: Said, drawn: Sequence[Glyph], width: int) -> list[Line]:
    """In letters of blocks."""
    whole = width >= WIDE_ENOUGH
    text, sure = _same_length(said, len(drawn))
    measured = [_cells(one, whole) for one in drawn]
    lines: list[Line] = []
    for start, end in rows(text, width, measured):
        cut = min(max(sure, start), end)
        front, rest = _blocks(drawn[start:cut], whole), _blocks(drawn[cut:end], whole)
        lines.append(tuple(((a, True), (b, False)) for a, b in zip(front, rest, strict=True)))
    return lines


def _same_length(said: Said, count: int) -> tuple[str, int]:
    """The text with one character for each glyph: an ellipsis has three."""
    text = said.text
    if len(text) != count:
        text, before = text.replace("…", "..."), text[: said.sure].replace("…", "...")
        return text[:count].ljust(count), min(len(before), count)
    return text, said.sure


def _cells(one: Glyph, whole: bool) -> int:
    """Columns of the terminal it takes, with the space after it."""
    return len(one) + 1 if whole else (len(one) + 2) // 2


def _blocks(drawn: Sequence[Glyph], whole: bool) -> list[str]:
    """The rows of these glyphs beside each other."""
    lines = [""] * (DOTS // 2)
    for one in drawn:
        padded = [*one, 0] if whole or len(one) % 2 else [*one, 0, 0]
        for row in range(DOTS // 2):
            lines[row] += _whole(padded, row) if whole else _quarters(padded, row)
    return lines


def _whole(dots: Sequence[int], row: int) -> str:
    """One row of the screen, a dot as wide as a column."""
    return "".join(HALVES[column >> 2 * row & 3] for column in dots)


def _quarters(dots: Sequence[int], row: int) -> str:
    """One row of the screen, two dots in a column."""
    pairs = [
        (dots[at] >> 2 * row & 3, dots[at + 1] >> 2 * row & 3) for at in range(0, len(dots), 2)
    ]
    return "".join(
        QUADRANTS[(a & 1) | (b & 1) << 1 | (a >> 1) << 2 | (b >> 1) << 3] for a, b in pairs
    )


def _spaced(said: Said, width: int) -> list[Line]:
    """In the terminal's own letters: a free row above and below, wide characters apart."""
    wide = widths(said.text)
    measured = [4 if columns == 2 else columns for columns in wide]
    lines: list[Line] = []
    for start, end in rows(said.text, width, measured):
        cut = min(max(said.sure, start), end)
        front, rest = _apart(said.text[start:cut]), _apart(said.text[cut:end])
        lines.append((((("", True)),), ((front, True), (rest, False)), ((("", True)),)))
    return lines


def _apart(text: str) -> str:
    """Two spaces after every wide character, none inside what belongs together."""
    return "".join(
        character + "  " if width == 2 else character
        for character, width in zip(text, widths(text), strict=True)
    )
