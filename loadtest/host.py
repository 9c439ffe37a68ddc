"""The server under load: one of our own, or somebody's; what it says of itself, and what the
operating system says of it."""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import psutil

from clients import child
from clients.console import Problem
from clients.link import Link
from streaming.messages import Hello

SAMPLE = re.compile(r"^(surtitle_\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
METRICS = "http://127.0.0.1:8766"  # where `surtitle serve` has it, for its own machine only
LETS_IN = {"rooms": 100, "speakers": 200, "readers": 2000}  # without being told more
REAPED_S = 0.02  # between two looks whether a killed server is gone
LOOK_S = 3.0  # for an answer of /metrics


def exported(metrics: str) -> dict[str, float]:
    """All that a server exports: names with their labels, as Prometheus writes them; nothing if it
    cannot be reached."""
    try:
        with urlopen(f"{metrics}/metrics", timeout=LOOK_S) as answer:
            page = answer.read().decode()
    except (URLError, OSError, ValueError):
        return {}
    return {
        f"{name}{{{labels}}}" if labels else name: float(value)
        for name, labels, value in SAMPLE.findall(page)
    }


def grown(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What was counted between two looks; since its start, if the server started in between."""
    again = any(value < before.get(name, 0.0) for name, value in after.items() if counts(name))
    return {
        name: value - (0.0 if again else before.get(name, 0.0)) for name, value in after.items()
    }


def counts(name: str) -> bool:
    """Whether such a figure only ever grows."""
    return name.partition("{")[0].endswith(("_total", "_bucket", "_count"))


def counted(page: Mapping[str, float], name: str, label: str = "") -> float | None:
    """A counter, summed over its other labels; None if the server has none of that name."""
    found = [
        value
        for key, value in page.items()
        if key.partition("{")[0] == name and (not label or label in key)
    ]
    return sum(found) if found else None


def buckets(page: Mapping[str, float], name: str) -> dict[float, float]:
    """A histogram: how many were at most so many seconds."""
    found = re.compile(rf'{name}_bucket{{le="(.*)"}}')
    matches = ((found.fullmatch(key), count) for key, count in page.items())
    return {float(match[1]): count for match, count in matches if match}


def bucket(counts: Mapping[float, float], share: float) -> float | None:
    """The bound in ms below which that share of them is; None of none."""
    whole = max(counts.values(), default=0.0)
    if not whole:
        return None
    return 1000 * min(le for le, count in counts.items() if count >= share * whole)


def quantile(page: Mapping[str, float], name: str, share: float) -> float | None:
    """The bucket of a histogram, in ms, that its quantile lies in: it is at most this."""
    return bucket(buckets(page, name), share)


class Meter:
    """How much of one core a process and its children use, from now on."""

    def __init__(self, process: psutil.Process) -> None:
        self.process = process
        self.since = time.monotonic(), self._seconds()

    def percent(self) -> tuple[float, float]:
        """Of one core, since it was made: its first thread, and all the others."""
        (began, before), now = self.since, self._seconds()
        percent = 100 / max(0.001, time.monotonic() - began)
        return percent * (now[0] - before[0]), percent * (now[1] - before[1])

    def _seconds(self) -> tuple[float, float]:
        used = {t.id: t.user_time + t.system_time for t in self.process.threads()}
        first = used.pop(self.process.pid, 0.0)
        return first, sum(used.values()) + sum(map(_spent, self.process.children(recursive=True)))


def _spent(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def memory_mb(process: psutil.Process) -> float:
    """What is resident of it and its children."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_info().rss / 1e6
        except psutil.Error:
            continue
    return total


@dataclass
class Host:
    """A server that a load can be put on."""

    url: str
    metrics: str = ""
    pairs: list[tuple[str, str, str]] = field(default_factory=list)
    engine: str = ""
    process: psutil.Process | None = None
    """Of a server of our own."""
    restart: "Restart | None" = None

    def languages(self, hears: str, wanted: int | None, named: Collection[str]) -> tuple[str, ...]:
        """Those that are named, or so many that what is heard is translated to (None: one, if there
        are any). Problem: it has fewer, or others."""
        found = [target for source, target, _ in self.pairs if source == hears]
        found.sort(key=lambda code: (code != "es", code))  # the one everybody has comes first
        has = f"only to {', '.join(found)}" if found else "to no language"
        if missing := [code for code in named if code not in found]:
            raise Problem(
                f"the server at {self.url} does not translate {hears} to {missing[0]}, {has}"
            )
        if wanted is not None and len(found) < wanted:
            raise Problem(
                f"the server at {self.url} translates {hears} {has}: ask for fewer languages"
            )
        return tuple(named) or tuple(found[: 1 if wanted is None else wanted])

    def alive(self) -> psutil.Process:
        """The process of a server of our own."""
        assert self.process is not None, "not a server of ours"
        return self.process


async def theirs(url: str, metrics: str, room: str, token: str | None = None) -> Host:
    """A server that is there already. Problem, in words, if there is none, or of another kind."""
    async with Link(url, room, Hello("load tester", [], [], audio=None, token=token)) as link:
        pairs = link.welcome.pairs
    host = urlsplit(url if "://" in url else f"http://{url}").hostname or ""
    if not metrics and (host == "localhost" or host.startswith("127.")):
        metrics = METRICS
    if metrics and not await asyncio.to_thread(exported, metrics):
        metrics = ""
    return Host(url, metrics, pairs)


class Restart:
    """Kills a server of our own as a crash does, and starts it again at the same address."""

    def __init__(self, stack: AsyncExitStack, start: "Start") -> None:
        self.stack, self.start = stack, start

    async def __call__(self, host: Host) -> None:
        killed = host.alive()
        killed.send_signal(signal.SIGKILL)
        while psutil.pid_exists(killed.pid):  # asyncio, whose child it is, waits for it
            await asyncio.sleep(REAPED_S)
        port = "--port", f"{urlsplit(host.url).port}"
        again = replace(self.start, options=(*self.start.options, *port))
        ready, process = await _started(self.stack, again)
        host.metrics, host.process = ready.metrics, process


@dataclass(frozen=True, slots=True)
class Start:
    """How a server of our own is started."""

    engine: str
    speed: float
    options: tuple[str, ...]
    command: tuple[str, ...] | None
    """Instead of `surtitle serve`: something that takes the same options."""


async def _started(stack: AsyncExitStack, start: Start) -> tuple[child.Ready, psutil.Process]:
    """A server for as long as the stack lasts, and its process."""
    before = set(psutil.Process().children())
    made = child.server(start.engine, start.speed, start.options, start.command)
    ready = await stack.enter_async_context(made)
    born = set(psutil.Process().children()) - before
    process = next(it for it in born if "--ready-fd" in it.cmdline())
    return ready, process


@asynccontextmanager
async def ours(
    engine: str,
    cores: Collection[int] | None = None,
    speed: float = 1.0,
    realtime: bool = False,
    options: tuple[str, ...] = (),
    command: tuple[str, ...] | None = None,
) -> AsyncIterator[Host]:
    """A server of our own for as long as the block lasts; on these cores, if they are named.
    `options`: more of `surtitle serve`; `command`: instead of that, with the same options."""
    start = Start(engine, speed, options, command)
    async with AsyncExitStack() as stack:
        with on_cores(cores, realtime):
            ready, process = await _started(stack, start)
        restart = Restart(stack, start)
        yield Host(ready.url, ready.metrics, ready.pairs, engine, process, restart)


def room_for(speakers: int, rooms: int, people: int) -> tuple[str, ...]:
    """What a server has to be told so that it lets in more than it would by itself."""
    wanted = {"rooms": rooms, "speakers": speakers, "readers": people}
    return tuple(
        word
        for name, number in wanted.items()
        if number > LETS_IN[name]
        for word in (f"--max-{name}", f"{number}")
    )


def cores() -> tuple[set[int], set[int]]:
    """For those who measure, and one for the server: all others, if there are any."""
    first, *others = sorted(os.sched_getaffinity(0))
    return set(others) or {first}, {first}


@contextmanager
def on_cores(cores: Collection[int] | None, realtime: bool = False) -> Iterator[None]:
    """This process, and what it starts, on these cores (None: where it is); `realtime`: before
    everything else there."""
    before = os.sched_getaffinity(0)
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    if cores is not None:
        os.sched_setaffinity(0, cores)
    if realtime:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        if realtime:
            os.sched_setscheduler(0, policy, priority)
        os.sched_setaffinity(0, before)
