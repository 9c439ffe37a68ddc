"""Translate a line that is still being spoken, again and again, without repainting what was read.

The newest words of the source are translated as often as they change (re-translation, Arivazhagan
et al. 2020, https://arxiv.org/abs/2004.03643). What keeps the line calm:

* Closed sentences are translated once, each as a whole. Only the open one is translated again.
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
* The final pass is held to nothing and goes through the whole segment, sentence by sentence, each
  with those before it as context. What was answered so already is not asked for again: a reader
  who has read a sentence sees it changed only if its source was, or if it was begun too soon.

A translator that cannot continue has nothing frozen inside its open sentence. Half-heard sentence
ends come and go, so the mark at the end of an open source is left out.
"""

from collections.abc import Sequence

from msgspec import Struct

from .languages import concluded, reorders, word
from .units import SENTENCE_ENDS, common, ends_clause, joint, mark, pieces, sentences, stands_alone
from .values import Hypothesis, Pair, Transcript, samples

STILL_MS = 2_000  # an open source that has not changed for so long is taken as said
WINDOW = 12  # words of an answer that may still be revised
MOST = 12  # sentences of a segment that are asked for one by one; the rest is asked for together
PATIENCE = 4  # words that a source grows by before answers agree with nothing new behind


class Ask(Struct, frozen=True, gc=False):
    """One translation wanted, with the machine's closed sentences as context. Fields as in
    `models.base.Request`."""

    text: str
    prefix: str = ""
    hypothesis: str = ""
    closes: bool = False
    """`text` is one sentence that will not change before the final."""
    final: bool = False
    """`text` is a sentence of the segment as it is in the end."""


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
        self.done = 0  # characters of the source that they are
        self.whole: dict[str, str] = {}  # sentences that were asked for as a whole, held to nothing
        self.ending: list[str] | None = None  # the sentences of the final transcript
        self.told: list[str] = []  # pieces of the closed sentences' translations
        self.frozen: list[str] = []  # pieces of the open one that the next answer begins with
        self.guess: list[str] = []  # pieces of the newest answer after them
        self.agreed = 0  # how many of `guess` were in the answers before, too
        self.firm = 0  # how many of those were so whatever the verb
        self.past: list[Answer] = []  # those that the newest one has to agree with
        self.heard = 0  # units of the newest source, closed sentences included, without marks
        self.asked: str | None = None  # the open source of the newest answer
        self.since = 0  # position of the sound at which it was asked for

    def push(self, transcript: Transcript) -> list[Ask]:
        """Take the newest transcript; return what to translate now, in order. Whoever could not
        have all of it may push it again."""
        text = transcript.line.text
        if transcript.final:
            return self._end(text)
        sure = transcript.line.promised[self.done :]
        closing = _parts(sure, MOST - len(self.closed))[0]
        done = sum(map(len, closing))
        source = _trimmed(text[self.done + done :], len(sure) - done)
        if closing or (source and source != self.asked):
            prefixes = ["".join(self.frozen), *[""] * len(closing)]
            drafts = _drafts(self.guess, len(closing) + 1)
            said = zip([*closing, source], prefixes, drafts, strict=True)
            asks = [Ask(*one, closes=n < len(closing)) for n, one in enumerate(said) if one[0]]
            self.since = transcript.segment.end
            self.heard = sum(not mark(one) for one in transcript.line.units)
            return asks
        if source and transcript.segment.end - self.since >= samples(STILL_MS):
            self.agreed = len(self.guess)
        return []

    def take(self, ask: Ask, answer: str) -> Hypothesis:
        """Take the answer, which follows the prefix; return the line as it is now."""
        found = pieces(answer.lstrip())
        if ask.final:
            self.whole[ask.text.strip()] = "".join(found)
            self._settle()
        elif ask.closes:
            if not ask.prefix:
                self.whole[ask.text.strip()] = "".join(found)
            self._close(ask.text, [*_spaced(self.frozen, found), *found])
        else:
            self.guess, self.asked = found, ask.text
            self._agree()
            self._freeze()
        return self.line()

    def line(self, quiet: bool = False) -> Hypothesis:
        """The line as it is now."""
        if self.ending is not None and len(self.closed) == len(self.ending):
            return Hypothesis.whole(self.told)
        open_ = _spaced(self.frozen, self.guess)
        promised = [*_ended(self.told, open_ or self.guess), *open_]
        stable = len(promised)
        return Hypothesis((*promised, *self.guess), stable, stable + self.agreed, quiet)

    def _end(self, text: str) -> list[Ask]:
        """What is not known yet of the translation of all that was said."""
        closed, rest = _parts(text, MOST)
        self.ending = [*closed, rest] if rest.strip() else closed
        drafts = _drafts([*self.told, *self.frozen, *self.guess], len(self.ending))
        asks = [
            Ask(said, hypothesis=draft, final=True)
            for said, draft in zip(self.ending, drafts, strict=True)
            if said.strip() not in self.whole
        ]
        self.closed, self.done, self.told, self.frozen, self.guess = [], 0, [], [], []
        self._settle()
        return asks

    def _settle(self) -> None:
        """The next sentences of the end whose translations are known."""
        for said in (self.ending or [])[len(self.closed) :]:
            if (found := self.whole.get(said.strip())) is None:
                return
            self._close(said, pieces(found))

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
        told = "".join(translation)
        self.closed.append(Pair(self.source, self.target, source.strip(), told.strip()))
        self.done += len(source)
        self.told = _ended(self.told, translation) + translation
        self.frozen, self.guess, self.agreed, self.firm, self.asked = [], [], 0, 0, None

    def _freeze(self) -> None:
        """Hold the next answers to what is old enough and was agreed on of the first sentence: it
        has to be told again as a whole when its source closes."""
        if not self.forces_prefix:
            return
        old = max(0, min(self.firm, len(self.guess) - self.window))
        ends = (n for n, piece in enumerate(self.guess[:old]) if ends_clause(piece, SENTENCE_ENDS))
        old = next(ends, old)
        if old:
            self.frozen = [*_spaced(self.frozen, self.guess), *self.guess[:old]]
            self._drop(old)

    def _drop(self, size: int) -> None:
        """So many pieces are no longer guessed."""
        self.guess = self.guess[size:]
        self.agreed, self.firm = self.agreed - size, self.firm - size


