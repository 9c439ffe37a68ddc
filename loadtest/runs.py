"""One run of a load against a server, from the first connection to the result; and many of them,
to find the largest that holds."""

import asyncio
import os
import platform
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import psutil

from .crew import Crew, Digest, Tick, free_cores, hired
from .host import Host, Meter, bucket, buckets, counted, exported, grown, memory_mb, quantile
from .load import Fault, Load
from .result import Moment, Result, ServerSaid, Soak, assembled, median, p95, slope
from .tally import Tally, Times, merged
from .verdict import Bars, Health, exit_code, judged

LAG = "surtitle_loop_lag_seconds"
CLOSE_ENOUGH = 1.1  # between the largest that held and the smallest that did not
TENTHS = 10


class Show(Protocol):
    """Whoever watches a run."""

    def begin(self, load: Load, host: Host) -> None:
        """Everybody is in."""

    def moment(self, moment: Moment) -> None:
        """A second is over."""

    def end(self) -> None:
        """So is all of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How runs are made, whatever their load."""

    bars: Bars = field(default_factory=Bars)
    protocol: str = "surtitle"
    processes: int = 0
    """Of the tester; 0: as many as there are cores for."""
    soak: bool = False
    languages: int | None = None
    """How many are read, of those the server has; None: those of the load, or one."""
    priority: int = 0
    """Of the tester's processes, in real time (root); 0: as of this one."""


async def measured(host: Host, load: Load, plan: Plan, show: Show) -> Result:
    """Put the load on the server. Problem if nobody is let in or a process of ours dies."""
    if plan.protocol == "surtitle":
        load = replace(load, reads=host.languages(load.hears, plan.languages, load.reads))
    own = host.process is not None
    processes = plan.processes or free_cores(1 if own else 0)
    async with hired(host.url, load, plan.protocol, plan.bars, processes, plan.priority) as crew:
        await crew.joined()
        start = crew.begin()
        show.begin(load, host)
        try:
            run = Run(host, load, plan, len(crew.children), start)
            return await run.watched(crew, show)
        finally:
            show.end()


