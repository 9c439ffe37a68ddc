"""Where in the old hypothesis the output is, when the two have come apart.

While the output repeats the hypothesis its place is plain. After a word was substituted, inserted,
dropped or moved there are several places from which the rest may go on; each prefix of the
hypothesis has an edit distance to the output so far, and those with the least are the likely ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DROPPED = 0.9  # a token of the hypothesis that the output left out
INSERTED = 1.0  # a token of the output that the hypothesis has not
SUBSTITUTED = 1.0  # one in place of another
REACH = 24  # tokens the place may move away from where it was
PLACES = 6  # so many are worth a branch


@dataclass(frozen=True, slots=True)
class Place:
    """The output may go on with the hypothesis from token `at`."""

    at: int
    behind: float
    """How much worse its distance is than the best place's; 0 for the best."""
    matched: int
    """So many tokens before it are also the output's last ones (at most 3)."""


class Alignment:
    """Follows one output through one hypothesis. `push` is its verb."""

    def __init__(self, hypothesis: Sequence[int]) -> None:
        self.hypothesis = list(hypothesis)
        self.produced: list[int] = []
        self.together = True
        """The output repeats the hypothesis so far, or went on after its end."""
        self._tokens = np.asarray(self.hypothesis, dtype=np.int64)
        self._steps = np.arange(len(self.hypothesis) + 1) * DROPPED
        self._distance = self._steps.copy()
        """For every prefix of the hypothesis: what it takes to make the output of it."""

    def push(self, token: int) -> None:
        """The output goes on with `token`."""
        at = len(self.produced)
        self.produced.append(token)
        if self.together and at < len(self.hypothesis) and self.hypothesis[at] == token:
            return
        if self.together:
            self.together = False
            self._distance = np.abs(self._steps - at * DROPPED)  # of h[:at] to each prefix
            self._distance[:at] = (at - np.arange(at)) * INSERTED
        self._advance(token)

    def _advance(self, token: int) -> None:
        old = self._distance
        new = old + INSERTED
        if len(self._tokens):
            repeated = old[:-1] + np.where(self._tokens == token, 0.0, SUBSTITUTED)
            new[1:] = np.minimum(new[1:], repeated)
        # A dropped token: from any earlier prefix, at a price for every token in between.
        self._distance = np.minimum.accumulate(new - self._steps) + self._steps

    def places(self) -> list[Place]:
        """Where the rest may go on, the likeliest first; none when the hypothesis is used up."""
        length = len(self.hypothesis)
        at = len(self.produced)
        if self.together:
            return [Place(at, 0.0, min(at, 3))] if at < length else []
        best = float(self._distance.min())
        near = self._distance[:length] <= best + 2.0
        found = [
            Place(int(place), float(self._distance[place]) - best, self._matched(int(place)))
            for place in np.flatnonzero(near)
        ]
        found.sort(key=lambda place: (place.behind - 0.5 * place.matched, place.at))
        return found[:PLACES]

    def _matched(self, at: int) -> int:
        count = 0
        while (
            count < min(3, at, len(self.produced))
            and self.hypothesis[at - 1 - count] == self.produced[-1 - count]
        ):
            count += 1
        return count
