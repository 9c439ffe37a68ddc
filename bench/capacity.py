"""Is the capacity model right? The number of speakers it predicts, and what really happens there.

A card so small that this machine's server is not the limit: 60 ms to recognize, 4 ms a
verification pass, a few at once. `loadtest.plan` says how many speakers it carries within the
budget; the same card, simulated behind the real server (`bench.simulated`), is then put under that
load by `surtitle loadtest`, and under a tenth less and a tenth more. If the model is right to 10 %,
less holds and more does not.

What people say when is known: the conversation, through the real detector and segmenter.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from loadtest.host import cores, on_cores, ours, room_for
from loadtest.load import Load
from loadtest.plan.conversation import simulated
from loadtest.plan.queueing import Outcome, Said, Setting, Speech
from loadtest.plan.times import TABLE, Pass, Times, Way, read
from loadtest.result import Result
from loadtest.runs import Plan, measured
from loadtest.script import CONVERSATION
from loadtest.speech import mixed
from loadtest.verdict import Bars
from models.detectors.silero import Silero
from streaming.segmenter import Segmenter
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE, WINDOW

from .server_added import Unseen
from .simulated import CARD
from .simulated import TABLE as TABLE_NAME

BUDGET_MS = 300.0  # chunk to caption of translations, p95
WITHIN = 0.1  # of the number of speakers
FRAME_MS = 100
WARM_S = 5.0
SMALL = "small"
SMALL_CARD = [
    Pass("recognition", SMALL, "simulated", [(1, 60.0), (8, 81.0)], [1], 0.15, "estimated", ""),
    Pass("translation", SMALL, "simulated", [(1, 4.0), (16, 10.0)], [1, 2, 3, 4], 0.15,
         "estimated", ""),
]  # fmt: skip
SAMPLES = 40_000


def measure(seconds: float = 40.0, realtime: bool = False) -> dict[str, Any]:
    """The prediction, and real runs around it."""
    times = table()
    predicted = most(times)
    tried = [
        (name, max(1, round(predicted * factor)))
        for name, factor in (
            ("a tenth less", 1 - WITHIN),
            ("there", 1),
            ("a tenth more", 1 + WITHIN),
        )
    ]
    points = [
        {"name": name, "speakers": count, **compared(times, count, seconds, realtime)}
        for name, count in tried
    ]
    return {
        "seconds": seconds,
        "realtime": realtime,
        "budget_ms": BUDGET_MS,
        "card": msgspec.to_builtins(SMALL_CARD),
        "updates_an_hour": round(speech().an_hour),
        "predicted": predicted,
        "found": crossing([(point["speakers"], _p95(point, "real")) for point in points]),
        "points": points,
    }


def table() -> Times:
    """The small card, in our own table; nothing is far away, and nothing is drawn."""
    known = read(TABLE)
    way = Way(FRAME_MS, 0, 0, "measured", "loopback")
    return replace_(known, passes=SMALL_CARD, way=way)


def replace_(times: Times, **changes: Any) -> Times:
    return msgspec.structs.replace(times, **changes)


@cache
def speech() -> Speech:
    """The updates of the conversation, as the server's detector and segmenter cut it."""
    sound, detector, segmenter = mixed(CONVERSATION), Silero(), Segmenter()
    ear, size = detector.ear(), WINDOW * BYTES_PER_SAMPLE
    windows = [sound[at : at + size] for at in range(0, len(sound) - size + 1, size)]
    likely = [p for window in windows for p in detector.probabilities([(ear, window)])]
    said = [
        Said(1000 * segment.end / SAMPLE_RATE, segment.id, segment.final)
        for n, p in enumerate(likely)
        for segment in segmenter.push(n * WINDOW, (n + 1) * WINDOW, p)
    ]
    return Speech(tuple(said), 1000 * len(sound) / BYTES_PER_SAMPLE / SAMPLE_RATE)


def outcome(times: Times, speakers: int) -> Outcome:
    """What the model says of so many."""
    return simulated(times, SMALL, Setting(speakers, 1, 1, 1, speech=speech(), samples=SAMPLES))


def most(times: Times) -> int:
    """The most speakers within the budget, by the model."""

    def holds(speakers: int) -> bool:
        found = outcome(times, speakers).translations
        return found is not None and found.p95 < BUDGET_MS

    low, high = 0, 8
    while holds(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def compared(times: Times, speakers: int, seconds: float, realtime: bool) -> dict[str, Any]:
    """The model's figures beside those of a real run."""
    said = outcome(times, speakers)
    result = asyncio.run(_run(times, speakers, seconds, realtime))
    counts, tester = result.counts, result.tester
    return {
        "model": {
            "transcripts": _quantiles(said.transcripts),
            "translations": _quantiles(said.translations),
            "recognizing": _quantiles(said.recognizing),
            "translating": _quantiles(said.translating),
            "skipped": round(said.skipped, 4),
        },
        "real": {
            "transcripts": _quantiles(result.time("chunk_to_caption.transcript")),
            "translations": _quantiles(result.time("chunk_to_caption.translation")),
            "recognizing": _quantiles(result.time("stage.recognize")),
            "translating": _quantiles(result.time("stage.translate")),
            "server_added": _quantiles(result.time("server_added")),
            "skipped": result.said.skipped,
        },
        "server_cpu": result.said.cpu,
        "tester": {"late_p99": tester.late_p99, "cpu": tester.cpu},
        "finals_lost": counts.get("finals_lost", 0),
        "finals_doubled": counts.get("finals_doubled", 0),
    }


async def _run(times: Times, speakers: int, seconds: float, realtime: bool) -> Result:
    asked = Load(
        speakers, seconds, reads=("es",), warm=WARM_S, frame_ms=FRAME_MS, prefix="capacity"
    )
    tester, core = cores()
    with TemporaryDirectory() as folder, on_cores(tester, realtime):
        path = Path(folder) / "times.json"
        path.write_bytes(msgspec.json.encode(times))
        os.environ |= {TABLE_NAME: str(path), CARD: SMALL}
        command = (sys.executable, "-m", "bench.simulated")
        most = room_for(speakers, speakers, speakers)
        async with ours("scripted", core, realtime=realtime, options=most, command=command) as host:
            return await measured(host, asked, Plan(Bars(BUDGET_MS), processes=1), Unseen())


def crossing(found: Sequence[tuple[int, float]]) -> float | None:
    """Where p95 reaches the budget, on the line from the last number of speakers that holds to the
    next; None if it does not reach it."""
    for (low, before), (high, after) in pairwise(sorted(found)):
        if before < BUDGET_MS <= after:
            return round(low + (high - low) * (BUDGET_MS - before) / (after - before), 1)
    return None


def _p95(point: dict[str, Any], whose: str) -> float:
    found = point[whose]["translations"]
    return float(found["p95"]) if found else float("inf")


def _quantiles(found: Any) -> dict[str, float] | None:
    if found is None:
        return None
    return {name: round(getattr(found, name), 1) for name in ("count", "p50", "p90", "p95", "p99")}


if __name__ == "__main__":
    import json

    print(json.dumps(measure(realtime="--realtime" in sys.argv), indent=1))
