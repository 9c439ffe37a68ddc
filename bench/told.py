"""Translators that answer growing texts, without a model: scripted, recorded, and Apertium.

A scripted one knows which word of the source each word of its translation waits for, so an answer
gains words in its middle when the other language has another order. It is in doubt about what the
last words mean (half of those who depend on them come out otherwise), changes its mind about an
older word now and then, and translates what is misheard into something else. A hash decides, so
the same text has the same answer.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from zlib import crc32

from tokenizers import Tokenizer

from loadtest.judge.policies import Line
from loadtest.judge.spoken import Utterance, bare, grown, join
from models.base import Request
from models.embedded.apertium import Apertium
from streaming.agreement import reach
from streaming.retranslation import Ask
from streaming.units import pieces, units

from .spoken import STREAMS, Sentence, numbers, sentences

MODEL = Path(__file__).parent / "teensy"
SENTENCES = 4  # of a long line
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
        if ask.final:
            return self.whole
        return after(self._translation(whole), told)

    def _translation(self, text: str) -> str:
        """All of it, up to the last word of `text`."""
        right = self._right(text)
        count = len(right)
        found = []
        for place, (word, need) in enumerate(zip(self.words, self.needs, strict=True)):
            if need > count:
                continue
            doubtful = need == count and self._luck("doubt", count, place) < DOUBT
            wrong = not right[need - 1]
            found.append(self._other(place, count) if doubtful or wrong else word)
        if found and self._luck("fickle", count) < FICKLE:
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
    """A model's own answers to texts that grew state by state."""

    forces_prefix = True

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.answers = answers

    async def answer(self, whole: str, ask: Ask, told: Sequence[str]) -> str:
        found = self.answers.get(ask.text)
        if found is not None and not ask.prefix:
            return found
        return after(self.answers[whole.strip()], told)


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


def recorded(kind: str, source: str) -> list[Line]:
    """The answers of the small Qwen in bench/teensy to `kind`: "short" or "long" lines, which are
    four short ones in a row. teensy.json has the tokens it answered to every state of every line:
    English grew by a word, Chinese by one character or two.
    """
    target = "Chinese" if source == "en" else "English"
    short, long = (_grown(kind, target, source) for kind in ("short", "long"))
    long = long[: len(short) // SENTENCES]  # those whose sentences were answered one by one, too
    known = {"": ""}
    for states, answers in (*short, *long):
        known |= zip(states, answers, strict=True)
    return [
        (grown(f"{kind} {target} {number}", source, states), Recorded(known))
        for number, (states, _) in enumerate(short if kind == "short" else long)
    ]


def _grown(kind: str, target: str, source: str) -> list[tuple[list[str], list[str]]]:
    """(states, answers) of each line."""
    rows = json.loads((STREAMS / "teensy.json").read_text("utf-8"))[f"{kind}-{target}"]
    tokens = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    pairs = json.loads((MODEL / "heldout.json").read_text("utf-8"))
    said = [english if source == "en" else chinese for english, chinese in pairs]
    if kind == "long":
        between = " " if source == "en" else ""
        said = [between.join(said[at : at + SENTENCES]) for at in range(0, len(said), SENTENCES)]
    return [
        (_states(text, len(ids), source), [tokens.decode(state).strip() for state in ids])
        for text, ids in zip(said, rows, strict=False)
    ]


def _states(text: str, count: int, source: str) -> list[str]:
    """The text as it grew in `count` steps."""
    words = units(text) if source == "en" else list(text)
    step = -(-len(words) // count)
    return ["".join(words[: at + step]).strip() for at in range(0, len(words), step)]
