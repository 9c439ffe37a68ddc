"""What the server itself adds: from a frame's due time to the caption of its newest sample.

Scripted engines take no time and silero decides what is speech, so all of it is the server's: the
socket, the windows, the detector, the machines, the caption, the socket. The server has one core,
those who speak and read have another.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loadtest import load
from loadtest.host import cores, on_cores, ours, room_for
from loadtest.result import Figure, Moment, Result
from loadtest.runs import Plan, measured
from loadtest.verdict import Bars

BARS_MS = {100: 10.0, 200: 10.0, 300: 10.0, 500: 25.0}  # p99, by speakers, on one core
WARM_S = 5.0  # first segments, first languages, Python's own caches
SLOW_MS = 2.0  # a tester later than this (p99) is no witness
STAGES = ("capture", "send", "transport", "detect", "recognize", "translate", "queue")


@dataclass(frozen=True, slots=True)
class Load:
    """How many speak, and how many of them share a room; each reads a translation too."""

    speakers: int
    together: int = 1
    frame_ms: int = 100

    @property
    def name(self) -> str:
        rooms = f" in rooms of {self.together}" if self.together > 1 else ""
        frames = "" if self.frame_ms == 100 else f" in frames of {self.frame_ms} ms"
        return f"{self.speakers} speaker{'s' * (self.speakers > 1)}{rooms}{frames}"

    @property
    def rooms(self) -> int:
        return -(-self.speakers // self.together)


LOADS = (
    *map(Load, (1, 50, 100, 200, 300, 500)),
    Load(100, together=10),
    Load(200, frame_ms=20),
)
QUICK = (Load(1), Load(100))


def measure(
    loads: Sequence[Load] = LOADS, seconds: float = 20.0, realtime: bool = False
) -> dict[str, Any]:
    """The figures of every load, each with a server of its own."""
    points = [asyncio.run(_point(it, seconds, realtime)) for it in loads]
    return {"seconds": seconds, "realtime": realtime, "points": points}


async def _point(it: Load, seconds: float, realtime: bool) -> dict[str, Any]:
    asked = load.Load(
        it.speakers,
        seconds,
        it.rooms,
        reads=("es",),
        warm=WARM_S,
        frame_ms=it.frame_ms,
        prefix="bench",
    )
    tester, core = cores()
    with on_cores(tester, realtime):
        most = room_for(it.speakers, it.rooms, it.speakers)
        async with ours("scripted", core, realtime=realtime, options=most) as host:
            result = await measured(host, asked, Plan(Bars(), processes=1), Unseen())
    return {"load": it.name, **asdict(it), **_figures(result)}


class Unseen:
    """Nobody watches: that would cost time."""

    def begin(self, load: load.Load, host: object) -> None: ...

    def moment(self, moment: Moment) -> None: ...

    def end(self) -> None: ...


def _figures(result: Result) -> dict[str, Any]:
    """What the captions and their times say."""
    said, tester, had = result.said, result.tester, result.counts
    return {
        "server_cpu": said.cpu,
        "loop_cpu": said.loop_cpu,  # its first thread: all but the detector
        "tester_cpu": tester.cpu,
        "loop_lag_p99_at_most": said.lag_p99_at_most,
        "skipped": said.skipped,
        "latency": _plain(result.time("answer")),
        "without_engines": _plain(result.time("server_added")),
        "kinds": {
            kind: _plain(result.time(f"server_added.{kind}"))
            for kind in ("transcript", "translation")
        },
        "stages": {stage: _plain(result.time(f"stage.{stage}")) for stage in STAGES},
        "tester_late": {"p99": tester.late_p99, "max": tester.late_max},
        "tester_slow": tester.slow(SLOW_MS),
        "finals": had.get("finals", 0) + had.get("withdrawn", 0),
        "finals_lost": had.get("finals_lost", 0),
        "finals_doubled": had.get("finals_doubled", 0),
        "undrained": had.get("undrained", 0),
    }


def _plain(figure: Figure | None) -> dict[str, float] | None:
    if figure is None:
        return None
    return {name: getattr(figure, name) for name in ("count", "p50", "p90", "p95", "p99", "max")}


if __name__ == "__main__":
    import json
    import sys

    realtime = "--realtime" in sys.argv
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    loads = [Load(n) for n in numbers] or LOADS
    print(json.dumps(measure(loads, realtime=realtime), indent=1))
