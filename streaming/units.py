"""Cut text into the units that captions grow and change by: words, or single Han and Kana.

Units join to exactly the text. A spaced word carries the white space after it; a character of a
script written without spaces stands alone, with the marks that combine with it, so that no
grapheme is ever split. Model tokens are never used: byte-level ones may end inside a character.
"""

import re
import unicodedata
from collections.abc import Sequence

SENTENCE_ENDS = frozenset(".!?…。！？｡")
CLAUSE_ENDS = SENTENCE_ENDS | frozenset(",;:，；：、—")
CLOSERS = frozenset("\"'”’)]}»」』）】")

_ALONE = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0xA4CF),  # Han, Kana, their punctuation, Yi
    (0xF900, 0xFAFF),  # Han, compatibility
    (0xFE30, 0xFE4F),
    (0xFF00, 0xFFEF),  # full and half width forms
    (0x20000, 0x3FFFF),  # Han, supplementary
)


_SIMPLE = re.compile(r"[\x00-\u02ff\u0370-\u0482\u048a-\u0590\u1e00-\u1fff\u2010-\u2027\u20ac]*")
_WORDS = re.compile(r"^\s+|\S+\s*")


def stands_alone(char: str) -> bool:
    """The character belongs to a script written without spaces."""
    code = ord(char)
    return code >= 0x0E00 and any(low <= code <= high for low, high in _ALONE)


def joins(char: str) -> bool:
    """The character combines with the one before it."""
    return unicodedata.category(char) in ("Mn", "Me", "Mc") or char in "\u200d\ufe0e\ufe0f"


def units(text: str) -> list[str]:
    """The units of `text`, in order; they join to it."""
    if _SIMPLE.fullmatch(text):  # letters that neither combine nor stand alone: 20 times as fast
        return _WORDS.findall(text)
    return _units(text)


def _units(text: str) -> list[str]:
    found: list[str] = []
    open_word = False  # the last unit is a word that the next character may lengthen
    for char in text:
        if found and (joins(char) or char.isspace()):
            found[-1] += char
            open_word = open_word and not char.isspace()
        elif stands_alone(char):
            found.append(char)
            open_word = False
        elif open_word:
            found[-1] += char
        else:
            found.append(char)
            open_word = not char.isspace()
    return found


def same(a: str, b: str) -> bool:
    """The units read alike: white space after them does not count."""
    return a == b or a.rstrip() == b.rstrip()


def common(a: Sequence[str], b: Sequence[str]) -> int:
    """How many units both begin with."""
    for n, (x, y) in enumerate(zip(a, b, strict=False)):
        if not same(x, y):
            return n
    return min(len(a), len(b))


def ends_clause(text: str, marks: frozenset[str] = CLAUSE_ENDS) -> bool:
    """The text ends with one of `marks`, closing quotes and brackets aside."""
    last = text.rstrip().rstrip("".join(CLOSERS))
    return bool(last) and last[-1] in marks


def sentences(text: str) -> tuple[list[str], str]:
    """The closed sentences of `text` and the open rest; they join to it."""
    closed: list[str] = []
    held: list[str] = []
    for unit in units(text):
        if held and unit[0] in CLOSERS and ends_clause(held[-1], SENTENCE_ENDS):
            held.append(unit)
        elif held and ends_clause(held[-1], SENTENCE_ENDS):
            closed.append("".join(held))
            held = [unit]
        else:
            held.append(unit)
    if held and ends_clause(held[-1], SENTENCE_ENDS):
        closed.append("".join(held))
        held = []
    return closed, "".join(held)