class Run:
    """What is known of one run while it lasts."""

    def __init__(self, host: Host, load: Load, plan: Plan, processes: int, start: float) -> None:
        self.host, self.load, self.plan, self.processes = host, load, plan, processes
        self.start = start
        self.timeline: list[Moment] = []
        self.digests: list[Digest] = []
        self.cpu: tuple[float, float] | None = None
        self.pages: list[dict[str, float]] = []
        self._seconds: dict[int, list[Tick]] = {}
        self._tenths = [(Times(), Times()) for _ in range(TENTHS)]
        self._meter = Meter(host.process) if host.process is not None else None

    async def watched(self, crew: Crew, show: Show) -> Result:
        """Everything until the last final."""
        asides = [asyncio.create_task(self._counted())]
        asides += [asyncio.create_task(self._disturb(fault)) for fault in self.load.faults]
        try:
            async for report in crew.reports():
                if isinstance(report, Digest):
                    self.digests.append(report)
                elif (moment := self._moment(report)) is not None:
                    self.timeline.append(moment)
                    show.moment(moment)
            await asyncio.gather(*asides)
        finally:
            for aside in asides:
                aside.cancel()
        return self._result()

    async def _until(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, self.start + seconds - time.monotonic()))

    async def _counted(self) -> None:
        """Look at the server where the counted time begins and ends; in a soak after its first
        tenth and before its last, too. Looking costs the server time, so no more than that."""
        begin, end = self.load.counted
        tenth = (end - begin) / TENTHS
        await self._until(begin)
        await self._page()
        meter = Meter(self.host.process) if self._runs() else None
        for moment in (begin + tenth, end - tenth) if self.plan.soak else ():
            await self._until(moment)
            await self._page()
        await self._until(end)
        if meter is not None and meter.process == self.host.process:
            with suppress(psutil.Error):
                self.cpu = meter.percent()
        await self._page()

    async def _page(self) -> None:
        if self.host.metrics:
            self.pages.append(await asyncio.to_thread(exported, self.host.metrics))

    def _runs(self) -> bool:
        return self.host.process is not None and self.host.process.is_running()

    async def _disturb(self, fault: Fault) -> None:
        """A fault of the server; those of links are the crowd's."""
        if fault.kind == "loss":
            return
        await self._until(fault.at)
        if fault.kind == "kill":
            assert self.host.restart is not None
            await self.host.restart(self.host)
            return
        process = self.host.alive()
        process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(fault.lasts)
        finally:
            process.send_signal(signal.SIGCONT)

    def _moment(self, tick: Tick) -> Moment | None:
        """A second as all processes saw it, once the last of them has told."""
        ticks = self._seconds.setdefault(round(tick.at), [])
        ticks.append(tick)
        if len(ticks) < self.processes:
            return None
        del self._seconds[round(tick.at)]
        stages: dict[str, list[float]] = {}
        for one in ticks:
            for name, times in one.stages.items():
                stages.setdefault(name, []).extend(times)
        shown = stages.pop("shown", [])
        ages = [age for one in ticks for age in one.ages]
        self._tenth(tick.at, shown, ages)
        cpu, memory = self._server()
        medians = {name: median(times) for name, times in stages.items()}
        return Moment(
            round(tick.at, 2),
            sum(one.speaking for one in ticks),
            sum(one.captions for one in ticks),
            median(shown),
            p95(shown),
            p95(ages),
            round(max(one.late for one in ticks), 2),
            round(max(one.cpu for one in ticks), 1),
            sum(one.backlog for one in ticks),
            cpu,
            memory,
            {name: ms for name, ms in medians.items() if ms is not None},
        )

    def _tenth(self, at: float, shown: Sequence[float], ages: Sequence[float]) -> None:
        begin, end = self.load.counted
        if begin <= at < end:
            times, aged = self._tenths[int(TENTHS * (at - begin) / (end - begin))]
            for ms in shown:
                times.add(ms)
            for ms in ages:
                aged.add(ms)

    def _server(self) -> tuple[float | None, float | None]:
        """CPU in the last second and memory of a server of our own."""
        process = self.host.process
        try:
            if process is None or self._meter is None:
                return None, None
            if self._meter.process != process:  # it was killed and started again
                self._meter = Meter(process)
                return None, None
            cpu, self._meter = sum(self._meter.percent()), Meter(process)
            return round(cpu, 1), round(memory_mb(process), 1)
        except psutil.Error:
            return None, None

    def _result(self) -> Result:
        tally = merged(digest.tally for digest in self.digests)
        tester = self._tester(tally)
        verdicts = judged(tally, self.plan.bars, tester, bool(self.load.faults))
        return assembled(
            self.load,
            self.plan.bars,
            tally,
            verdicts,
            tester,
            server=self.host.engine or self.host.url,
            protocol=self.plan.protocol,
            machine=machine(),
            said=self._said(),
            timeline=self.timeline,
            broken=[why for digest in self.digests for why in digest.lost],
            soak=self._soaked() if self.plan.soak else None,
        )

    def _tester(self, tally: Tally) -> Health:
        late, away = tally["tester.late"], tally["tester.away"]
        return Health(
            late.percentile(99),
            late.most,
            round(max(digest.cpu for digest in self.digests), 1),
            self.processes,
            away.percentile(99),
        )

    def _said(self) -> ServerSaid:
        memory = [it.memory_mb for it in self.timeline if it.memory_mb is not None]
        page = grown(self.pages[0], self.pages[-1]) if len(self.pages) > 1 else {}
        hypothesis = "surtitle_hypothesis_tokens_total"
        return ServerSaid(
            None if self.cpu is None else round(sum(self.cpu), 1),
            None if self.cpu is None else round(self.cpu[0], 1),
            memory[-1] if memory else None,
            counted(page, "surtitle_skipped_hops"),
            quantile(page, LAG, 0.99),
            counted(page, hypothesis, 'outcome="offered"'),
            counted(page, hypothesis, 'outcome="accepted"'),
        )

    def _soaked(self) -> Soak:
        begin, end = self.load.counted
        inside = [moment for moment in self.timeline if begin <= moment.at < end]
        (first, young), (last, old) = self._tenths[0], self._tenths[-1]
        lags: list[float | None] = [None, None]
        if len(self.pages) == 4:
            lags = [
                bucket(buckets(grown(*self.pages[place : place + 2]), LAG), 0.99)
                for place in (0, 2)
            ]
        return Soak(
            slope((moment.at, moment.memory_mb) for moment in inside),
            slope((moment.at, moment.age_p95) for moment in inside),
            (_p95(first), _p95(last)),
            (_p95(young), _p95(old)),
            (lags[0], lags[1]),
        )


def _p95(times: Times) -> float | None:
    found = times.percentiles()
    return None if found is None else round(found.p95, 2)


def machine() -> dict[str, str | int | float | None]:
    """What it ran on: enough to compare two results, nothing that says whose it is."""
    lines: list[str] = []
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return {
        "cpu": next(names, platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


Served = Callable[[Load], AbstractAsyncContextManager[Host]]
"""A server that such a load can be put on."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to."""

    held: Result | None
    """Of the most speakers that held; None: not even one did."""
    broke: Result
    """Of the fewest that did not, or of which nothing could be told."""

    @property
    def sure(self) -> bool:
        """The server was the limit, and not the tester."""
        return exit_code(self.broke.verdicts) == 1


async def capacity(served: Served, load: Load, plan: Plan, show: Show, tell: Tell) -> Found:
    """The largest number of speakers that holds. Every run has a server of its own, if there is
    one."""

    async def tried(speakers: int) -> Result:
        sized = replace(load, speakers=speakers)
        async with served(sized) as host:
            result = await measured(host, sized, plan, show)
        word = ("held", "did not hold", "cannot be told")[exit_code(result.verdicts)]
        broke = [it.sentence for it in result.verdicts if it.judgement != "met"]
        tell(f"{speakers} speakers: {word}" + (f" ({'; '.join(broke)})" if broke else ""))
        return result

    return await searched(load.speakers, tried)


async def searched(first: int, tried: Callable[[int], Awaitable[Result]]) -> Found:
    """Doubled until it does not hold, then halved in between; `tried` makes the runs."""
    held: Result | None = None
    broke: Result | None = None
    low, high, at = 0, 0, first
    while broke is None or (high - low > 1 and high > low * CLOSE_ENOUGH):
        result = await tried(at)
        if exit_code(result.verdicts):
            high, broke = at, result
        else:
            low, held = at, result
        at = (low + high) // 2 if high else 2 * at
    return Found(held, broke)
