"""What an operator can measure: one place that sees captions go by, in Prometheus' words.

Room names and texts never appear. Labels are stages, kinds and, for what is counted by room
(visible.py), the epochs of the rooms that are open now.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models.base import Spent
from streaming.captions import Line
from streaming.messages import Kind

from .admission import Reason
from .carrying import Load
from .tally import Tallies, Tally
from .visible import Rooms

BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 0.9, 1.5, 3, 10,
)  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
STAGES = ("detect", "recognize", "translate", "queue", "total")
LAG_S = 0.1  # between two looks at the event loop


class Audio(Collector):
    """Seconds of audio received; added to with every frame, so without a lock."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def collect(self) -> Iterable[CounterMetricFamily]:
        """As Prometheus wants it."""
        yield CounterMetricFamily("surtitle_audio_seconds", "Audio received", value=self.seconds)


class Carried(Collector):
    """What models have to carry, and the most that they are given; asked when somebody looks."""

    def __init__(self, loads: Callable[[], Sequence[Load]], most: Callable[[Load], int]) -> None:
        self.loads, self.most = loads, most

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """As Prometheus wants it."""
        labels = ["engine", "does"]
        limit = GaugeMetricFamily(
            "surtitle_model_limit",
            "Questions at a time up to which new speakers are let in, as its servers say now",
            labels=labels,
        )
        asked = GaugeMetricFamily(
            "surtitle_model_questions",
            "The most questions at a time that those who speak can have open",
            labels=labels,
        )
        for load in self.loads():
            limit.add_metric([load.engine, load.does], self.most(load))
            asked.add_metric([load.engine, load.does], load.asked)
        return limit, asked


class _Only:
    """A registry of one metric, which is quickly written down."""

    def __init__(self, family: Metric) -> None:
        self.family = family

    def collect(self) -> Iterable[Metric]:
        return [self.family]


class Metrics:
    """One per server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.stages = {kind: [(name, Tally(BUCKETS)) for name in STAGES] for kind in KINDS}
        self.registry.register(
            Tallies(
                "surtitle_stage_seconds",
                "From the arrival of the newest audio used to its caption: time in each stage",
                ["kind", "stage"],
                {
                    (kind, name): tally
                    for kind, stages in self.stages.items()
                    for name, tally in stages
                },
            )
        )
        captions = self._counter("captions", "Caption updates, once for all readers", "kind")
        finals = self._counter("finals", "Lines that ended", "kind")
        withdrawn = self._counter("withdrawn", "Lines that ended without text", "kind")
        # Looked up once: a label costs as much as the caption it counts.
        self.captions = {kind: captions.labels(kind) for kind in KINDS}
        self.finals = {kind: finals.labels(kind) for kind in KINDS}
        self.withdrawn = {kind: withdrawn.labels(kind) for kind in KINDS}
        hypothesis = self._counter(
            "hypothesis_tokens",
            "Tokens of last answers, offered to verify and found right",
            "outcome",
        )
        self.offered, self.accepted = hypothesis.labels("offered"), hypothesis.labels("accepted")
        self.passes = self._counter("translation_passes", "Passes through the language model")
        tokens = self._counter(
            "translation_tokens", "Tokens that it read, remembered and said", "kind"
        )
        self.read, self.cached = tokens.labels("prompt"), tokens.labels("cached")
        self.answered = tokens.labels("answer")
        self.answers = self._counter("translation_answers", "Translations that it finished")
        self.refusals = self._counter(
            "translation_refused", "Answers that were no translations, by what was wrong", "what"
        )
        self.doubts = self._counter(
            "recognition_doubted", "Answers of a recognizer not shown, by what was wrong", "what"
        )
        self.turned = self._counter(
            "turned_away", "Who was not let in, by what there were too many of", "reason"
        )
        for reason in get_args(Reason):
            self.turned.labels(reason)  # counted from 0, so that the first is seen as one more
        self.changes = self._counter(
            "degradation_changes",
            "How often a direction of translation, or a microphone's recognition, came to a level",
            *("scope", "level"),
        )
        self.rooms = Rooms(self.registry)
        self.skipped = 0  # updates that no recognizer has read, of microphones that are gone
        self.errors = self._counter("errors", "Connections closed with an error", "code")
        self.audio = Audio()
        self.registry.register(self.audio)
        self.lag = Histogram(
            "surtitle_loop_lag_seconds",
            "How late the event loop was",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.slowest = self._gauge("loop_lag_max_seconds", "The latest it was since it started")
        self.watch("threads", "Threads that Python knows", threading.active_count)
        ProcessCollector(registry=self.registry)  # memory, processor time, descriptors

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Export a figure that is asked for when somebody looks."""
        self._gauge(name, what).set_function(value)

    def saw(self, line: Line, room: str, shown: Sequence[str], now: float) -> None:
        """A line was published, at `now` seconds after its room was opened; `shown`: the units
        that readers with `live` see of it."""
        self.rooms.saw(room, line, shown, now)
        self.captions[line.kind].inc()
        if line.hypothesis.final:
            (self.finals if line.hypothesis.units else self.withdrawn)[line.kind].inc()
        if line.latency is None:
            return
        for name, stage in self.stages[line.kind]:
            stage.observe(getattr(line.latency, name) / 1000)

    def spent(self, spent: Spent) -> None:
        """A language model translated something."""
        self.rooms.spent(spent)
        self.answers.inc()
        self.offered.inc(spent.offered)
        self.accepted.inc(spent.accepted)
        self.passes.inc(spent.passes)
        self.read.inc(spent.prompt)
        self.cached.inc(spent.cached)
        self.answered.inc(spent.tokens)

    def refused(self, what: str) -> None:
        """An answer of a translator was not for readers."""
        self.refusals.labels(what).inc()

    def turned_away(self, reason: Reason) -> None:
        """Somebody was not let in."""
        self.turned.labels(reason).inc()

    def doubted(self, what: str) -> None:
        """An answer of a recognizer was not believed."""
        self.doubts.labels(what).inc()

    async def watch_loop(self) -> None:
        """Measure the event loop's lag until cancelled."""
        worst, loop = 0.0, asyncio.get_running_loop()
        self.watch(
            "tasks", "What the event loop is at work on", lambda: len(asyncio.all_tasks(loop))
        )
        while True:
            due = time.monotonic() + LAG_S
            await asyncio.sleep(LAG_S)
            late = max(0.0, time.monotonic() - due)
            worst = max(worst, late)
            self.lag.observe(late)
            self.slowest.set(worst)

    def page(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """The page, in pieces that take two milliseconds at most, so that others get their turn."""
        for family in self.registry.collect():
            yield generate_latest(_Only(family))
        for piece in self.rooms.page():
            yield piece.encode()

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"surtitle_{name}", what, labels, registry=self.registry)

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(f"surtitle_{name}", what, registry=self.registry)
