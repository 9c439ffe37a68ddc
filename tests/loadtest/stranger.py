"""A client written from docs/protocol.md alone, with a stopwatch: it knows nothing of our code.

What it measures stands beside what `surtitle loadtest` measures: a figure counts when both agree.

    python tests/loadtest/stranger.py ws://127.0.0.1:8765/v1/rooms/measured SOUND.wav 30

SOUND.wav is 16 kHz, 16 bit, mono. Add a language to read its translation, too.
"""

import asyncio
import json
import math
import sys
import time
import wave
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

RATE = 16_000
LOOK_S = 0.05


class Stranger:
    """Speaks, reads its own words back, and notes when they came."""

    def __init__(self, frame_ms: int = 20) -> None:
        self.frame_s, self.samples = frame_ms / 1000, RATE * frame_ms // 1000
        self.began = 0.0
        self.came: list[tuple[float, dict[str, Any], bool]] = []
        """When, the caption, and whether it changed what is seen."""

    def captured(self, position: int) -> float:
        """The second at which the sample there was."""
        return self.began + position / RATE

    async def speak(
        self, url: str, sound: bytes, seconds: float, reads: Sequence[str] = ()
    ) -> None:
        """Say it over and over for so long, and read on until the last final."""
        hello = {
            "type": "hello",
            "name": "stranger",
            "hears": ["en"],
            "reads": list(reads),
            "source": True,
            "audio": {"codec": "pcm16", "rate": RATE},
        }
        async with connect(url, subprotocols=[Subprotocol("surtitle.v1")], compression=None) as ws:
            await ws.send(json.dumps(hello))
            welcome = json.loads(await ws.recv())
            assert welcome["type"] == "welcome" and welcome["audio_at"] == 0, welcome
            reading = asyncio.create_task(self._read(ws, welcome["participant"]))
            self.began = time.monotonic()
            for n in range(int(seconds / self.frame_s)):
                await asyncio.sleep(self.began + (n + 1) * self.frame_s - time.monotonic())
                at = n * self.samples * 2 % len(sound)
                await ws.send((sound + sound)[at : at + self.samples * 2])
            await ws.send('{"type": "end"}')
            await reading

    async def _read(self, ws: ClientConnection, me: str) -> None:
        seen: dict[tuple[Any, ...], str] = {}
        async for frame in ws:
            now, message = time.monotonic(), json.loads(frame)
            if message["type"] == "state" and message["level"] == "drained":
                return
            if message["type"] != "caption" or message["speaker"] != me:
                continue
            key = message["segment"], message["language"], message["kind"]
            text = (message["stable"] + message.get("draft", "")).strip()
            self.came.append((now, message, text != seen.get(key, "")))
            seen[key] = text

    def chunk_to_caption(self, warm: float = 0.0) -> list[float]:
        """Seconds, of every update that changed what is seen."""
        return [
            now - self.captured(caption["heard"])
            for now, caption, changed in self.came
            if changed and caption["heard"] >= warm * RATE
        ]

    def ages(self, warm: float = 0.0) -> list[float]:
        """Seconds, every 50 ms of speech, in each language: how old the newest seen words are."""

        def language(one: tuple[float, dict[str, Any], bool]) -> tuple[str, str]:
            return one[1]["language"], one[1]["kind"]

        found: list[float] = []
        for _, group in groupby(sorted(self.came, key=language), key=language):
            found += self._ages(sorted(group, key=lambda one: one[0]), warm)
        return found

    def _ages(self, came: Sequence[tuple[float, dict[str, Any], bool]], warm: float) -> list[float]:
        finals = [caption for _, caption, _ in came if caption["final"] and caption["stable"]]
        found: list[float] = []
        said = 0  # where the speech before ended: once it is seen, the next begins to age
        for final in sorted(finals, key=lambda caption: caption["start"]):
            look = math.ceil(self.captured(max(final["start"], int(warm * RATE))) / LOOK_S)
            while (now := look * LOOK_S) < self.captured(final["end"]):
                changes = [it["heard"] for when, it, changed in came if when <= now and changed]
                newest = max(changes, default=0)
                begins = max(newest, final["start"]) if newest >= said else newest
                found.append(now - self.captured(begins))
                look += 1
            said = max(said, final["end"])
        return found


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank, in ms."""
    return 1000 * sorted(values)[math.ceil(len(values) * percent / 100) - 1]


async def main(url: str, path: str, seconds: float, reads: Sequence[str]) -> None:
    """Print what was seen."""
    with wave.open(path) as file:
        assert file.getparams()[:3] == (1, 2, RATE), "16 kHz, 16 bit, mono"
        sound = file.readframes(file.getnframes())
    stranger = Stranger(frame_ms=100)
    await stranger.speak(url, sound, seconds, reads)
    for name, values in (
        ("chunk to caption", stranger.chunk_to_caption(5)),
        ("caption age", stranger.ages(5)),
    ):
        figures = ", ".join(f"p{p} {percentile(values, p):.0f}" for p in (50, 90, 95, 99))
        print(f"{name}: {figures} ms ({len(values)} samples)")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:]))
