"""The crowd in processes of their own, so that nothing that is shown or thought disturbs it.

    parent → child   Task, when everybody is in: the second at which it begins
    child → parent   Joined, then a Tick a second, then a Digest; or Failed, at any time

Monotonic seconds are the same in all processes of a machine, so one start is everybody's.
"""

import asyncio
import gc
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from clients.console import Problem

from .crowd import Crowd
from .load import Load, Seat, seats, shared
from .speech import frames
from .tally import Packed
from .verdict import Bars

TICKED_AT_MOST = 300  # times of each sort that a tick carries
AGED_AT_MOST = 50  # readers whose caption age a tick looks at
STARTING_S = 60.0  # for a child to read its sound and connect
AHEAD_S = 0.3  # from the last one in to the first sample


@dataclass(frozen=True, slots=True)
class Task:
    """What one process does."""

    url: str
    load: Load
    seats: Sequence[Seat]
    protocol: str
    bars: Bars
    sound: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Joined:
    """Everybody of this process is in."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It cannot go on, in words."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Tick:
    """What one process saw in about a second; times in ms, a sample of them where there are
    many."""

    at: float
    """Seconds after the start."""
    late: float
    """Of the latest frame so far."""
    cpu: float
    """Percent of a core in this second."""
    captions: int
    sent: int
    speaking: int
    backlog: int
    stages: dict[str, list[float]]
    """Chunk-to-caption as "shown", and what it was spent on."""
    ages: list[float]


@dataclass(frozen=True, slots=True)
class Digest:
    """What one process saw in all."""

    tally: Packed
    cpu: float
    """Percent of a core, while it ran."""
    lost: list[str]


Report = Joined | Failed | Tick | Digest


def work(pipe: Connection, task: Task) -> None:
    """A child's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends us
    try:
        crowd = Crowd(task.url, task.load, task.seats, task.sound, task.protocol, task.bars)
        crowd.join()
        pipe.send(Joined())
        start = pipe.recv()
        watch = Watch(crowd, start, pipe.send)
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        crowd.run(start, watch.tick)
        cpu = watch.percent(start)
        crowd.end()
        pipe.send(Digest(crowd.tally.packed(), cpu, crowd.lost))
    except Problem as problem:
        pipe.send(Failed(str(problem)))
    except (EOFError, BrokenPipeError):
        pass  # the parent is gone: so are we


class Watch:
    """Tells the parent once a second what a crowd sees."""

    def __init__(self, crowd: Crowd, start: float, tell: Callable[[Tick], None]) -> None:
        self.crowd, self.start, self.tell = crowd, start, tell
        self._spent = self._first = time.process_time()
        self._captions = self._sent = 0
        self._before = start

    def percent(self, since: float) -> float:
        """Of a core, from the start on."""
        return 100 * (time.process_time() - self._first) / max(0.001, time.monotonic() - since)

    def tick(self, now: float) -> None:
        """A second is over."""
        crowd, spent = self.crowd, time.process_time()
        witnesses = (link.witness for link in crowd.links if link.witness is not None)
        ages = [age for it in islice(witnesses, AGED_AT_MOST) for age in it.ages(now)]
        captions = crowd.tally.counts["captions"]
        late = crowd.tally.times.get("tester.late")
        self.tell(
            Tick(
                now - self.start,
                0.0 if late is None else late.most,
                100 * (spent - self._spent) / max(0.001, now - self._before),
                captions - self._captions,
                crowd.sent - self._sent,
                sum(link.voice is not None and link.voice.frames > 0 for link in crowd.links),
                crowd.backlog,
                {name: _some(times) for name, times in crowd.tally.watched().items()},
                _some(ages),
            )
        )
        self._spent, self._before = spent, now
        self._captions, self._sent = captions, crowd.sent


def _some(times: list[float]) -> list[float]:
    step = max(1, len(times) // TICKED_AT_MOST)
    return [round(ms, 1) for ms in times[::step]]


class Crew:
    """All processes of one run. Made by `hired`."""

    def __init__(self, children: list[tuple[BaseProcess, Connection]]) -> None:
        self.children = children

    async def joined(self) -> None:
        """Wait until everybody is in. Problem: why not."""
        for process, pipe in self.children:
            async with asyncio.timeout(STARTING_S):
                await _report(process, pipe)

    def begin(self) -> float:
        """Everybody speaks; the second of the first sample."""
        start = time.monotonic() + AHEAD_S
        for _, pipe in self.children:
            pipe.send(start)
        return start

    async def reports(self) -> AsyncIterator[Tick | Digest]:
        """Everything they tell, until all are done."""
        queue: asyncio.Queue[Tick | Digest | Problem] = asyncio.Queue()

        async def listen(process: BaseProcess, pipe: Connection) -> None:
            try:
                while True:
                    report = await _report(process, pipe)
                    if isinstance(report, Tick | Digest):
                        queue.put_nowait(report)
                    if isinstance(report, Digest):
                        return
            except Problem as problem:
                queue.put_nowait(problem)

        tasks = [asyncio.create_task(listen(*child)) for child in self.children]
        try:
            left = len(tasks)
            while left:
                report = await queue.get()
                if isinstance(report, Problem):
                    raise report
                left -= isinstance(report, Digest)
                yield report
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _report(process: BaseProcess, pipe: Connection) -> Report:
    """The next one of a child. Problem, if that is what it tells, or if it has died."""
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(pipe.fileno(), there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(pipe.fileno())
    try:
        report: Report = pipe.recv()
    except (EOFError, ConnectionError):
        process.join(1)
        raise Problem(f"a process of the load tester died (exit {process.exitcode})") from None
    if isinstance(report, Failed):
        raise Problem(report.sentence)
    return report


@asynccontextmanager
async def hired(
    url: str, load: Load, protocol: str, bars: Bars, processes: int, priority: int = 0
) -> AsyncIterator[Crew]:
    """The processes, connected to nothing yet; gone when the block ends. `priority`: real-time, for
    root; 0: whatever this process has."""
    sound = await asyncio.to_thread(frames, load.audio, load.transport, load.frame_ms)
    spawn = multiprocessing.get_context("spawn")
    children: list[tuple[BaseProcess, Connection]] = []
    try:
        for part in shared(seats(load), processes):
            ours, theirs = spawn.Pipe()
            task = Task(url, load, part, protocol, bars, sound)
            process = spawn.Process(target=work, args=(theirs, task), daemon=True)
            await asyncio.to_thread(process.start)
            if priority and process.pid is not None:
                os.sched_setscheduler(process.pid, os.SCHED_FIFO, os.sched_param(priority))
            theirs.close()
            children.append((process, ours))
        yield Crew(children)
    finally:
        for _, pipe in children:
            pipe.close()
        for one, _ in children:
            await asyncio.to_thread(one.join, 1)
            if one.is_alive():
                one.kill()
                await asyncio.to_thread(one.join)


def free_cores(taken: int) -> int:
    """How many cores are there for a tester, when `taken` are somebody else's."""
    return max(1, len(os.sched_getaffinity(0)) - taken)
