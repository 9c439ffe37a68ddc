"""Cut text into the units that captions grow and change by: words, or single Han and Kana.

Units join to exactly the text. A spaced word carries the white space after it; a character of a
script written without spaces stands alone, with the marks that combine with it, so that no
grapheme is ever split (Unicode Standard Annex 29). Model tokens are never used: byte-level ones may
end inside a character.

Hypotheses are compared by *pieces*: units whose punctuation stands apart in every script, as it
does in Han anyway. Recognizers and translators are sure of a word before they are of the mark after
it, and a word that gets one has not changed.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

SENTENCE_ENDS = frozenset(".!?…。！？｡．؟۔।॥։።፧။།។៕")
CLAUSE_ENDS = SENTENCE_ENDS | frozenset(",;:，；：、—،؛፣፤၊")
CLOSERS = frozenset("\"'”’)]}»」』）】")
MARKS = CLAUSE_ENDS | CLOSERS  # what comes after words and says nothing by itself
SHORT = frozenset(
    {
        *("mr", "mrs", "ms", "dr", "prof", "st", "mt", "rev", "gen", "capt", "lt", "sgt", "gov"),
        *("vs", "fig", "vol", "pp", "ca", "cf", "approx", "sr", "sra", "srta", "dra", "ud", "uds"),
        *("hr", "fr", "nr", "bzw", "ggf", "inkl", "vgl", "mme", "mlle"),
    }
)
"""What a full stop shortens, and what nearly always goes on behind it."""

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
_ENDS = re.compile(rf"[{re.escape(''.join(SENTENCE_ENDS))}]")
_PIECES = re.compile(rf"^\s+|\S*[^\s{re.escape(''.join(MARKS))}]\s*|\S+\s*")

# Combine with what is before them, though they are no marks by category: joiners, half-width voice
# marks, AM of Thai and Lao, tones of skin, the tags of flags.
_JOINING = frozenset("\u200c\u200d\uff9e\uff9f\u0e33\u0eb3").union(
    map(chr, (*range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080)))
)
# What follows belongs to them: a joiner, the stackers of Myanmar and Khmer, and the vowels that
# Thai and Lao write before their consonant.
_LEADING = frozenset("\u200d\u1039\u17d2เแโใไເແໂໃໄ")


@cache
def stands_alone(char: str) -> bool:
    """The character belongs to a script written without spaces."""
    code = ord(char)
    return code >= 0x0E00 and any(low <= code <= high for low, high in _ALONE)


@cache
def joins(char: str) -> bool:
    """The character combines with the one before it."""
    return unicodedata.category(char) in ("Mn", "Me", "Mc") or char in _JOINING


def leads(unit: str) -> bool:
    """What follows belongs to the unit, whatever combines with its last letter (UAX 29, GB9c)."""
    for char in reversed(unit):
        if char in _LEADING:
            return True
        if not joins(char):
            return False
    return False


def units(text: str) -> list[str]:
    """The units of `text`, in order; they join to it."""
    if _SIMPLE.fullmatch(text):  # letters that neither combine nor stand alone: 20 times as fast
        return _WORDS.findall(text)
    return _units(text)


def pieces(text: str) -> list[str]:
    """The units of `text` with the marks after words apart: "home, " is two. They join to it."""
    if _SIMPLE.fullmatch(text):
        return _PIECES.findall(text)
    return [piece for unit in _units(text) for piece in _apart(unit)]


def _apart(unit: str) -> list[str]:
    if len(unit) == 1 or unit.rstrip()[-1:] not in MARKS:
        return [unit]
    apart: list[str] = []
    for part in _PIECES.findall(unit):
        if apart and (joins(part[0]) or leads(apart[-1])):
            apart[-1] += part
        else:
            apart.append(part)
    return apart


def _units(text: str) -> list[str]:
    found: list[str] = []
    open_word = False  # the last unit is a word that the next character may lengthen
    for char in text:
        if found and (joins(char) or char.isspace() or leads(found[-1])):
            found[-1] += char
            lengthens = open_word or not (joins(char) or stands_alone(char))
            open_word = lengthens and not char.isspace()
        elif stands_alone(char):
            found.append(char)
            open_word = False
        elif open_word:
            found[-1] += char
        else:
            found.append(char)
            open_word = not char.isspace()
    return found


LATE = 4  # most changes of a growing line are among its last units: one look at those before


def same(a: str, b: str) -> bool:
    """The units read alike: white space after them does not count."""
    return a == b or a.rstrip() == b.rstrip()


def mark(piece: str) -> bool:
    """The piece is punctuation that belongs to what is before it."""
    return piece.rstrip()[-1:] in MARKS


def joint(last: str, following: str) -> str:
    """The piece `last` as it must be when `following` comes after it: with a space between two
    words, and without one before a mark."""
    if mark(following):
        return last.rstrip()
    apart = last[-1].isspace() or stands_alone(last[-1]) or stands_alone(following[0])
    return last if apart else last + " "


def common(a: Sequence[str], b: Sequence[str]) -> int:
    """How many units both begin with."""
    size = min(len(a), len(b))
    alike = size - LATE if size > LATE and a[: size - LATE] == b[: size - LATE] else 0
    for n in range(alike, size):
        if not same(a[n], b[n]):
            return n
    return size


def ends_clause(text: str, marks: frozenset[str] = CLAUSE_ENDS) -> bool:
    """The text ends with one of `marks`, closing quotes and brackets aside."""
    last = text.rstrip().rstrip("".join(CLOSERS))
    return bool(last) and last[-1] in marks


def sentences(text: str) -> tuple[list[str], str]:
    """The closed sentences of `text` and the open rest; they join to it."""
    if not _ENDS.search(text):
        return [], text
    closed: list[str] = []
    held: list[str] = []
    for unit in units(text):
        if held and unit[0] not in CLOSERS and _ends_sentence(held[-1]):
            closed.append("".join(held))
            held = []
        held.append(unit)
    if held and _ends_sentence(held[-1]):
        closed.append("".join(held))
        held = []
    return closed, "".join(held)


def _ends_sentence(unit: str) -> bool:
    """The unit ends with a mark that ends sentences, and is no "Dr.", "J." or "e.g."."""
    word = unit.rstrip()
    if not word.endswith("."):
        return ends_clause(unit, SENTENCE_ENDS)
    *before, last = word.rstrip(".").lstrip("\"'“‘«([¿¡").casefold().split(".")
    initial = len(last) == 1 and last.isascii() and last.isalpha()
    return not initial and (bool(before) or last not in SHORT)
