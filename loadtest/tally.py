"""Where measured times and counts are kept: little memory however long a run is, and mergeable.

Times are in HdrHistograms (three significant digits, a microsecond to ten minutes), which whole
runs and processes can be added up in and which other tools can read.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from math import ceil

from hdrh.histogram import HdrHistogram

from streaming.measures import Erasure, Percentiles

LONGEST_MS = 600_000
DIGITS = 3
ROUNDED_FROM, ROUNDED_BY = 10_000, 10  # microseconds: a thousandth, as the histogram itself does
LATELY = 500  # of the newest times of one name that are kept for those who watch


class Times:
    """Milliseconds that something took. What seems to take less than nothing counts as nothing."""

    def __init__(self, encoded: str = "") -> None:
        self._kept = (
            HdrHistogram.decode(encoded) if encoded else HdrHistogram(1, LONGEST_MS * 1000, DIGITS)
        )
        self._pending: dict[int, int] = {}
        self.most = float(self._kept.get_max_value()) / 1000
        """The longest, in ms; 0 of none."""

    @property
    def histogram(self) -> HdrHistogram:
        """All of them, in microseconds."""
        for microseconds, count in self._pending.items():
            self._kept.record_value(min(max(microseconds, 1), LONGEST_MS * 1000), count)
        self._pending.clear()
        return self._kept

    def add(self, ms: float, count: int = 1) -> None:
        """One more, or several that are alike."""
        # Adding to the histogram costs ten times as much: that waits until somebody looks.
        self.most = max(self.most, ms)
        microseconds = int(ms * 1000)
        if microseconds > ROUNDED_FROM:
            microseconds -= microseconds % ROUNDED_BY
        self._pending[microseconds] = self._pending.get(microseconds, 0) + count

    def merge(self, other: "Times") -> None:
        """Add all of another's."""
        self.histogram.add(other.histogram)
        self.most = max(self.most, other.most)

    def encoded(self) -> str:
        """As text that any HdrHistogram reads (V2, compressed, base64); its unit is 1 us."""
        return str(self.histogram.encode().decode())

    def percentile(self, percent: float) -> float:
        """By nearest rank, in ms; 0 of none."""
        count = self.histogram.total_count
        rank = ceil(count * percent / 100)  # the histogram's own rounding may take the one before
        exact = 100 * rank / count if count else percent
        return float(self.histogram.get_value_at_percentile(exact)) / 1000

    def percentiles(self) -> Percentiles | None:
        """In ms; None of none, which is not zero."""
        count = self.histogram.total_count
        if not count:
            return None
        p50, p90, p95, p99 = (self.percentile(percent) for percent in (50, 90, 95, 99))
        return Percentiles(count, p50, p90, p95, p99, self.histogram.get_max_value() / 1000)

    def buckets(self, edges: Iterable[float]) -> list[int]:
        """How many lie below each edge (ms, growing) and not below the one before it."""
        counts = [0] * (len(bounds := [edge * 1000 for edge in edges]) + 1)
        place = 0
        for step in self.histogram.get_recorded_iterator():
            while place < len(bounds) and step.value_iterated_to > bounds[place]:
                place += 1
            counts[place] += step.count_added_in_this_iter_step
        return counts


class Tally:
    """Everything that was seen, by name."""

    def __init__(self) -> None:
        self.times: dict[str, Times] = {}
        self.counts: Counter[str] = Counter()
        self.blame: dict[str, Counter[str]] = {}
        """By bar: ms that its late captions spent in each stage beyond the stage's share."""
        self.erasure: dict[str, Erasure] = {}
        self._lately: dict[str, list[float]] = {}

    def lately(self, name: str, ms: float) -> None:
        """Also show this to those who watch."""
        kept = self._lately.setdefault(name, [])
        if len(kept) < LATELY:
            kept.append(ms)

    def watched(self) -> dict[str, list[float]]:
        """What there was to show since this was last asked."""
        seen, self._lately = self._lately, {}
        return seen

    def __getitem__(self, name: str) -> Times:
        found = self.times.get(name)
        if found is None:
            found = self.times[name] = Times()
        return found

    def erased(self, kind: str) -> Erasure:
        """What was taken back of one kind of line."""
        return self.erasure.setdefault(kind, Erasure())

    def blamed(self, bar: str) -> Counter[str]:
        """Whose fault late captions were."""
        return self.blame.setdefault(bar, Counter())

    def packed(self) -> "Packed":
        """To go through a pipe."""
        erasure = {kind: (it.erased, it.written) for kind, it in self.erasure.items()}
        times = {name: it.encoded() for name, it in self.times.items()}
        return times, dict(self.counts), {k: dict(v) for k, v in self.blame.items()}, erasure


Packed = tuple[
    dict[str, str], dict[str, int], dict[str, dict[str, int]], dict[str, tuple[int, int]]
]


def merged(parts: Iterable[Packed], unpack: Callable[[str], Times] = Times) -> Tally:
    """All of them as one."""
    whole = Tally()
    for times, counts, blame, erasure in parts:
        for name, encoded in times.items():
            whole[name].merge(unpack(encoded))
        whole.counts.update(counts)
        for bar, stages in blame.items():
            whole.blamed(bar).update(stages)
        for kind, (erased, written) in erasure.items():
            whole.erased(kind).erased += erased
            whole.erased(kind).written += written
    return whole
