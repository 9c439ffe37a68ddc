"""A conversation that never pauses: at its end the server is as it was at its beginning.

Memory, descriptors, threads, tasks, the event loop and how late captions come are looked at.

The server's clock runs `speed` times faster than the world's, so that half an hour takes minutes:
speech, timers and pauses all do; a whole day (SOAK=24h) goes at the pace of speech. Speakers pair
up in rooms, each reads a translation of both; a reader in every room comes and goes.
"""

import asyncio
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from clients.link import Link
from loadtest.crowd import Crowd
from loadtest.host import (
    Host,
    Meter,
    bucket,
    buckets,
    cores,
    counted,
    exported,
    memory_mb,
    on_cores,
    ours,
)
from loadtest.load import Load, seats
from loadtest.speech import frames
from loadtest.tally import Times
from streaming.messages import Hello

MINUTES = 30.0  # simulated
SPEED = 10.0
SPEAKERS = 4
ROOMS = 2
WARM_MINUTES = 60.0  # caches, heaps and the first rooms; the slope begins here, or half-way
SLOPE_MINUTES = 10.0  # without which growth is mostly the heap's beginnings
EVERY_S = 1.0  # real seconds between two looks
KEPT_LOOKS = 400  # in the file, of however many
TENTHS = 10
STAY_S = 5.0  # real seconds that a reader stays
GROWTH_MB = 10.0  # an hour, beyond the finals that are kept for who comes late or back
FINAL_MB = 0.001  # of one of them
SPARE = {"descriptors": 4, "threads": 2, "tasks": 8}
"""By which the median of the last tenth may exceed the first's: who comes and goes has some."""
LATER = 4.0  # times the first tenth's p95 that the last tenth's may be, beyond `SPARE_MS`
SPARE_MS = 20.0
LAG = "surtitle_loop_lag_seconds"
TASKS, FINALS = "surtitle_tasks", "surtitle_finals_total"


@dataclass(frozen=True, slots=True)
class Look:
    """The server at one moment."""

    minute: float
    """Of the simulated time."""
    memory_mb: float
    lag: Mapping[float, float]
    """The event loop's lag so far, as the buckets of a histogram."""
    captions: float
    descriptors: int = 0
    threads: int = 0
    """Of its children, too."""
    tasks: float = 0.0
    finals: float = 0.0


def asked(word: str) -> tuple[float, float]:
    """Minutes and pace of what $SOAK says: "24h" or "90m", at the pace of speech; by default half
    an hour ten times as fast. ValueError: it says nothing of the kind."""
    if not word:
        return MINUTES, SPEED
    found = re.fullmatch(r"(\d{1,4}(?:\.\d)?)([hm])", word)
    if found is None or not float(found[1]):
        raise ValueError(f"SOAK={word!r} is no time: write SOAK=24h or SOAK=90m")
    return float(found[1]) * (60 if found[2] == "h" else 1), 1.0


def measure(
    minutes: float = MINUTES, speed: float = SPEED, realtime: bool = False
) -> dict[str, Any]:
    """What grows, and what does not, over so many simulated minutes."""
    return asyncio.run(_measure(minutes, speed, realtime))


async def _measure(minutes: float, speed: float, realtime: bool) -> dict[str, Any]:
    tester, core = cores()
    with on_cores(tester, realtime):
        async with ours("scripted", core, speed, realtime) as host:
            readers = [asyncio.create_task(_come_and_go(host, room)) for room in _rooms()]
            meter = Meter(host.alive())
            try:
                looks, ended = await asyncio.to_thread(_speak, host, minutes, speed)
            finally:
                for reader in readers:
                    reader.cancel()
                await asyncio.gather(*readers, return_exceptions=True)
            cpu = sum(meter.percent())
    figures = _figures(looks, min(WARM_MINUTES, minutes / 2))
    return {
        "minutes": minutes,
        "speed": speed,
        "realtime": realtime,
        "server_cpu": cpu,
        **ended,
        **figures,
    }


