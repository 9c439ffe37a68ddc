"""Cut what each reader sees from one shared stream: the stability dial.

A model's newest hypothesis for a line is a row of units, surest first: promised, agreed, guessed.
While the line is open `live` shows what two hypotheses in a row agreed on, and of the rest all but
the last few, because those change most (mask-k, Arivazhagan et al. 2020,
https://arxiv.org/abs/1912.03393); `steady` shows only what was agreed on, and never the last twice
as many; `final` shows nothing before the end. What is hidden is not on the wire. What was shown and
still stands is not hidden again.
"""

from .languages import UNSPACED, base
from .messages import Kind, Stability
from .units import common
from .values import Hypothesis, Text

DIALS: tuple[Stability, ...] = ("live", "steady", "final")


def mask(language: str, kind: Kind) -> int:
    """How many of the last units of an open line are hidden unless they were agreed on."""
    if kind == "transcript":
        return 2
    return {"ja": 5, "th": 6}.get(base(language), 4 if base(language) in UNSPACED else 3)


class Dial:
    """One per line and setting: what its readers see."""

    def __init__(self, stability: Stability, hidden: int) -> None:
        self.stability = stability
        self.hidden = hidden
        self.shown: tuple[str, ...] = ()

    def push(self, line: Hypothesis) -> Text | None:
        """Take the newest hypothesis; return what to show now, None for nothing new."""
        if line.final:
            return Text("".join(line.units))
        if self.stability == "final":
            return None
        still = common(self.shown, line.units)
        still = still if still == len(self.shown) else 0  # a rewritten line starts masking anew
        reach = max(line.stable, still, self._reach(line))
        visible = line.units[:reach]
        if "".join(visible).rstrip() == "".join(self.shown).rstrip():
            return None
        self.shown = visible
        return Text("".join(visible[: line.stable]), "".join(visible[line.stable :]).rstrip())

    def _reach(self, line: Hypothesis) -> int:
        if self.stability == "steady":
            return min(line.agreed, len(line.units) - 2 * self.hidden)
        return max(line.agreed, len(line.units) - (0 if line.quiet else self.hidden))
