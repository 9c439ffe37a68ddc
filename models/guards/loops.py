"""Text that repeats itself as models do and people do not: they say a thing once or thrice.

word loops        no no no no no no no no ...
phrase loops      I think that I think that I think that ...
character loops   哈哈哈哈哈哈哈哈哈哈哈 ..., hahahahahahahahahaha ...
growing loops     the, the cat, the cat sat, the cat sat on, ...
"""

import re
from collections import Counter
from collections.abc import Iterator

from streaming.units import stands_alone, units

FEWEST = 3  # units a loop has that were said twice before; text with fewer need not be searched

_INSIDE = re.compile(r"((?!\d)\w{1,4}?)\1{9,}")  # of a word; zeros of a large number are no loop
_MARKS = re.compile(r"[\W_]+")

# Over text in which every different unit is one character: the longer, the fewer rounds.
_CYCLES = re.compile(r"(.)\1{6,}|(.{2,3}?)\2{4,}|(.{4,7}?)\3{3,}|(.{8,24}?)\4{2,}", re.DOTALL)
_CHARACTERS = 10  # that stand alone, in a row: people do write down so much of laughter
_GROWING = re.compile(r"(.{1,6}?)(\1.{1,3}?)(\2.{1,3}?)\3", re.DOTALL)


def looped(text: str) -> bool:
    """The text has a loop in it."""
    return unlooped(text) != text


def unlooped(text: str) -> str:
    """The text up to the end of a loop's first round; all of it if there is none.

    >>> unlooped("Well, I see, I see, I see, I see, I see")
    'Well, I see,'
    """
    inside = _INSIDE.search(text)
    if inside:
        text = text[: inside.end(1)]
    found = units(text)
    spoken = [(n, key) for n, unit in enumerate(found) if (key := _key(unit))]
    often = Counter(key for _, key in spoken)
    if sum(count - 2 for count in often.values() if count > 2) < FEWEST:
        return text
    letters = {key: chr(n) for n, key in enumerate(often)}
    keys = {letter: key for key, letter in letters.items()}
    ends = list(_ends("".join(letters[key] for _, key in spoken), keys))
    return "".join(found[: spoken[min(ends) - 1][0] + 1]).rstrip() if ends else text


def _key(unit: str) -> str:
    return _MARKS.sub("", unit).casefold()


def _ends(said: str, keys: dict[str, str]) -> Iterator[int]:
    """Where the first rounds of loops end."""
    for cycle in _CYCLES.finditer(said):
        alone = cycle[1] and stands_alone(keys[cycle[1]][0])
        if not alone or len(cycle[0]) >= _CHARACTERS:
            yield cycle.start() + len(next(filter(None, cycle.groups())))
    for growing in _GROWING.finditer(said):
        if len(set(growing[3])) > 1:
            yield growing.end(1)