def _parts(text: str, most: int) -> tuple[list[str], str]:
    """The first closed sentences of `text`, so many at most, and the rest."""
    closed, rest = sentences(text)
    return closed[:most], "".join(closed[most:]) + rest


def _trimmed(source: str, sure: int) -> str:
    """An open source without a sentence end behind its first `sure` characters: a guess."""
    bare = source.rstrip().rstrip("".join(SENTENCE_ENDS))
    return (bare if len(bare) >= sure else source).lstrip()


def _spaced(before: list[str], after: list[str]) -> list[str]:
    """`before` with the space it needs when `after` follows."""
    return [*before[:-1], joint(before[-1], after[0])] if before and after else before


def _ended(told: list[str], after: list[str]) -> list[str]:
    """Sentences with the space they need before the next: the scripts that have a full stop of
    their own width need none, and Thai, which has no full stop, needs one."""
    if not told or not after or told[-1][-1].isspace():
        return told
    wide = mark(told[-1]) and stands_alone(told[-1][-1])
    return told if wide else [*told[:-1], told[-1] + " "]


def _drafts(guess: Sequence[str], count: int) -> list[str]:
    """What was guessed, for so many sentences: one each, and the last has all that is left."""
    closed, rest = sentences("".join(guess))
    found = [*closed, rest]
    found += [""] * (count - len(found))
    return [*found[: count - 1], "".join(found[count - 1 :])] if count else []
