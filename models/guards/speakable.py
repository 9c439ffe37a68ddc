"""What writing tells about speech: how long it takes to say at least, and in which language.

Rates are above those of the fastest speakers, so that only what nobody could have said is caught.
Languages utter 5 to 8 syllables a second, and hardly anybody 11 for long (Pellegrino et al. 2011,
https://doi.org/10.1353/lan.2011.0057). A Han character or a Hangul block is one syllable, a Kana
one mora, and a syllable takes two to three letters of an alphabet.
"""

from collections import Counter
from collections.abc import Collection

from models.guards.scripts import HAN, HANGUL, KANA, LATIN, script, written

SPARE_MS = 500.0  # the segment's edges may cut a word
FASTEST = {HAN: 11, HANGUL: 11, KANA: 15, "Arabic": 22, "Hebrew": 22}  # letters in a second
FASTEST_LETTERS = 30  # of any other script


def least_ms(text: str) -> float:
    """How long nobody takes less than to say `text`. Digits are not counted: "1000" is short."""
    counts = _letters(text).items()
    return sum(1000 * count / FASTEST.get(of, FASTEST_LETTERS) for of, count in counts)


def too_much(text: str, ms: float) -> bool:
    """Nobody says so much in `ms` of sound."""
    return least_ms(text) > ms + SPARE_MS


def foreign(text: str, languages: Collection[str]) -> bool:
    """Most of `text` is in scripts that none of `languages` is written in. Latin occurs in all of
    them: names, "OK", "USB"."""
    known = frozenset({LATIN}).union(*(written(code) for code in languages))
    counts = _letters(text)
    return 2 * sum(count for of, count in counts.items() if of not in known) > counts.total()


def _letters(text: str) -> Counter[str]:
    return Counter(of for char in text if (of := script(char)))
