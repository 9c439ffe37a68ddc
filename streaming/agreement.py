"""Decide which words of a changing hypothesis can be trusted.

A unit is stable once several hypotheses in a row agree on it and on all before it
(LocalAgreement-n, Liu et al. 2020, https://arxiv.org/abs/2005.11185). Stable units never change
while the line is open; a recognizer that cannot be held to them may contradict them later, and then
keeps its say only after the place in its hypothesis that corresponds to where they end.

How many are several depends on how soon they follow each other. Two hypotheses 256 ms apart share
their mistakes: on the demo's conversation pocketsphinx took back .35 of the words that were stable
by two, and none that were stable by three.
"""

from collections.abc import Sequence
from math import ceil

from .units import common, same, stands_alone, units
from .values import Hypothesis

SPAN_MS = 500  # of new sound between the first and the last hypothesis that agree


def several(hop_ms: int) -> int:
    """How many hypotheses in a row must agree when one comes every `hop_ms`."""
    return 1 + max(1, ceil(SPAN_MS / hop_ms))


class Agreement:
    """One per segment; `several` hypotheses in a row make a unit stable."""

    def __init__(self, several: int = 2) -> None:
        self.several = several
        self.stable: list[str] = []
        self.tails: list[list[str]] = []  # the last hypotheses after the stable units, newest last

    @property
    def committed(self) -> str:
        """What readers have been promised."""
        return "".join(self.stable)

    @property
    def newest(self) -> str:
        """The newest hypothesis, as far as the promise lets it be."""
        return self.committed + "".join(self.tails[-1] if self.tails else ())

    def push(self, hypothesis: str, quiet: bool = False) -> Hypothesis:
        """Take the newest hypothesis for the whole segment; return it split."""
        found = units(hypothesis)
        tail = found[reach(self.stable, found) :]
        if self.stable and tail:
            self.stable[-1] = _spaced(self.stable[-1], tail[0])
        before = self.tails[-1] if self.tails else []
        twice = common(before, tail)
        self.tails = [*self.tails, tail][-self.several :]
        every = min(common(one, tail) for one in self.tails)
        agreed = every if len(self.tails) == self.several else 0
        self.stable += tail[:agreed]
        self.tails = [one[agreed:] for one in self.tails]
        known = len(self.stable)
        line = (*self.stable, *tail[agreed:])
        return Hypothesis(line, known, known + max(0, twice - agreed), quiet)


def reach(stable: Sequence[str], newest: Sequence[str]) -> int:
    """How many units of `newest` correspond to all of `stable`: where the edit distance between
    `stable` and a beginning of `newest` is least, nearest to the same length among equals."""
    if common(stable, newest) == len(stable):
        return len(stable)
    distances = list(range(len(newest) + 1))
    for row, unit in enumerate(stable, 1):
        diagonal, distances[0] = distances[0], row
        for n, other in enumerate(newest, 1):
            kept = diagonal if same(unit, other) else diagonal + 1
            diagonal = distances[n]
            distances[n] = min(kept, diagonal + 1, distances[n - 1] + 1)
    return min(range(len(distances)), key=lambda n: (distances[n], abs(n - len(stable))))


def _spaced(last: str, following: str) -> str:
    """A line's last word gets its space once another word follows."""
    apart = last[-1].isspace() or stands_alone(last[-1]) or stands_alone(following[0])
    return last if apart else last + " "
