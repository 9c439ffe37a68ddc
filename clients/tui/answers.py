"""Languages as people write them: by code or by name, with commas or spaces between. Pure."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

from streaming import languages

LONGEST = 400  # characters of an answer worth reading


def several(words: str) -> tuple[list[str], list[str]]:
    """The codes of the languages that are named, and the words that name none."""
    codes: list[str] = []
    unknown: list[str] = []
    for word in re.split(r"[,;/\s]+", words[:LONGEST].strip()):
        code = one(word) if word else None
        if code is not None:
            codes.append(code)
        elif word:
            unknown.append(word)
    return list(dict.fromkeys(codes)), unknown


def one(word: str) -> str | None:
    """The code of one language, by its code or what English calls it."""
    try:
        return languages.check(word if "-" in word else word.lower())
    except ValueError:
        pass
    wanted = _plain(word)
    exact = [code for code, name in languages.NAMES.items() if _plain(name) == wanted]
    starts = [code for code, name in languages.NAMES.items() if _plain(name).startswith(wanted)]
    found = exact or (starts if len(wanted) >= 3 and len(starts) == 1 else [])
    return found[0] if found else None


def written(codes: Iterable[str]) -> str:
    """The other way round: "English, Spanish"."""
    return ", ".join(languages.name(code) for code in codes)


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in letters if letter.isalpha())


def offered(
    pairs: Sequence[tuple[str, str, str]],
    spoken: Iterable[str],
    read: Iterable[str],
    speakable: Collection[str] = (),
) -> list[tuple[str, str]]:
    """What may be chosen in a room, as code and explanation: what is spoken there, what it can be
    translated into, what is read already, and what one may speak; by name."""
    heard = set(spoken)
    ways: dict[str, list[str]] = {}
    for source, target, _ in pairs:
        if not heard or source in heard:
            ways.setdefault(target, []).append(source)
    codes = {*heard, *ways, *read, *speakable}
    return [
        (code, _why(code, heard, ways) or _why_not(code, speakable))
        for code in sorted(codes, key=languages.name)
    ]


def _why_not(code: str, speakable: Collection[str]) -> str:
    here = "can be spoken; " if code in speakable else ""
    return f"{here}no translation into it here"


def _why(code: str, heard: set[str], ways: dict[str, list[str]]) -> str:
    parts = ["spoken here"] if code in heard else []
    if code in ways:
        shown = sorted(languages.name(source) for source in set(ways[code]))
        more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
        parts.append(f"translated from {', '.join(shown[:3])}{more}")
    return ", ".join(parts)
