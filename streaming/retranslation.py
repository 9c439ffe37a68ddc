"""Translate a line that is still being spoken, again and again, without repainting what was read.

The newest words of the source are translated as often as they change (re-translation, Arivazhagan
et al. 2020, https://arxiv.org/abs/2004.03643). What keeps the line calm:

* Closed sentences are translated once. Only the open one is translated again.
* What all answers say while the source grows by a word is *agreed*; readers see nothing else
  (dial.py). Answers to the same words agree anyway and say nothing, unless no more come for long.
* Where the verb comes last in one of the languages and not in the other, words go in between until
  it is heard, and answers that stay as they are tell only that nothing was understood yet. There
  the source has to grow by four words, unless the newest answer says something new behind what it
  shares with the others; and when they were all made with the verb, by one unit.
* A translator that can be made to continue (`forces_prefix`) is held to units that were agreed on
  without that last rule and are old enough; they are *frozen*: stable, and never repainted before
  the final.
* What was answered last time is offered as the *hypothesis*: a draft to verify.
* The final pass is held to nothing and sees the whole segment.

A translator that cannot continue has nothing frozen inside its open sentence. Half-heard sentence
ends come and go, so the mark at the end of an open source is left out.
"""

from bisect import bisect_left
from itertools import accumulate

from msgspec import Struct

from .languages import concluded, reorders, word
from .units import SENTENCE_ENDS, common, joint, mark, pieces, sentences
from .values import Hypothesis, Pair, Transcript, samples

STILL_MS = 2_000  # an open source that has not changed for so long is taken as said
WINDOW = 12  # words of an answer that may still be revised
PATIENCE = 4  # words that a source grows by before answers agree with nothing new behind


class Ask(Struct, frozen=True, gc=False):
    """One translation wanted. Fields as in `models.base.Request`."""

    text: str
    prefix: str = ""
    hypothesis: str = ""
    closes: bool = False
    """`text` is one sentence that will not change any more."""
    final: bool = False


class Answer(Struct, frozen=True, gc=False):
    """One that was taken."""

    line: list[str]
    """Its pieces, and all that was told before it."""
    heard: int
    """Units of its source, closed sentences included, without marks."""
    concluded: bool
    """The verb that its words waited for had just been heard."""


class Retranslation:
    """One per segment and target language: `push` a transcript, answer every `Ask` with `take`."""

    def __init__(self, source: str, target: str, forces_prefix: bool) -> None:
        self.source, self.target = source, target
        self.forces_prefix = forces_prefix
        self.word = word(target)
        self.window = WINDOW * self.word  # the same in pieces
        # A source must have grown by so many units for an answer to say something new about it.
        self.evidence = word(source)
        self.reorders = reorders(source, target)
        self.patience = self.evidence * (PATIENCE if self.reorders else 1)
        self.closed: list[Pair] = []
        self.told: list[str] = []  # pieces of the closed sentences' translations
        self.frozen: list[str] = []  # pieces of the open one that the next answer begins with
        self.guess: list[str] = []  # pieces of the newest answer after them
        self.agreed = 0  # how many of `guess` were in the answers before, too
        self.firm = 0  # how many of those were so whatever the verb
        self.past: list[Answer] = []  # those that the newest one has to agree with
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
        told = len(self.told) + len(self.frozen)
        newest = [*self.told, *self.frozen, *self.guess]
        shared = twice = common(self.past[-1].line, newest) if self.past else 0
        agreed = firm = 0
        for n in reversed(range(len(self.past))):
            one = self.past[n]
            shared = min(shared, common(one.line, newest))
            grown = self.heard - one.heard
            if one.concluded and grown > 0:
                agreed = max(agreed, shared)
            new = twice > shared or sum(not mark(piece) for piece in newest[shared:]) > self.word
            if grown >= (self.evidence if new else self.patience):
                firm = shared
                del self.past[:n]
                break
        said = self.reorders and concluded(self.source, self.asked or "")
        self.past.append(Answer(newest, self.heard, said))
        self.firm = max(0, firm - told)
        self.agreed = max(self.firm, agreed - told)

    def _close(self, source: str, translation: list[str]) -> None:
        """A sentence and its translation are settled."""
        self.closed.append(Pair(self.source, self.target, source, "".join(translation)))
        self.told = _spaced(self.told, translation) + translation
        self.guess, self.agreed, self.firm, self.asked = [], 0, 0, None

    def _freeze(self) -> None:
        """Hold the next answers to what is old enough and was agreed on."""
        old = max(0, min(self.firm, len(self.guess) - self.window))
        self.frozen += self.guess[:old]
        self._drop(old)

    def _commit(self) -> None:
        """Close the sentences that are settled on both sides, one for one."""
        said = sentences(self.sure)[0]
        sure = [*_spaced(self.frozen, self.guess), *self.guess[: self.firm]]
        told = sentences("".join(sure))[0]
        if not said or len(said) != len(told):
            return
        size = _reaching(sure, len("".join(told)))
        frozen = sure[size : len(self.frozen)]
        self._drop(max(0, size - len(self.frozen)))
        left = self.guess, self.agreed, self.firm
        self._close("".join(said), sure[:size])
        self.frozen, (self.guess, self.agreed, self.firm) = frozen, left

    def _drop(self, size: int) -> None:
        """So many pieces are no longer guessed."""
        self.guess = self.guess[size:]
        self.agreed, self.firm = self.agreed - size, self.firm - size

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
