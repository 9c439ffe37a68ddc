"""How long the terminal's screen takes to draw: an update, the first paint, half an hour of them.

The app runs without a terminal; what it would have written goes nowhere, so a terminal's own time
is not in these figures. An update is timed from the message to the end of the refresh it causes.
"""

import asyncio
import gc
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import psutil

from clients.latency import Meter
from clients.tui.app import RoomApp
from clients.tui.status import Status
from streaming.messages import Caption, Participant, Roster, ServerMessage, Welcome

HISTORY = 2_000  # lines said before the measurement begins
UPDATES = 200
SIZES = ((80, 24), (160, 45))
RATE = 10  # updates a second: three people who talk at once, at four updates a second each
MINUTES = 30
TEXT = "así que nadie la nota y dura casi todo el día de trabajo sin que haya que cargarla"
SPEAKERS = ["a", "b", "c"]

FIRST_PAINT = """
import asyncio, sys
from clients.tui.app import RoomApp
from clients.tui.status import Status
async def messages():
    await asyncio.Event().wait()
    yield
app = RoomApp(messages(), Status("kitchen", reads=["es"]))
app.call_after_refresh(lambda: app.exit())
app.run(headless=True)
"""


def measure(minutes: float = MINUTES) -> dict[str, Any]:
    """All of it: `draws` by size in ms, `first_paint_s`, and `memory` over so many minutes."""
    return {
        "draws": {f"{w}x{h}": asyncio.run(_draws((w, h))) for w, h in SIZES},
        "first_paint_s": round(min(_first_paint() for _ in range(3)), 3),
        "memory": asyncio.run(_memory(minutes)),
    }


def _first_paint() -> float:
    """From the start of a process to the end of its first refresh and of itself, in seconds."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", FIRST_PAINT], check=True)
    return time.perf_counter() - began


class _Talk:
    """Captions without end: every tenth ends a line, and its speaker's next begins."""

    def __init__(self) -> None:
        self.seq = count(1)
        self.said = dict.fromkeys(SPEAKERS, (1, 0))

    def next(self, whole: bool = False) -> Caption:
        """The next update of whoever's turn it is; `whole`: a finished line at once."""
        number = next(self.seq)
        speaker = SPEAKERS[number % len(SPEAKERS)]
        segment, spoken = self.said[speaker]
        final = whole or spoken >= 10
        self.said[speaker] = (segment + 1, 0) if final else (segment, spoken + 1)
        words = TEXT.split()[: 3 + (12 if whole else spoken)]
        stable = " ".join(words if final else words[:-2]) + " "
        return Caption(
            number,
            speaker,
            segment,
            "es",
            "translation",
            stable,
            "" if final else " ".join(words[-2:]),
            final,
            0,
            16_000,
            16_000,
            segment * 3_000,
            "bench",
        )


class _Room:
    """The app, told what to show, one message at a time."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.told: asyncio.Queue[ServerMessage] = asyncio.Queue()
        self.app = RoomApp(self._messages(), Status("kitchen", reads=["es"]))
        self.size = size
        self.talk = _Talk()

    async def _messages(self) -> AsyncIterator[ServerMessage]:
        yield Welcome("kitchen", "e", "me", "", 0, 0, False, 0, [])
        yield Roster([Participant(one, one.upper(), ["en"], ["es"]) for one in SPEAKERS])
        while True:
            yield await self.told.get()

    async def drawn(self, message: Caption) -> float:
        """Show it; the ms until its refresh is over."""
        done = asyncio.Event()
        began = time.perf_counter()
        self.app.take(message)
        self.app.call_after_refresh(done.set)
        await done.wait()
        return (time.perf_counter() - began) * 1000

    def fill(self, lines: int) -> None:
        """So many lines have been said."""
        for _ in range(lines):
            self.app.take(self.talk.next(whole=True))


async def _draws(size: tuple[int, int]) -> dict[str, float]:
    """Percentiles of the time an update takes, and the share of a core at ten a second."""
    room = _Room(size)
    async with room.app.run_test(size=size) as pilot:
        room.fill(HISTORY)
        await pilot.pause()
        meter, cpu = Meter(), time.process_time()
        for _ in range(UPDATES):
            meter.add(await room.drawn(room.talk.next()))
        cpu = time.process_time() - cpu
        return {
            "p50": round(meter.percentile(50) or 0, 2),
            "p95": round(meter.percentile(95) or 0, 2),
            "cpu_ms": round(cpu / UPDATES * 1000, 2),
            "core_percent": round(cpu / UPDATES * RATE * 100, 1),
        }


async def _memory(minutes: float) -> dict[str, float]:
    """Resident MiB after the first third and at the end of so many minutes, as fast as it goes."""
    room = _Room((80, 24))
    process = psutil.Process(os.getpid())
    async with room.app.run_test(size=(80, 24)) as pilot:
        found = []
        updates = round(minutes * 60 * RATE)
        for number in range(1, updates + 1):
            room.app.take(room.talk.next())
            if number % RATE == 0:
                await pilot.pause()
            if number in (updates // 3, updates):
                gc.collect()
                found.append(process.memory_info().rss / 2**20)
    return {
        "minutes": minutes,
        "updates": updates,
        "third_mib": round(found[0], 1),
        "end_mib": round(found[-1], 1),
        "grown_mib": round(found[-1] - found[0], 1),
    }
