"""Which script a text is in, and how much it says: words of one, characters of another."""

import re
import unicodedata
from functools import lru_cache

from streaming.languages import base

HAN, KANA, HANGUL, LATIN = "Han", "Kana", "Hangul", "Latin"
_WRITTEN = {  # what is not in Latin letters
    code: frozenset(scripts.split("+"))
    for scripts, codes in (
        line.split(": ")
        for line in """\
Han: zh yue
Han+Kana: ja
Hangul: ko
Cyrillic: ru uk bg mk be ky tg kk mn
Cyrillic+Latin: sr uz
Arabic: ar fa ur ps ug sd ckb
Arabic+Latin: ku
Devanagari: hi mr ne sa
Hebrew: he yi
Bengali: bn as
Ethiopic: am ti
Tibetan: bo dz
Greek: el
Thai: th
Lao: lo
Myanmar: my
Khmer: km
Gujarati: gu
Gurmukhi: pa
Tamil: ta
Telugu: te
Kannada: kn
Malayalam: ml
Sinhala: si
Georgian: ka
Armenian: hy
Oriya: or""".splitlines()
    )
    for code in codes.split()
}
# What is written without spaces, or says much in a character: by the character, not the word.
_HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
_KANA = "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9d"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
_DENSE = re.compile(f"[{_HAN}]")
_HALF = re.compile(f"[{_KANA}{_HANGUL}]")
_WORD = rf"(?:[^\W_{_HAN}{_KANA}{_HANGUL}])+"
_WORDS = re.compile(rf"[{_HAN}{_KANA}{_HANGUL}]|{_WORD}(?:['’-]{_WORD})*")


def written(language: str) -> frozenset[str]:
    """The scripts that a language is written in."""
    return _WRITTEN.get(base(language), frozenset({LATIN}))


@lru_cache(maxsize=8192)
def script(char: str) -> str:
    """The script of a letter; '' of what is none, and of digits."""
    if not char.isalpha():
        return ""
    if char < "\u0250":
        return LATIN
    first = unicodedata.name(char, "").partition(" ")[0]
    if first in ("CJK", "IDEOGRAPHIC"):
        return HAN
    if first in ("HIRAGANA", "KATAKANA", "HALFWIDTH"):
        return KANA
    return first.capitalize()


def words(text: str) -> list[tuple[str, str]]:
    """Each word with its script, '' for numbers; Han, Kana and Hangul by the character."""
    return [(word, _of(word)) for word in _WORDS.findall(text)]


def weight(text: str) -> float:
    """How much a text says, in Latin letters: the same news has 30 characters in English, 10 in
    Chinese and 15 in Korean."""
    return sum(map(str.isalnum, text)) + 2 * len(_DENSE.findall(text)) + len(_HALF.findall(text))


def _of(word: str) -> str:
    return script(word[0]) or next(filter(None, map(script, word)), "")
