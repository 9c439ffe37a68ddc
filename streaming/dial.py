"""Cut what each reader sees from one shared stream: the stability dial.

A model's newest hypothesis for a line is a row of units, surest first: promised, agreed, guessed.
While the line is open `live` shows what several answers in a row agreed on, but, until the
speaker pauses, not the very last word, which changes most (mask-k, Arivazhagan et al. 2020,
https://arxiv.org/abs/1912.03393); `steady` hides more of the last words; `final` shows nothing
before the end. What is hidden is not on the wire. What was shown and still stands is not hidden
again, and what was shown is not repainted before several answers in a row contradict it: most
changes are taken back at once.
"""

from collections.abc import Sequence

from .languages import word
from .messages import Kind, Stability
from .units import common, mark
from .values import Hypothesis, Text

DIALS: tuple[Stability, ...] = ("live", "steady", "final")
STEADY = 3  # times as many units are hidden as in `live`


def mask(language: str, kind: Kind) -> int:
    """How many of the last units of an open line are hidden though they were agreed on."""
    return word(language) if kind == "translation" else 1


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
        if still < len(self.shown) and line.agreed <= still:
            return None
        visible = line.units[: max(line.stable, still, self._reach(line))]
        if "".join(visible).rstrip() == "".join(self.shown).rstrip():
            return None
        self.shown = visible
        return Text("".join(visible[: line.stable]), "".join(visible[line.stable :]).rstrip())

    def _reach(self, line: Hypothesis) -> int:
        if self.stability == "live" and line.quiet:
            return line.agreed
        hidden = self.hidden * (STEADY if self.stability == "steady" else 1)
        return min(line.agreed, _but_last(line.units, hidden))


def _but_last(units: Sequence[str], hidden: int) -> int:
    """How many there are before the last `hidden` words and the marks around them: which mark it
    will be is known only when the next word is."""
    reach = len(units)
    while reach and (hidden or mark(units[reach - 1])):
        reach -= 1
        hidden -= not mark(units[reach])
    return reach
