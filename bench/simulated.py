"""A server whose engines take the time of a card: `python -m bench.simulated` is `surtitle serve`
with scripted words, behind queues whose passes last as a table of service times says.

A pass serves whoever waits, as in `loadtest.plan.queueing`, of which this is the counterpart in
real time. Names of the table and the card come by the environment: the rest of the command line is
the server's own.
"""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random

from loadtest.plan.queueing import varied
from loadtest.plan.times import Pass, read
from models import registry
from models.base import Heard, Hearing, Request
from models.scripted import ScriptedRecognizer, ScriptedTranslator
from server import main

TABLE, CARD = "SURTITLE_BENCH_TIMES", "SURTITLE_BENCH_CARD"
WORDS_A_SECOND = 4.0  # more than one a hop: every update says something new


class Card:
    """An engine that works in passes; `ask` returns when it has answered."""

    def __init__(self, engine: Pass, seed: int) -> None:
        self.engine, self.drawn = engine, Random(seed)
        self.waiting: deque[tuple[asyncio.Future[None], int]] = deque()
        self.work: asyncio.Task[None] | None = None

    async def ask(self) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((answer, self.drawn.choice(self.engine.passes)))
        if self.work is None or self.work.done():
            self.work = asyncio.create_task(self._work())
        await answer

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        running: list[tuple[asyncio.Future[None], int]] = []
        ends = loop.time()
        while running or self.waiting:
            while self.waiting and len(running) < self.engine.most:
                running.append(self.waiting.popleft())
            # From when the last pass should have ended: a late timer must not slow the card down.
            ends += varied(self.engine, len(running), self.drawn) / 1000
            await asyncio.sleep(ends - loop.time())
            for answer, passes in running:
                if passes == 1 and not answer.done():
                    answer.set_result(None)
            running = [(it, passes - 1) for it, passes in running if passes > 1 and not it.done()]
            await asyncio.sleep(0)  # who was answered may ask again before the next pass


class Recognizer(ScriptedRecognizer):
    """Scripted words, after the card's time."""

    def __init__(self, card: Card) -> None:
        super().__init__(words_per_second=WORDS_A_SECOND)
        self.card = card

    async def open(self, speaker: str, languages: Sequence[str]) -> "Hearing":  # type: ignore[override]
        return Segment(await super().open(speaker, languages), self.card)


class Segment:
    """A segment that waits for the card first."""

    def __init__(self, scripted: Hearing, card: Card) -> None:
        self.scripted, self.card = scripted, card

    async def hear(self, pcm: bytes, committed: str) -> Heard:
        await self.card.ask()
        return await self.scripted.hear(pcm, committed)

    async def finish(self, pcm: bytes) -> Heard:
        await self.card.ask()
        return await self.scripted.finish(pcm)

    async def close(self) -> None:
        await self.scripted.close()


class Translator(ScriptedTranslator):
    """Scripted translations, after the card's time."""

    def __init__(self, card: Card) -> None:
        super().__init__()
        self.card = card

    async def translate(self, request: Request) -> AsyncIterator[str]:
        await self.card.ask()
        async for piece in super().translate(request):
            yield piece


def recognizer() -> Recognizer:
    """For the registry."""
    return Recognizer(Card(_engine("recognition"), seed=2))


def translator() -> Translator:
    """For the registry."""
    return Translator(Card(_engine("translation"), seed=3))


def _engine(role: str) -> Pass:
    return read(Path(os.environ[TABLE])).on(os.environ[CARD], role)


if __name__ == "__main__":
    registry.RECOGNIZERS["scripted"] = "bench.simulated:recognizer"
    registry.TRANSLATORS["scripted"] = "bench.simulated:translator"
    sys.exit(main.main(sys.argv[1:]))
