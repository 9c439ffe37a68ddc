"""Translate a line that is still being spoken, again and again, without repainting what was read.

The newest words of the source are translated as often as they change (re-translation, Arivazhagan
et al. 2020, https://arxiv.org/abs/2004.03643). What keeps the line calm:

* Closed sentences are translated once. Only the open one is translated again.
* A translator that can be made to continue (`forces_prefix`) is held to units that are old enough
  and were in two answers in a row; they are *frozen*: stable, and never repainted before the final.
* What was answered last time is offered as the *hypothesis*: a draft to verify.
* The final pass is held to nothing and sees the whole segment.

A translator that cannot continue has nothing frozen inside its open sentence. Half-heard sentence
ends come and go, so the mark at the end of an open source is left out.
"""

from dataclasses import dataclass

from .languages import UNSPACED, base
from .units import SENTENCE_ENDS, common, sentences, units
from .values import Hypothesis, Pair, Transcript


@dataclass(frozen=True, slots=True)
class Ask:
    """One translation wanted. Fields as in `models.base.Request`."""

    text: str
    prefix: str = ""
    hypothesis: str = ""
    closes: bool = False
    """`text` is one sentence that will not change any more."""
    final: bool = False


class Retranslation:
    """One per segment and target language: `push` a transcript, answer every `Ask` with `take`."""

    def __init__(self, source: str, target: str, forces_prefix: bool) -> None:
        self.source, self.target = source, target
        self.forces_prefix = forces_prefix
        self.window = 14 if base(target) in UNSPACED else 8  # units that may still be revised
        self.closed: list[Pair] = []
        self.told: list[str] = []  # units of the closed sentences' translations
        self.frozen: list[
            str
        ] = []  # units of the open sentence that the next answer must begin with
        self.guess: list[str] = []  # units of the newest answer after them
        self.agreed = 0  # how many of `guess` were in the answer before, too
        self.asked: str | None = None  # the open source of the newest answer
        self.sure = ""  # the promised part of that source

    def push(self, transcript: Transcript) -> list[Ask]:
        """Take the newest transcript; return what to translate now, in order."""
        text = transcript.line.text
        if transcript.final:
            return [Ask(text, hypothesis=self._joined(), final=True)]
        known = len("".join(pair.text for pair in self.closed))
        self.sure = transcript.line.promised[known:]
        closing = [] if self.forces_prefix else sentences(self.sure)[0]
        rest = text[known + len("".join(closing)) :]
        asks = [Ask(sentence, closes=True) for sentence in closing]
        source = self._trimmed(rest, len(self.sure))
        if source.strip() and (asks or source != self.asked):
            asks.append(Ask(source, "".join(self.frozen), "".join(self.guess)))
        return asks

    def take(self, ask: Ask, answer: str) -> Hypothesis:
        """Take the answer, which follows the prefix; return the line as it is now."""
        if ask.final:
            found = tuple(units(answer))
            return Hypothesis(found, len(found), len(found), final=True)
        if ask.closes:
            self._close(ask.text, units(answer))
            return self.line()
        newest = units(answer)
        self.agreed = common(self.guess, newest)
        self.guess, self.asked = newest, ask.text
        if self.forces_prefix:
            self._commit()
            self._freeze()
        return self.line()

    def line(self, quiet: bool = False) -> Hypothesis:
        """The line as it is now."""
        promised = self._spaced([*self.told, *self.frozen], self.guess)
        stable = len(promised)
        return Hypothesis((*promised, *self.guess), stable, stable + self.agreed, quiet)

    def _close(self, source: str, translation: list[str]) -> None:
        """A sentence and its translation are settled."""
        self.closed.append(Pair(self.source, self.target, source, "".join(translation)))
        self.told = self._spaced(self.told, translation) + translation
        self.guess, self.agreed, self.asked = [], 0, None

    def _freeze(self) -> None:
        """Hold the next answers to what is old enough and was answered twice."""
        old = max(0, min(self.agreed, len(self.guess) - self.window))
        self.frozen += self.guess[:old]
        self.guess, self.agreed = self.guess[old:], self.agreed - old

    def _commit(self) -> None:
        """Close the sentences that are settled on both sides, one for one."""
        said = sentences(self.sure)[0]
        sure = [*self.frozen, *self.guess[: self.agreed]]
        told = sentences("".join(sure))[0]
        if not said or len(said) != len(told):
            return
        size = len(units("".join(told)))
        rest = self.guess[max(0, size - len(self.frozen)) :]
        frozen, agreed = self.frozen[size:], len(sure) - size - len(self.frozen[size:])
        self._close("".join(said), sure[:size])
        self.frozen, self.guess, self.agreed = frozen, rest, max(0, agreed)

    def _trimmed(self, source: str, sure: int) -> str:
        """An open source without a sentence end that is only guessed."""
        bare = source.rstrip().rstrip("".join(SENTENCE_ENDS))
        return bare if len(bare) >= sure else source

    def _joined(self) -> str:
        return self.line().text

    def _spaced(self, before: list[str], after: list[str]) -> list[str]:
        """`before` with the space it needs when `after` follows."""
        if not (before and after) or base(self.target) in UNSPACED or before[-1][-1].isspace():
            return before
        return [*before[:-1], before[-1] + " "]
