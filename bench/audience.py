"""One speaker read by a thousand people in ten languages, and what that costs the other speakers.

The figures are those of `server_added`: scripted engines that take no time, from when a frame is
due to when its caption has been received. Others speak on the same event loop, first alone and
then beside the audience. The server has one core, those who speak and read have another.
"""

import asyncio
from dataclasses import replace
from typing import Any

from loadtest.host import Host, cores, on_cores, ours, room_for
from loadtest.load import Load
from loadtest.result import Figure, Result
from loadtest.runs import Plan, measured
from loadtest.verdict import Bars

from .server_added import WARM_S, Unseen

BAR_MS = 25.0  # p99 of what the audience receives
HURT_MS = 10.0  # p99 of the others, as without it
BYTES_MB = 6.6  # an hour and reader: WhisperLiveKit's differences at five updates a second
READERS, OTHERS = 1_000, 50
TONGUES = ("es", "fr", "de", "it", "pt", "zh", "ja", "ko", "ru", "ar")


def measure(
    readers: int = READERS, others: int = OTHERS, seconds: float = 20.0, realtime: bool = False
) -> dict[str, Any]:
    """The others alone, the audience alone, and both at once, each with a server of its own."""
    asked = {
        "audience": Load(1, seconds, 1, readers, reads=TONGUES, warm=WARM_S, prefix="stage"),
        "others": Load(others, seconds, others, reads=("es",), warm=WARM_S, prefix="bench"),
    }
    found: dict[str, Any] = {"readers": readers, "languages": len(TONGUES), "speakers": others}
    for names in (["others"], ["audience"], ["audience", "others"]):
        results = asyncio.run(_together([asked[name] for name in names], realtime))
        for name, result in zip(names, results, strict=True):
            found[name if len(names) == 1 else f"{name}, both"] = _figures(result)
    return found | {"seconds": seconds, "realtime": realtime}


async def _together(loads: list[Load], realtime: bool) -> list[Result]:
    """These loads at once on one server."""
    speakers = sum(load.speakers for load in loads)
    people = speakers + sum(load.readers for load in loads)
    tester, core = cores()
    with on_cores(tester, realtime):
        most = room_for(speakers, speakers, people)
        async with ours("scripted", core, realtime=realtime, options=most) as host:
            ranks = range(1, len(loads) + 1) if realtime else [0] * len(loads)
            return await asyncio.gather(*map(_alone, [host] * len(loads), loads, ranks))


async def _alone(host: Host, load: Load, priority: int) -> Result:
    """One load. Where two share the tester's core, the second goes first: a thousand readers who
    are read to for a moment longer must not look like a server that answers others late."""
    plan = Plan(Bars(), processes=1, priority=priority)
    return await measured(replace(host), load, plan, Unseen())


def _figures(result: Result) -> dict[str, Any]:
    had = result.counts
    return {
        "received": _plain(result.time("answer")),
        "server_cpu": result.said.cpu,
        "tester_late": {"p99": result.tester.late_p99, "max": result.tester.late_max},
        "mb_per_reader_hour": _mb(result.bytes_per_reader_hour),
        "captions_mb_per_reader_hour": _mb(result.caption_bytes_per_reader_hour),
        "finals_lost": had.get("finals_lost", 0),
        "finals_doubled": had.get("finals_doubled", 0),
    }


def _mb(count: float | None) -> float | None:
    return None if count is None else round(count / 1e6, 2)


def _plain(figure: Figure | None) -> dict[str, float] | None:
    if figure is None:
        return None
    return {name: getattr(figure, name) for name in ("count", "p50", "p90", "p95", "p99", "max")}
