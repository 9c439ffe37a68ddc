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

from .units import common, joint, leads, mark, pieces, same
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
        found = pieces(hypothesis)
        begin = reach(self.stable, found)
        tail = found[begin:]
        if self.stable and tail:
            self.stable[-1] = _spaced(self.stable[-1], found[:begin], tail[0])
        before = self.tails[-1] if self.tails else []
        twice = common(before, tail)
        self.tails = [*self.tails, tail][-self.several :]
        every = min(common(one, tail) for one in self.tails)
        agreed = every if len(self.tails) == self.several else 0
        while agreed and leads(tail[agreed - 1]):
            agreed -= 1  # what follows it would be one letter with it
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
            kept = diagonal + _apart(unit, other)
            diagonal = distances[n]
            distances[n] = min(kept, diagonal + 1, distances[n - 1] + 1)
    return min(range(len(distances)), key=lambda n: (distances[n], abs(n - len(stable))))


def _apart(a: str, b: str) -> int:
    """What it costs to take one for the other: no word is ever a mark."""
    if same(a, b):
        return 0
    return 1 if mark(a) == mark(b) else 2


def _spaced(last: str, before: Sequence[str], following: str) -> str:
    """The last promised piece with the space that belongs behind it, as the hypothesis has it."""
    if not (before and same(before[-1], last)):
        return joint(last, following)
    return last.rstrip() + before[-1][len(before[-1].rstrip()) :]
