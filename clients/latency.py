"""How late captions are: from the capture of the newest sample an update used to its drawing."""

from collections import deque
from collections.abc import Callable
from math import ceil

from streaming.messages import Caption

from .lines import Change, LineKey

BUDGET_MS = 300  # of the 95th percentile, for the whole way
KEPT = 2_000  # newest values


class Meter:
    """Values in ms and their percentiles."""

    def __init__(self, kept: int = KEPT) -> None:
        self.values: deque[float] = deque(maxlen=kept)

    def add(self, ms: float) -> None:
        """One more."""
        self.values.append(ms)

    def percentile(self, percent: float) -> float | None:
        """The value that so many percent of all do not exceed; None before the first."""
        if not self.values:
            return None
        ordered = sorted(self.values)
        return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]


class ChunkToCaption:
    """Judges each update of one speaker's own lines, if it changed what there is to see.

    `captured` gives the second at which a position was captured, on the clock of `drawn`.
    """

    def __init__(self, captured: Callable[[int], float], meter: Meter | None = None) -> None:
        self.captured = captured
        self.meter = meter or Meter()
        self.first: float | None = None
        """The second of `drawn` at which words were first seen."""
        self._seen: dict[LineKey, str] = {}

    def push(self, change: Change, drawn: float) -> float | None:
        """How many ms late this update was when drawn, None if it changed nothing visible."""
        if change.caption is None or change.caption.text == self._seen.get(change.key, ""):
            return None
        self._remember(change.key, change.caption)
        if self.first is None:
            self.first = drawn
        late = (drawn - self.captured(change.caption.heard)) * 1000
        self.meter.add(late)
        return late

    def _remember(self, key: LineKey, caption: Caption) -> None:
        self._seen[key] = caption.text
        if caption.final:
            del self._seen[key]
