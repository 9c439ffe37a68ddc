"""Histograms that are added to a thousand times a second: by one thread, so without a lock."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector


class Tally:
    """Counts values by the first of `bounds` that is not below them."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count it."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """How many are at most each bound, as Prometheus wants it."""
        found, so_far = [], 0
        names = (*map(str, map(float, self.bounds)), "+Inf")
        for name, count in zip(names, self.counts, strict=True):
            so_far += count
            found.append((name, float(so_far)))
        return found


class Tallies(Collector):
    """One histogram, by its labels."""

    def __init__(
        self,
        name: str,
        what: str,
        labels: Sequence[str],
        tallies: Mapping[tuple[str, ...], Tally],
    ) -> None:
        self.name, self.what, self.labels, self.tallies = name, what, labels, tallies

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """As Prometheus wants it."""
        family = HistogramMetricFamily(self.name, self.what, labels=self.labels)
        for values, tally in self.tallies.items():
            family.add_metric(values, tally.buckets(), tally.sum)
        yield family
