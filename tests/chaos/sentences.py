"""Sentences that can be told apart by their sound alone: each is as loud as its number.

So the stand-in for a recognizer hears what was said and invents nothing, and whatever becomes of
the sound on its way, a line that is read at the end names the sentence it comes from.
"""

import re
from array import array
from itertools import groupby

from streaming.values import samples

WORDS = (
    "alfa", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett",
    "kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango",
    "uniform", "victor", "whiskey", "xray", "yankee", "zulu",
)  # fmt: skip
LENGTH = 5  # words of a sentence
STRIDE = 5_842_183  # prime, so that two sentences that follow each other have no word in common
QUIETEST = 4_000  # the level of sentence 0: speech to any detector
MOST = 28_000  # sentences that have a level of their own
EVERY = 15  # samples between two that are looked at
FEWEST = 10  # of those, that are a sentence and no chance
PACE_MS = 200.0  # a word
SPANISH = "es"


def words(number: int) -> list[str]:
    """What a sentence says."""
    rest, found = number * STRIDE % len(WORDS) ** LENGTH, []
    for _ in range(LENGTH):
        rest, letter = divmod(rest, len(WORDS))
        found.append(WORDS[letter])
    return found


def sound(number: int, ms: float) -> bytes:
    """So many milliseconds of a sentence, as 16 kHz PCM."""
    if not 0 <= number < MOST:
        raise ValueError(f"there are {MOST} sentences, and no number {number}")
    level = QUIETEST + number
    return array("h", [level, -level] * (samples(ms) // 2)).tobytes()


def heard(pcm: bytes, whole: bool) -> str:
    """The words of the sentences in a sound; of the last one those said so far, unless `whole`."""
    told: list[str] = []
    levels = [abs(level) for level in array("h", pcm)[::EVERY] if abs(level) >= QUIETEST]
    for level, run in groupby(levels):
        count = sum(1 for _ in run)
        if count < FEWEST:
            continue
        said = LENGTH if whole else min(LENGTH, 1 + int(EVERY * count / samples(PACE_MS)))
        told += words(level - QUIETEST)[:said]
    return " ".join(told)


def translated(text: str) -> str:
    """The words of a sentence in the other language, whatever stands around them."""
    return " ".join(f"{word}{SPANISH}" for word in re.findall("|".join(WORDS), text))


def sentences(text: str, said: dict[str, int]) -> list[int]:
    """The numbers of the sentences in a line; `said`: all there are, by what they say."""
    found = text.split()
    return [
        said[key]
        for n in range(len(found) - LENGTH + 1)
        if (key := " ".join(found[n : n + LENGTH])) in said
    ]
