"""The queues of a server, and what is asked of them: cards that work in passes, mailboxes, speech.

A box is one of the server's mailboxes: it keeps the newest update of each segment, so who finds his
last update unfinished skips (finals are never skipped). A card runs one pass at a time; whoever
waits is taken into the next.
"""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from math import log, sqrt
from random import Random
from typing import Any

import simpy

from streaming.measures import Percentiles

from .times import Pass, Times

Steps = Generator[simpy.Event, Any, Any]
HOP_MS = 320.0
TURN_S = 8.0  # of speech, where people pause
WARM_S = 1.5  # before anything counts
SAMPLES = 8_000
SHORTEST_S, LONGEST_S = 2.5, 120.0  # that count


@dataclass(frozen=True, slots=True)
class Said:
    """An update of a segment is due."""

    at: float
    """ms of the newest sample, from the beginning of the speech."""
    segment: int
    final: bool = False


@dataclass(frozen=True, slots=True)
class Speech:
    """When updates come; it is said again and again, by each speaker from a place of his own."""

    said: tuple[Said, ...]
    lasts: float
    """ms."""

    @property
    def an_hour(self) -> float:
        """Updates of one speaker."""
        return 3_600_000 * len(self.said) / self.lasts

    def spoken(self) -> list[tuple[float, float]]:
        """From when to when somebody spoke, in ms: a hop before a segment's first update, to its
        last."""
        found: dict[int, tuple[float, float]] = {}
        for one in self.said:
            begin, _ = found.get(one.segment, (max(0.0, one.at - HOP_MS), 0.0))
            found[one.segment] = begin, one.at
        return sorted(found.values())


def talking(share: float = 1.0, hop_ms: float = HOP_MS) -> Speech:
    """Somebody speaks for that share of the time, in turns; all of it, without a pause."""
    hops = round(TURN_S * 1000 / hop_ms)
    said = [Said((n + 1) * hop_ms, 0, n == hops - 1) for n in range(hops)]
    return Speech(tuple(said), hops * hop_ms / share)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is asked of the cards, and how many there are."""

    speakers: int
    languages: int
    """That each speaker is translated into."""
    recognizers: int
    translators: int
    together: bool = False
    """Both engines on one card, which they take in turns."""
    speech: Speech = field(default_factory=talking)
    samples: int = SAMPLES
    """Captions that are looked at, about."""

    @property
    def cards(self) -> int:
        """How many that are."""
        return 1 if self.together else self.recognizers + self.translators

    @property
    def seconds(self) -> float:
        """On the virtual clock: until there are enough captions."""
        a_second = self.speakers * (1 + self.languages) * self.speech.an_hour / 3600
        return WARM_S + min(LONGEST_S, max(SHORTEST_S, self.samples / a_second))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What readers saw, in ms; None: no caption came."""

    transcripts: Percentiles | None
    translations: Percentiles | None
    age: Percentiles | None
    """Of the translation's words; of the transcript's, where nobody translates."""
    recognizing: Percentiles | None
    """From asking to the answer, waiting included."""
    translating: Percentiles | None
    skipped: float
    """Share of all updates that no recognizer saw."""

    def holds(self, budget: float, hop: float = HOP_MS) -> bool:
        """Chunk-to-caption and the age are within it at p95, for every kind of caption."""
        if self.transcripts is None or self.age is None:
            return False
        late = [one.p95 for one in (self.transcripts, self.translations) if one is not None]
        return max(late) < budget and self.age.p95 < budget + hop


class Card:
    """An engine in passes. `ask` for one request; the event is its answer."""

    def __init__(
        self, env: simpy.Environment, engine: Pass, turn: simpy.Resource, drawn: Random
    ) -> None:
        self.env, self.engine, self.turn, self.drawn = env, engine, turn, drawn
        self.waiting: deque[tuple[simpy.Event, int]] = deque()
        self.asked = env.event()
        env.process(self._work())

    def ask(self) -> simpy.Event:
        """Wait for this."""
        answer = self.env.event()
        self.waiting.append((answer, self.drawn.choice(self.engine.passes)))
        if not self.asked.triggered:
            self.asked.succeed()
        return answer

    def _work(self) -> Steps:
        running: list[tuple[simpy.Event, int]] = []
        while True:
            if not (running or self.waiting):
                self.asked = self.env.event()
                yield self.asked
            with self.turn.request() as turn:
                yield turn
                while self.waiting and len(running) < self.engine.most:
                    running.append(self.waiting.popleft())
                yield self.env.timeout(varied(self.engine, len(running), self.drawn))
            for answer, passes in running:
                if passes == 1:
                    answer.succeed()
            running = [(answer, passes - 1) for answer, passes in running if passes > 1]


def varied(engine: Pass, batch: int, drawn: Random) -> float:
    """ms of one pass: log-normal, with the mean and the spread that are known."""
    mean = engine.lasts(batch)
    if not engine.spread:
        return mean
    variance = log(1 + engine.spread**2)
    return drawn.lognormvariate(log(mean) - variance / 2, sqrt(variance))


class Box:
    """The newest update of each segment."""

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self.waiting: dict[int, Said] = {}
        self.filled = env.event()
        self.skipped = 0

    def put(self, said: Said) -> None:
        """In the place of an older one."""
        self.skipped += said.segment in self.waiting
        self.waiting[said.segment] = said
        if not self.filled.triggered:
            self.filled.succeed()

    def get(self) -> Steps:
        """The oldest segment's."""
        while not self.waiting:
            self.filled = self.env.event()
            yield self.filled
        return self.waiting.pop(next(iter(self.waiting)))


def load(
    times: Times, card: str, speakers: int, languages: int, speech: Speech
) -> tuple[float, float]:
    """How many cards are busy recognizing and translating, at the least: in full batches, with
    nobody waiting."""
    updates = speakers * speech.an_hour / 3_600_000
    return (
        updates * times.on(card, "recognition").each_ms,
        updates * languages * times.on(card, "translation").each_ms,
    )
