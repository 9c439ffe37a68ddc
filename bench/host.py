"""A server of our own on a core of its own, and what the operating system says of it."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from urllib.request import urlopen

import psutil

from clients.child import server

SAMPLE = re.compile(r"^(surtitle_\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is, and its process."""

    url: str
    metrics: str
    process: psutil.Process

    def exported(self) -> dict[str, float]:
        """All it exports: names with their labels, as Prometheus writes them."""
        with urlopen(f"{self.metrics}/metrics", timeout=10) as answer:
            page = answer.read().decode()
        return {
            f"{name}{{{labels}}}" if labels else name: float(value)
            for name, labels, value in SAMPLE.findall(page)
        }

    @property
    def memory_mb(self) -> float:
        """What is resident."""
        return float(self.process.memory_info().rss) / 1e6


class Meter:
    """How much of one core a process uses, from now on."""

    def __init__(self, process: psutil.Process) -> None:
        self.process = process
        self.since = time.monotonic(), self._seconds()

    def percent(self) -> tuple[float, float]:
        """Of one core, since it was made: its first thread, and all the others."""
        (began, before), now = self.since, self._seconds()
        percent = 100 / (time.monotonic() - began)
        return percent * (now[0] - before[0]), percent * (now[1] - before[1])

    def _seconds(self) -> tuple[float, float]:
        used = {t.id: t.user_time + t.system_time for t in self.process.threads()}
        first = used.pop(self.process.pid, 0.0)
        return first, sum(used.values())


def cores() -> tuple[int, int]:
    """One core for the server and another for those who measure it."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[0], mine[-1]


@contextmanager
def on_core(core: int, realtime: bool = False) -> Iterator[None]:
    """This process, and what it starts, on one core; `realtime`: before everything else there."""
    cores_before, policy = os.sched_getaffinity(0), os.sched_getscheduler(0)
    os.sched_setaffinity(0, {core})
    if realtime:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        if realtime:
            os.sched_setscheduler(0, policy, os.sched_param(0))
        os.sched_setaffinity(0, cores_before)


@asynccontextmanager
async def started(core: int, speed: float = 1.0, realtime: bool = False) -> AsyncIterator[Server]:
    """A server with scripted engines on one core, for as long as the block lasts."""
    before = set(psutil.Process().children())
    child = server("scripted", speed)
    with on_core(core, realtime):
        ready = await child.__aenter__()
    try:
        (process,) = set(psutil.Process().children()) - before
        yield Server(ready.url, ready.metrics, process)
    finally:
        await asyncio.shield(child.__aexit__(None, None, None))


def quantile(exported: dict[str, float], name: str, share: float) -> float | None:
    """The bucket of a histogram, in ms, that its quantile lies in: it is at most this."""
    return bucket(buckets(exported, name), share)


def buckets(exported: dict[str, float], name: str) -> dict[float, float]:
    """How many were at most so many seconds."""
    found = re.compile(rf'{name}_bucket{{le="(.*)"}}')
    matches = ((found.fullmatch(key), count) for key, count in exported.items())
    return {float(match[1]): count for match, count in matches if match}


def bucket(counts: dict[float, float], share: float) -> float | None:
    """The bound in ms below which that share of them is; None of none."""
    whole = max(counts.values(), default=0.0)
    if not whole:
        return None
    return 1000 * min(le for le, count in counts.items() if count >= share * whole)
