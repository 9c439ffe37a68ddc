"""Translators that answer growing texts, without a model: scripted, recorded, and Apertium.

A scripted one knows which word of the source each word of its translation waits for, so an answer
gains words in its middle when the other language has another order. It is in doubt about what the
last words mean (half of those who depend on them come out otherwise), changes its mind about an
older word now and then, and translates what is misheard into something else. A hash decides, so
the same text has the same answer.
"""

import json
from collections.abc import Mapping, Sequence
from zlib import crc32

from loadtest.judge.policies import Line
from loadtest.judge.spoken import Utterance, bare, grown, join
from models.base import EngineError, Request
from models.embedded.apertium import Apertium
from streaming.agreement import reach
from streaming.retranslation import Ask
from streaming.units import pieces

from .growing import lines
from .spoken import STREAMS, Sentence, numbers, sentences

HOPS = {"zh": 2, "en": 1}  # characters of Han, words
LINES = 24  # of the small Qwen, of each kind and direction
DOUBT = 0.3  # of the words that hang on the last word heard are others at first
FICKLE = 0.05  # of the answers have one older word in other words


def after(answer: str, told: Sequence[str]) -> str:
    """What is left to say of `answer` for somebody who has to begin with `told`."""
    found = pieces(answer)
    return "".join(found[reach(told, found) :])


class Scripted:
    """Translates one sentence as far as it has been heard."""

    forces_prefix = True

    def __init__(self, said: Sentence, source: str, target: str, seed: int = 0) -> None:
        self.heard = [bare(word) for word in said.words[source]]
        self.digits = {word.casefold(): number for number, word in numbers(source).items()}
        self.target, self.words, self.seed = target, said.words[target], seed
        self.needs = _needs(said, source, target)
        self.whole = said.text(target)

    async def answer(self, whole: str, ask: Ask, told: Sequence[str]) -> str:
        known = ask.closes or ask.final
        return after(self._translation(whole, known), told)

    def _translation(self, text: str, known: bool) -> str:
        """All of it, up to the last word of `text`; `known`: a sentence ends there."""
        right = self._right(text)
        count = len(right)
        found = []
        for place, (word, need) in enumerate(zip(self.words, self.needs, strict=True)):
            if need > count:
                continue
            doubtful = not known and need == count and self._luck("doubt", count, place) < DOUBT
            wrong = not right[need - 1]
            found.append(self._other(place, count) if doubtful or wrong else word)
        if found and not known and self._luck("fickle", count) < FICKLE:
            place = crc32(f"{self.seed} {count}".encode()) % len(found)
            found[place] = self._other(place, count)
        return join(found, self.target)

    def _right(self, text: str) -> list[bool]:
        """For each word of the source that has been heard, whether it was heard right."""
        found, at = [], 0
        plain = text.casefold()
        for word, number in self.digits.items():
            plain = plain.replace(word, number)
        for word in self.heard:
            where = plain.find(word.casefold(), at)
            near = 0 <= where - at <= 2 * len(word) + 6
            if near:
                found.append(True)
                at = where + len(word)
            elif at >= len(plain.rstrip(" .。")):
                break
            else:
                found.append(False)
        while found and not found[-1]:
            found.pop()  # after the last word that is right, only guesses
        return found

    def _other(self, place: int, count: int) -> str:
        number = crc32(f"{self.seed} {place} {count}".encode())
        return bare(self.words[(place + 1 + number % (len(self.words) - 1)) % len(self.words)])

    def _luck(self, *what: object) -> float:
        return crc32(f"{self.seed} {self.whole} {what}".encode()) / 2**32


def _needs(said: Sentence, source: str, target: str) -> list[int]:
    """For each word of the target, how many of the source's must have been heard."""
    if source == "en":
        return list(said.needs[target])
    waits: dict[int, int] = {}
    for place, number in enumerate(said.needs[source], 1):
        waits[number] = place
    needs, last = [], 1
    for number in said.needs[target]:
        last = waits.get(number, last)
        needs.append(last)
    return needs


class Recorded:
    """A model's own answers to the very questions, (text, prefix), that were asked."""

    forces_prefix = True

    def __init__(self, answers: Mapping[tuple[str, str], str]) -> None:
        self.answers = answers

    async def answer(self, whole: str, ask: Ask, told: Sequence[str]) -> str:
        try:
            return self.answers[ask.text.strip(), ask.prefix.rstrip()]
        except KeyError:
            raise EngineError(
                "our machines ask the small Qwen what they did not when it was recorded: "
                "python -m bench.teensy.streams"
            ) from None


class Installed:
    """Apertium, asked for the very text."""

    forces_prefix = False

    def __init__(self, apertium: Apertium, source: str, target: str) -> None:
        self.apertium, self.pair = apertium, (source, target)

    async def answer(self, whole: str, ask: Ask, told: Sequence[str]) -> str:
        request = Request(*self.pair, ask.text, final=ask.final)
        return "".join([piece async for piece in self.apertium.translate(request)])


def scripted(source: str, target: str, heard: Sequence[Utterance], seed: int = 0) -> list[Line]:
    """What is said of each of the sentences, which were `heard` in this order."""
    tellers = [Scripted(said, source, target, seed) for said in sentences()]
    return list(zip(heard, tellers, strict=True))


def spoken(kind: str, source: str) -> list[Utterance]:
    """Held-out sentences as somebody says them, "short" or four in a row, "long": English grows by
    a word, Chinese by two characters."""
    target = "Chinese" if source == "en" else "English"
    return [
        grown(f"{kind} {target} {number}", source, list(line.states(HOPS[source])))
        for number, line in enumerate(lines(kind, target, LINES))
    ]


def recorded(kind: str, source: str) -> list[Line]:
    """Those, and what the small Qwen in bench/teensy answered to every state of them, and to all
    that our machines asked besides (teensy.json)."""
    target = "Chinese" if source == "en" else "English"
    rows = json.loads((STREAMS / "teensy.json").read_text("utf-8"))[target]
    teller = Recorded({(text, prefix): answer for text, prefix, answer in rows})
    return [(said, teller) for said in spoken(kind, source)]
