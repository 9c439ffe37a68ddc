"""People speak and captions come: what readers see of it, on a virtual clock.

    speaker → up → server → box → recognition → caption
                                       └─> box, one per language → translation → caption

Rooms keep to one card of each kind, so cards share nothing. Every update is taken to change the
words that are seen, so the caption age is that of a recognizer which hears something new in every
hop.
"""

from collections import deque
from collections.abc import Iterator
from itertools import count
from math import ceil
from random import Random

import simpy

from streaming.measures import TICK, percentiles

from .queueing import WARM_S, Box, Card, Outcome, Said, Setting, Steps
from .times import Pass, Times, between


class Conversation:
    """Everybody who speaks, and what came of it."""

    def __init__(self, times: Times, card: str, setting: Setting, seed: int = 1) -> None:
        self.setting, self.times = setting, times
        self.env = simpy.Environment()
        self.drawn = Random(seed)
        shared = simpy.Resource(self.env) if setting.together else None
        self.recognizers = self._cards(times.on(card, "recognition"), setting.recognizers, shared)
        self.translators = self._cards(times.on(card, "translation"), setting.translators, shared)
        self.shown: dict[str, list[float]] = {"transcript": [], "translation": []}
        self.spent: dict[str, list[float]] = {"recognizing": [], "translating": []}
        self.ages: list[float] = []
        self.updates = 0
        self.boxes: list[Box] = []

    def _cards(self, engine: Pass, count: int, turn: simpy.Resource | None) -> list[Card]:
        return [
            Card(self.env, engine, turn or simpy.Resource(self.env), self.drawn)
            for _ in range(count)
        ]

    def held(self) -> Outcome:
        """Let them speak for so many seconds."""
        speakers = [Speaker(self, number) for number in range(self.setting.speakers)]
        self.env.run(1000 * self.setting.seconds)
        for one in speakers:
            self.ages.extend(one.aged())
        skipped = sum(box.skipped for box in self.boxes)
        return Outcome(
            percentiles(self.shown["transcript"]),
            percentiles(self.shown["translation"]),
            percentiles(self.ages),
            percentiles(self.spent["recognizing"]),
            percentiles(self.spent["translating"]),
            skipped / max(1, self.updates),
        )


class Speaker:
    """One of them, with the tasks that the server has for him."""

    def __init__(self, all_: Conversation, number: int) -> None:
        self.all, self.env, self.setting = all_, all_.env, all_.setting
        self.recognizer = all_.recognizers[number % len(all_.recognizers)]
        tell = all_.translators
        self.translator = tell[number % len(tell)] if tell else None
        way, drawn = all_.times.way, all_.drawn
        self.begins = -drawn.uniform(0, self.setting.speech.lasts)  # so all are in the middle of it
        self.phase = drawn.uniform(0, way.frame_ms)
        self.heard = Box(self.env)
        self.changes: list[tuple[float, float]] = []  # (when, newest sample), of one language
        all_.boxes.append(self.heard)
        self.told = [Box(self.env) for _ in range(self.setting.languages)]
        self.env.process(self._speak())
        self.env.process(self._transcribe())
        for box in self.told:
            self.env.process(self._translate(box, box is self.told[0]))

    def _said(self) -> Iterator[Said]:
        """Updates with the ms of their newest samples, round by round; a segment in each."""
        speech, segments = self.setting.speech, self.setting.speech.said[-1].segment + 1
        for round_ in count():
            for one in speech.said:
                at = self.begins + round_ * speech.lasts + one.at
                if at >= 0:
                    yield Said(at, round_ * segments + one.segment, one.final)

    def _speak(self) -> Steps:
        way = self.all.times.way
        for said in self._said():
            full = self.phase + ceil((said.at - self.phase) / way.frame_ms) * way.frame_ms
            arrives = full + way.up_ms + self._added() / 2
            yield self.env.timeout(max(0.0, arrives - self.env.now))
            self.all.updates += 1
            self.heard.put(said)

    def _added(self) -> float:
        """What the server adds: half on the way in, half on the way out."""
        added = self.all.times.server.added_ms
        return between(added, self.all.drawn.uniform(added[0][0], added[-1][0]))

    def _transcribe(self) -> Steps:
        while True:
            said = yield from self.heard.get()
            yield from self._served(self.recognizer, "recognizing", said)
            self._show("transcript", said, not self.told)
            for box in self.told:
                box.put(said)

    def _translate(self, box: Box, watched: bool) -> Steps:
        while True:
            said = yield from box.get()
            assert self.translator is not None
            yield from self._served(self.translator, "translating", said)
            self._show("translation", said, watched)

    def _served(self, card: Card, what: str, said: Said) -> Steps:
        began = self.env.now
        yield card.ask()
        if said.at >= 1000 * WARM_S:
            self.all.spent[what].append(self.env.now - began)

    def _show(self, kind: str, said: Said, watched: bool) -> None:
        seen = self.env.now + self._added() / 2 + self.all.times.way.down_ms
        if said.at >= 1000 * WARM_S:
            self.all.shown[kind].append(seen - said.at)
        if watched:
            self.changes.append((seen, said.at))

    def aged(self) -> Iterator[float]:
        """The caption age every 50 ms of the speech that counts, to the very end: no lag is
        spared. As in `streaming.measures`, it begins anew with a segment if all before is seen."""
        begin, end = 1000 * WARM_S, 1000 * self.setting.seconds
        changes = deque(self.changes)
        newest = before = 0.0
        for start, to in self._spoken(end):
            for at in (
                n * 1000 * TICK for n in range(ceil(start / TICK / 1000), ceil(to / TICK / 1000))
            ):
                while changes and changes[0][0] <= at:
                    newest = changes.popleft()[1]
                if begin <= at < end:
                    yield at - (max(newest, start) if newest >= before else newest)
            before = to

    def _spoken(self, end: float) -> Iterator[tuple[float, float]]:
        """From when to when he spoke."""
        speech = self.setting.speech
        for round_ in range(ceil((end - self.begins) / speech.lasts)):
            for start, to in speech.spoken():
                first = self.begins + round_ * speech.lasts
                if first + to > 0:
                    yield max(0.0, first + start), first + to


def simulated(times: Times, card: str, setting: Setting, seed: int = 1) -> Outcome:
    """What readers see of it; the same every time."""
    return Conversation(times, card, setting, seed).held()
