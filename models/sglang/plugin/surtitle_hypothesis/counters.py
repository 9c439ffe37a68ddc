"""What was offered, what was accepted, and what it cost: on SGLang's own /metrics."""

from collections import Counter
from typing import Any


class Counters:
    """Counts in this process, and in Prometheus where SGLang was given --enable-metrics.

    offered    tokens of hypotheses that came with requests
    accepted   tokens of output that did not need a pass of their own
    verified   tokens that went through the model to be verified, fillers included
    passes     verification passes of one request each, prefills not included
    refused    hypotheses that were none, by reason
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._exported: dict[str, Any] = {}

    def export(self) -> None:
        """Show them on /metrics. SGLang collects from all its processes by itself."""
        from prometheus_client import Counter as Exported

        for name, text in (
            ("offered", "tokens of hypotheses that came with requests"),
            ("accepted", "tokens of output that did not need a pass of their own"),
            ("verified", "tokens that went through the model to be verified"),
            ("passes", "verification passes of one request each"),
        ):
            self._exported[name] = Exported(f"surtitle_hypothesis_{name}", text)
        self._refused = Exported(
            "surtitle_hypothesis_refused", "hypotheses that were none", ["why"]
        )

    def add(self, name: str, amount: int) -> None:
        """`amount` more of what `name` counts."""
        self.counts[name] += amount
        if name in self._exported:
            self._exported[name].inc(amount)

    def refuse(self, why: str) -> None:
        """A request brought something that is no hypothesis."""
        self.counts["refused"] += 1
        if self._exported:
            self._refused.labels(why).inc()


counters = Counters()
