"""When each word of the final captions was shown, for measures of lag.

A word is *shown first* by the first update that had it at its place, and *settled* by the last one
that changed the line at or before it. Systems that never rewrite have one time for both; for those
that do, the second is what a reader can rely on.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from streaming.messages import Caption
from streaming.units import common, units
from streaming.values import milliseconds


@dataclass(frozen=True, slots=True)
class Moment:
    """Of an update. In ms."""

    heard: float
    """The audio it was made of, from the recording's start: what an ideal computer would take."""
    arrived: float
    """When it was there, from the same start."""


@dataclass(frozen=True, slots=True)
class Word:
    """A unit of a final text: a word, or one Han or Kana."""

    text: str
    first: Moment
    settled: Moment


class _Line:
    def __init__(self) -> None:
        self.shown: list[str] = []
        self.settled: list[Moment] = []
        self.first: dict[tuple[int, str], Moment] = {}

    def push(self, words: list[str], moment: Moment) -> None:
        kept = common(self.shown, words)
        self.settled[kept:] = [moment] * (len(words) - kept)
        for place in range(kept, len(words)):
            self.first.setdefault((place, words[place]), moment)
        self.shown = words


class Emissions:
    """The words of one language of one recording. `push` is its verb."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        """Of the lines that are final, in the order in which they became it."""
        self._open: dict[Hashable, _Line] = {}

    def push(self, caption: Caption, arrived: float) -> None:
        """Take a caption that came `arrived` ms after the recording began."""
        line = self._open.setdefault(caption.key, _Line())
        words = [unit.strip() for unit in units(caption.text.strip())]
        line.push(words, Moment(milliseconds(caption.heard), arrived))
        if caption.final:
            del self._open[caption.key]
            self.words += [
                Word(word, line.first[place, word], line.settled[place])
                for place, word in enumerate(words)
            ]
