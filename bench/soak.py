"""Half an hour of a conversation that never pauses: memory and the event loop stay as they were.

The server's clock runs `speed` times faster than the world's, so that half an hour takes minutes:
speech, timers and pauses all do. Speakers pair up in rooms, each reads a translation of both; a
reader in every room comes and goes, as readers do.
"""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
    exported,
    memory_mb,
    on_cores,
    ours,
)
from loadtest.load import Load, seats
from loadtest.speech import frames
from streaming.messages import Hello

MINUTES = 30.0  # simulated
SPEED = 10.0
SPEAKERS = 4
ROOMS = 2
WARM_MINUTES = 6.0  # caches, heaps and the first rooms; the slope begins here
EVERY_S = 1.0  # real seconds between two looks
STAY_S = 5.0  # real seconds that a reader stays
GROWTH_MB = 10.0  # an hour: captions that are kept for late joiners, and no more
LAG = "surtitle_loop_lag_seconds"


@dataclass(frozen=True, slots=True)
class Look:
    """The server at one moment."""

    minute: float
    """Of the simulated time."""
    memory_mb: float
    lag: Mapping[float, float]
    """The event loop's lag so far, as the buckets of a histogram."""
    captions: float


def measure(minutes: float = MINUTES, speed: float = SPEED) -> dict[str, Any]:
    """Memory's slope and the loop's lag over so many simulated minutes."""
    return asyncio.run(_measure(minutes, speed))


async def _measure(minutes: float, speed: float) -> dict[str, Any]:
    tester, core = cores()
    with on_cores(tester):
        async with ours("scripted", core, speed) as host:
            readers = [asyncio.create_task(_come_and_go(host, room)) for room in _rooms()]
            meter = Meter(host.alive())
            try:
                looks, ended = await asyncio.to_thread(_speak, host, minutes, speed)
            finally:
                for reader in readers:
                    reader.cancel()
                await asyncio.gather(*readers, return_exceptions=True)
            cpu = sum(meter.percent())
    figures = _figures(looks, min(WARM_MINUTES, minutes / 3))
    return {"minutes": minutes, "speed": speed, "server_cpu": cpu, **ended, **figures}


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
    with _watched(host, speed) as looks:
        crowd.run(time.monotonic() + 0.1)
        skipped = exported(host.metrics)["surtitle_skipped_hops"]
    crowd.end()
    return looks, {
        "speakers": SPEAKERS,
        "skipped": skipped,
        "undrained": crowd.tally.counts["undrained"],
    }


@contextmanager
def _watched(host: Host, speed: float) -> Iterator[list[Look]]:
    """Looks at the server every now and then, from another thread."""
    looks: list[Look] = []
    enough, began = threading.Event(), time.monotonic()

    def watch() -> None:
        while not enough.wait(EVERY_S):
            page = exported(host.metrics)
            minute = (time.monotonic() - began) * speed / 60
            captions = page.get('surtitle_captions_total{kind="transcript"}', 0.0)
            looks.append(Look(minute, memory_mb(host.alive()), buckets(page, LAG), captions))

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
    start = Look(0.0, 0.0, dict.fromkeys(looks[0].lag, 0.0), 0.0)
    return {
        "slope_mb_per_hour": _slope([look for look in looks if look.minute >= warm]),
        "memory_mb": {"first": looks[0].memory_mb, "last": looks[-1].memory_mb},
        "lag_p99_at_most": {
            "first third": _lag(start, looks[third - 1]),
            "last third": _lag(looks[-third - 1], looks[-1]),
        },
        "captions": looks[-1].captions,
        "looks": [[round(look.minute, 2), round(look.memory_mb, 2)] for look in looks],
    }


def _slope(looks: Sequence[Look]) -> float | None:
    """The growth of memory by least squares, in MB per simulated hour."""
    if len(looks) < 3:
        return None
    hours = np.array([look.minute / 60 for look in looks])
    return float(np.polyfit(hours, [look.memory_mb for look in looks], 1)[0])


def _lag(since: Look, until: Look) -> float | None:
    """The bucket in ms that the 99th percentile of the lag between two looks lies in."""
    return bucket({le: count - since.lag[le] for le, count in until.lag.items()}, 0.99)


if __name__ == "__main__":
    import json

    print(json.dumps(measure(), indent=1))
