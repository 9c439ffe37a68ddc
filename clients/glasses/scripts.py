"""Scripts that a plain row of glyphs cannot show: their letters join, stack or run leftwards."""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from streaming import languages

# By the first word of a character's Unicode name.
_LEFTWARDS = {"ARABIC", "HEBREW", "SYRIAC", "THAANA", "NKO", "ADLAM"}
_JOINED = {
    *("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA"),
    *("MALAYALAM", "SINHALA", "TIBETAN", "MYANMAR", "KHMER", "THAI", "LAO", "MONGOLIAN"),
}
_OF = {
    **dict.fromkeys(("ar", "fa", "ur", "ps", "sd", "ug", "ckb"), "ARABIC"),
    **dict.fromkeys(("he", "yi"), "HEBREW"),
    **dict.fromkeys(("hi", "mr", "ne", "sa"), "DEVANAGARI"),
    **dict.fromkeys(("bn", "as"), "BENGALI"),
    **dict.fromkeys(("bo", "dz"), "TIBETAN"),
    "dv": "THAANA",
    "pa": "GURMUKHI",
    "gu": "GUJARATI",
    "or": "ORIYA",
    "ta": "TAMIL",
    "te": "TELUGU",
    "kn": "KANNADA",
    "ml": "MALAYALAM",
    "si": "SINHALA",
    "my": "MYANMAR",
    "km": "KHMER",
    "th": "THAI",
    "lo": "LAO",
}


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    name = unicodedata.name(character, "").partition(" ")[0]
    return name if name in _LEFTWARDS or name in _JOINED else ""


def named(text: str) -> str:
    """The same with the name of the script, "[Arabic]", in the place of words that need shaping."""
    if text.isascii():
        return text
    found, gap, inside = "", "", ""
    for character in text:
        script = _script(character)
        if script and script != inside:
            found += f"{gap}[{script.capitalize()}]"
        elif inside and (character in " \u200c\u200d" or unicodedata.combining(character)):
            gap += character if character == " " else ""
            continue  # perhaps more of the same follows
        elif not script:
            found += gap + character
        gap, inside = "", script
    return found + gap


def leftwards(text: str) -> bool:
    """Whether it begins at the right: its first letter says so."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def unshown(reads: Iterable[str]) -> list[str]:
    """Those of these languages that need shaping, by their English names."""
    return [languages.name(code) for code in reads if code.partition("-")[0] in _OF]
