"""Translate a line that is still being spoken, again and again, without repainting what was read.

The newest words of the source are translated as often as they change (re-translation, Arivazhagan
et al. 2020, https://arxiv.org/abs/2004.03643). What keeps the line calm:

* Closed sentences are translated once. Only the open one is translated again.
* What all answers say while the source grows by a word is *agreed*; readers see nothing else
  (dial.py). It takes two words where the verb comes last in one of the languages and not in the
  other. Answers to the same words agree anyway and say nothing, unless no more come for long.
* A translator that can be made to continue (`forces_prefix`) is held to units that are agreed and
  old enough; they are *frozen*: stable, and never repainted before the final.
* What was answered last time is offered as the *hypothesis*: a draft to verify.
* The final pass is held to nothing and sees the whole segment.

A translator that cannot continue has nothing frozen inside its open sentence. Half-heard sentence
ends come and go, so the mark at the end of an open source is left out.
"""

from bisect import bisect_left
from itertools import accumulate

from msgspec import Struct

from .languages import reorders, word
from .units import SENTENCE_ENDS, common, joint, mark, pieces, sentences
from .values import Hypothesis, Pair, Transcript, samples

STILL_MS = 2_000  # an open source that has not changed for so long is taken as said
WINDOW = 12  # words of an answer that may still be revised


class Ask(Struct, frozen=True, gc=False):
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
        self.window = WINDOW * word(target)  # the same in pieces
        # A source must have grown by so many units for an answer to say something new about it.
        self.evidence = word(source) * (2 if reorders(source, target) else 1)
        self.closed: list[Pair] = []
        self.told: list[str] = []  # pieces of the closed sentences' translations
        self.frozen: list[str] = []  # pieces of the open one that the next answer begins with
        self.guess: list[str] = []  # pieces of the newest answer after them
        self.agreed = 0  # how many of `guess` were in the answers before, too
        # Answers with all before them, and how long their sources were; the first is the newest of
        # those whose source was shorter by the evidence.
        self.past: list[tuple[int, list[str]]] = []
        self.heard = 0  # units of the newest source, closed sentences included, without marks
        self.asked: str | None = None  # the open source of the newest answer
        self.since = 0  # position of the sound at which it was asked for
        self.sure = ""  # the promised part of that source

    def push(self, transcript: Transcript) -> list[Ask]:
        """Take the newest transcript; return what to translate now, in order."""
        text = transcript.line.text
        if transcript.final:
            return [Ask(text, hypothesis=self._joined(), final=True)]
        known = len("".join(pair.text for pair in self.closed))
        self.sure = transcript.line.promised[known:]
        closing = [] if self.forces_prefix else sentences(self.sure)[0]
        done = len("".join(closing))
        rest = text[known + done :]
        asks = [Ask(sentence, closes=True) for sentence in closing]
        source = _trimmed(rest, len(self.sure) - done)
        if source and (asks or source != self.asked):
            asks.append(Ask(source, "".join(self.frozen), "".join(self.guess)))
        elif source and transcript.segment.end - self.since >= samples(STILL_MS):
            self.agreed = len(self.guess)
        if asks:
            self.since = transcript.segment.end
            self.heard = sum(not mark(one) for one in transcript.line.units)
        return asks

    def take(self, ask: Ask, answer: str) -> Hypothesis:
        """Take the answer, which follows the prefix; return the line as it is now."""
        if ask.final:
            found = tuple(pieces(answer))
            return Hypothesis(found, len(found), len(found), final=True)
        if ask.closes:
            self._close(ask.text, pieces(answer))
            return self.line()
        newest = pieces(answer.lstrip())
        self.guess, self.asked = newest, ask.text
        self._agree()
        if self.forces_prefix:
            self._commit()
            self._freeze()
        return self.line()

    def line(self, quiet: bool = False) -> Hypothesis:
        """The line as it is now."""
        promised = _spaced([*self.told, *self.frozen], self.guess)
        stable = len(promised)
        return Hypothesis((*promised, *self.guess), stable, stable + self.agreed, quiet)

    def _agree(self) -> None:
        """Find out how much of the newest answer was in the ones before, too."""
        before = [*self.told, *self.frozen]
        shorter = self.heard - self.evidence
        self.past.append((self.heard, [*before, *self.guess]))
        while len(self.past) > 1 and self.past[1][0] <= shorter:
            del self.past[0]
        agreed = 0
        if self.past[0][0] <= shorter:
            agreed = min(common(answer, self.past[-1][1]) for _, answer in self.past)
        self.agreed = max(0, agreed - len(before))

    def _close(self, source: str, translation: list[str]) -> None:
        """A sentence and its translation are settled."""
        self.closed.append(Pair(self.source, self.target, source, "".join(translation)))
        self.told = _spaced(self.told, translation) + translation
        self.guess, self.agreed, self.asked = [], 0, None

    def _freeze(self) -> None:
        """Hold the next answers to what is old enough and was agreed on."""
        old = max(0, min(self.agreed, len(self.guess) - self.window))
        self.frozen += self.guess[:old]
        self.guess, self.agreed = self.guess[old:], self.agreed - old

    def _commit(self) -> None:
        """Close the sentences that are settled on both sides, one for one."""
        said = sentences(self.sure)[0]
        sure = [*_spaced(self.frozen, self.guess), *self.guess[: self.agreed]]
        told = sentences("".join(sure))[0]
        if not said or len(said) != len(told):
            return
        size = _reaching(sure, len("".join(told)))
        guess, left = self.guess[max(0, size - len(self.frozen)) :], len(sure) - size
        frozen = sure[size : len(self.frozen)]
        self._close("".join(said), sure[:size])
        self.frozen, self.guess, self.agreed = frozen, guess, left - len(frozen)

    def _joined(self) -> str:
        return self.line().text


def _trimmed(source: str, sure: int) -> str:
    """An open source without a sentence end behind its first `sure` characters: a guess."""
    bare = source.rstrip().rstrip("".join(SENTENCE_ENDS))
    return (bare if len(bare) >= sure else source).lstrip()


def _spaced(before: list[str], after: list[str]) -> list[str]:
    """`before` with the space it needs when `after` follows."""
    return [*before[:-1], joint(before[-1], after[0])] if before and after else before


def _reaching(found: list[str], length: int) -> int:
    """How many of the pieces it takes to reach so many characters."""
    return bisect_left([*accumulate(map(len, found))], length) + 1