def _speak(host: Host, minutes: float, speed: float) -> tuple[list[Look], dict[str, Any]]:
    load = Load(
        SPEAKERS,
        60 * minutes / speed,
        ROOMS,
        reads=("es",),
        warm=0.0,
        cool=0.0,
        prefix="soak",
        speed=speed,
    )
    crowd = Crowd(host.url, load, seats(load), frames())
    crowd.join()
    shown = [Times() for _ in range(TENTHS)]
    begin = time.monotonic() + 0.1

    def second(now: float) -> None:
        tenth = shown[min(TENTHS - 1, int(TENTHS * (now - begin) / load.lasts))]
        for ms in crowd.tally.watched().get("shown", ()):
            tenth.add(ms)

    with _watched(host, speed) as looks:
        crowd.run(begin, second)
        skipped = exported(host.metrics).get("surtitle_skipped_hops", 0.0)
    crowd.end()
    counts = crowd.tally.counts
    return looks, {
        "speakers": SPEAKERS,
        "skipped": skipped,
        **{name: counts[name] for name in ("undrained", "finals_lost", "finals_doubled")},
        "broken": crowd.lost,
        "shown_p95": [None if it.percentiles() is None else it.percentile(95) for it in shown],
    }


@contextmanager
def _watched(host: Host, speed: float) -> Iterator[list[Look]]:
    """Looks at the server every now and then, from another thread."""
    looks: list[Look] = []
    enough, began = threading.Event(), time.monotonic()

    def watch() -> None:
        while not enough.wait(EVERY_S):
            page = exported(host.metrics)
            if not page:
                continue  # it is busy, which is looked at elsewhere
            minute = (time.monotonic() - began) * speed / 60
            captions = page.get('surtitle_captions_total{kind="transcript"}', 0.0)
            memory, server = memory_mb(host.alive()), host.alive()
            family = [server, *server.children(recursive=True)]
            files = sum(one.num_fds() for one in family)
            threads = sum(one.num_threads() for one in family)
            tasks, finals = page.get(TASKS, 0.0), counted(page, FINALS) or 0.0
            lag = buckets(page, LAG)
            looks.append(Look(minute, memory, lag, captions, files, threads, tasks, finals))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield looks
    finally:
        enough.set()
        thread.join()


async def _come_and_go(host: Host, room: str) -> None:
    """Read for a while, leave, come back: every time another language."""
    for n in range(10**6):
        reads = ["fr", "de", "it"][n % 3]
        async with Link(host.url, room, Hello("reader", [reads], [], source=True)) as link:
            try:
                async with asyncio.timeout(STAY_S):
                    async for _ in link:
                        pass
            except TimeoutError:
                pass


def _rooms() -> list[str]:
    return [f"soak-{n}" for n in range(ROOMS)]


def _figures(looks: Sequence[Look], warm: float) -> dict[str, Any]:
    third = max(1, len(looks) // 3)
    warmed = [look for look in looks if look.minute >= warm] or list(looks)
    tenth = max(1, len(warmed) // TENTHS)
    ends = {"first tenth": warmed[:tenth], "last tenth": warmed[-tenth:]}
    start = Look(0.0, 0.0, dict.fromkeys(looks[0].lag, 0.0), 0.0)
    return {
        "slope_mb_per_hour": _slope(warmed),
        "finals_mb_per_hour": FINAL_MB * 60 * looks[-1].finals / looks[-1].minute,
        **{
            name: {
                when: median(getattr(look, name) for look in some) for when, some in ends.items()
            }
            for name in SPARE
        },
        "memory_mb": {"first": looks[0].memory_mb, "last": looks[-1].memory_mb},
        "lag_p99_at_most": {
            "first third": _lag(start, looks[third - 1]),
            "last third": _lag(looks[-third - 1], looks[-1]),
        },
        "captions": looks[-1].captions,
        "looks": [
            [round(look.minute, 2), round(look.memory_mb, 2)]
            for look in looks[:: max(1, len(looks) // KEPT_LOOKS)]
        ],
    }


def _slope(looks: Sequence[Look]) -> float | None:
    """The growth of memory by least squares, in MB per simulated hour."""
    if len(looks) < 3 or looks[-1].minute - looks[0].minute < SLOPE_MINUTES:
        return None
    hours = np.array([look.minute / 60 for look in looks])
    return float(np.polyfit(hours, [look.memory_mb for look in looks], 1)[0])


def _lag(since: Look, until: Look) -> float | None:
    """The bucket in ms that the 99th percentile of the lag between two looks lies in."""
    return bucket({le: count - since.lag[le] for le, count in until.lag.items()}, 0.99)
