"""Decide which words of a changing hypothesis can be trusted.

A unit is stable once two hypotheses in a row agree on it and on all before it (LocalAgreement-2,
Liu et al. 2020, https://arxiv.org/abs/2005.11185). Stable units never change while the line is
open; a recognizer that cannot be held to them may contradict them later, and then keeps its say
only after the place in its hypothesis that corresponds to where they end.
"""

from collections.abc import Sequence

from .units import common, same, stands_alone, units
from .values import Hypothesis


class Agreement:
    """One per segment."""

    def __init__(self) -> None:
        self.stable: list[str] = []
        self.tail: list[str] = []  # the last hypothesis after the stable units

    @property
    def committed(self) -> str:
        """What readers have been promised."""
        return "".join(self.stable)

    def push(self, hypothesis: str, quiet: bool = False) -> Hypothesis:
        """Take the newest hypothesis for the whole segment; return it split."""
        newest = units(hypothesis)
        tail = newest[reach(self.stable, newest) :]
        if self.stable and tail:
            self.stable[-1] = _spaced(self.stable[-1], tail[0])
        agreed = common(self.tail, tail)
        self.stable += tail[:agreed]
        self.tail = tail[agreed:]
        known = len(self.stable)
        return Hypothesis((*self.stable, *self.tail), known, known, quiet)


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
