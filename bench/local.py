"""Models in folders: ms a sentence and a second of sound, memory, and what the event loop notices.

The tiny models are the tests' own; folders named by SURTITLE_MODELS (apart by colons) are measured
beside them. Each runs in a process of its own, so that memory is its own.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from streaming.measures import percentiles

ROOT = Path(__file__).parents[1]
FOLDERS = "SURTITLE_MODELS"
WITHIN_S = 600
TOGETHER = 4  # segments or sentences at a time while the loop is watched
WATCHED_S = 3.0
BEAT_S = 0.005


def measure(quick: bool = False) -> dict[str, Any]:
    """Every folder."""
    with tempfile.TemporaryDirectory(prefix="surtitle-tiny-") as place:
        folders = (
            [] if quick else [Path(one) for one in os.environ.get(FOLDERS, "").split(":") if one]
        )
        try:
            tiny = _tiny(Path(place))
        except ModuleNotFoundError as error:
            return {"skipped": f"{error.name} is not installed: `pip install surtitle[local]`"}
        found = {}
        for folder in [*tiny, *folders]:
            command = [sys.executable, "-m", "bench.local", str(folder)]
            done = subprocess.run(
                command, capture_output=True, text=True, cwd=ROOT, timeout=WITHIN_S, check=False
            )
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
                found[folder.name] = {"failed": last}
            else:
                found[folder.name] = json.loads(done.stdout)
    return {"folders": found}


def _tiny(place: Path) -> list[Path]:
    from tests.models.local import tiny, tiny_sherpa

    said = ["we", "would", "like", "to", "see", "the", "display", "before", "meeting", "begins"]
    words = {word: word.upper() for word in said}
    return [
        tiny.translator(place / "tiny-en-es", words),
        tiny_sherpa.recognizer(place / "tiny-zh-en", {"▁HELLO": 500.0, "你": 2000.0}),
    ]


async def _measured(folder: Path) -> dict[str, Any]:
    from models.local.trial import at_work, tried

    found = asdict(await tried(folder))
    lags: list[float] = []
    async with at_work(folder) as it:
        beat = asyncio.create_task(_watch(lags))
        until = time.monotonic() + WATCHED_S
        while time.monotonic() < until:
            await asyncio.gather(*(it.work() for _ in range(TOGETHER)))
        beat.cancel()
    return found | {"loop_lag_ms": asdict(percentiles(lags) or _nothing())}


async def _watch(lags: list[float]) -> None:
    while True:
        due = time.monotonic() + BEAT_S
        await asyncio.sleep(BEAT_S)
        lags.append(max(0.0, (time.monotonic() - due) * 1000))


def _nothing() -> Any:
    raise RuntimeError("the loop did not run once")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measured(Path(sys.argv[1])))))
