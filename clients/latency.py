"""How late captions are: from the capture of the newest sample an update used to its drawing."""

from collections import deque
from collections.abc import Callable
from math import ceil
from typing import ClassVar

from streaming.messages import Caption, Latency

from .lines import Change, LineKey

Captured = Callable[[int], float]
"""The second (monotonic) at which a position of one's own sound was captured."""

BUDGET_MS = 300  # of the 95th percentile, for the whole way
KEPT = 2_000  # newest values
AGE_EVERY_MS = 50  # between two samples of the caption age
SAMPLES_AT_MOST = 400  # of one wait: 20 s


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

    def __init__(self, captured: Captured, meter: Meter | None = None) -> None:
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


class CaptionAge:
    """How old the newest visible words are while their speaker speaks: sampled, not per update.

    An open line is speech. From its first drawing until its final, `sample` tells how long ago the
    newest sound that is in words on the screen was captured. Before its first drawing nothing of it
    was visible: those samples are made up for then. Captioning less never looks better here.
    """

    def __init__(self, captured: Captured, meter: Meter | None = None) -> None:
        self.captured = captured
        self.meter = meter or Meter()
        self._newest: dict[LineKey, tuple[str, int]] = {}
        """Of each open line its words, and the newest position that is in them."""

    def push(self, change: Change, drawn: float) -> None:
        """This is on the screen now."""
        caption, before = change.caption, self._newest.get(change.key)
        if caption is None or caption.final:
            self._newest.pop(change.key, None)
        elif before is None:
            waited = (drawn - self.captured(caption.start)) * 1000
            for step in range(1, min(SAMPLES_AT_MOST, round(waited / AGE_EVERY_MS)) + 1):
                self.meter.add(step * AGE_EVERY_MS)
            self._newest[change.key] = caption.text, caption.heard
        elif before[0] != caption.text:
            self._newest[change.key] = caption.text, caption.heard

    def sample(self, now: float) -> float | None:
        """The age at this second in ms, None while nobody speaks."""
        if not self._newest:
            return None
        newest = max(heard for _, heard in self._newest.values())
        age = (now - self.captured(newest)) * 1000
        self.meter.add(age)
        return age


class Stages:
    """Where the time goes: the server's own account of each caption, the network, the drawing."""

    NAMES: ClassVar[dict[str, str]] = {
        "detect": "finding speech",
        "recognize": "recognizing",
        "translate": "translating",
        "queue": "waiting",
        "total": "all of it, in the server",
        "network": "network, there and back",
        "draw": "drawing",
    }

    def __init__(self) -> None:
        self.meters = {name: Meter() for name in self.NAMES}

    def push(self, latency: Latency) -> None:
        """What a caption says of itself."""
        for name in ("detect", "recognize", "translate", "queue", "total"):
            self.meters[name].add(getattr(latency, name))

    def add(self, name: str, ms: float) -> None:
        """What was measured here: `network` or `draw`."""
        self.meters[name].add(ms)
