"""What a reader sees of one recording, played to a server; and what comes of it offline."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from clients.audio import Pace, source
from clients.child import surtitle
from clients.console import Problem
from clients.link import Link
from loadtest.people import FRAME_MS, drained
from loadtest.scores import joined
from streaming.measures import Figures, Reader
from streaming.messages import Caption, Hello, Pcm16, Stability, decode_server
from streaming.values import SAMPLE_RATE, milliseconds

from .corpus import Recording
from .emissions import Emissions, Word

ROOM = "judge"


@dataclass(slots=True)
class Seen:
    """One recording's captions in one language."""

    text: str
    words: list[Word]
    figures: Figures


@dataclass(slots=True)
class Heard:
    """One recording: its length in ms, what was seen by language, and its engines."""

    recording: Recording
    length: float
    seen: dict[str, Seen]
    engines: set[str] = field(default_factory=set)


async def heard(
    url: str, recording: Recording, reads: Sequence[str], stability: Stability, speed: float
) -> Heard:
    """Play a recording to a server, and read along. LinkError: the server would not."""
    hello = Hello(
        "Judge",
        list(reads),
        [recording.language],
        Pcm16(SAMPLE_RATE),
        source=True,
        stability=stability,
    )
    pace, finals = Pace(speed), defaultdict[str, list[Caption]](list)
    emissions = defaultdict[str, Emissions](Emissions)
    engines: set[str] = set()
    length = 0
    async with Link(url, f"{ROOM}-{time.monotonic_ns()}", hello, patience=0) as link:
        readers: dict[str, Reader] = {}

        async def spoken() -> None:
            nonlocal length
            frames = source(str(recording.audio), ms=FRAME_MS)
            async for frame in pace(frames):
                await link.send_audio(frame.pcm)
                length = frame.end
            await link.end()

        speaking = asyncio.create_task(spoken())
        try:
            async for message in link:
                if drained(message):
                    break
                if not isinstance(message, Caption) or pace.begun is None:
                    continue
                now = time.monotonic()
                schedules = {message.speaker: pace.captured}
                reader = readers.setdefault(message.language, Reader(schedules))
                reader.push(message, now)
                emissions[message.language].push(message, 1000 * speed * (now - pace.begun))
                engines.add(message.engine)
                if message.final:
                    finals[message.language].append(message)
            await speaking
        finally:
            speaking.cancel()
    seen = {
        language: Seen(joined(finals[language]), emissions[language].words, reader.figures())
        for language, reader in readers.items()
    }
    return Heard(recording, milliseconds(length), seen, engines)


async def offline(recording: Recording, target: str | None, engine: str) -> dict[str, str]:
    """What the same engines make of it when nothing has to be quick, by language.

    Problem: they cannot.
    """
    words = [str(recording.audio), "--from", recording.language, "--engine", engine]
    texts = defaultdict[str, list[Caption]](list)
    process = await asyncio.create_subprocess_exec(
        *surtitle("offline"),
        *words,
        *(["--to", target] if target else []),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = complaints.decode(errors="replace").strip().splitlines()[-1:]
        raise Problem(f"no offline result: {' '.join(last)}")
    for line in out.decode().splitlines():
        caption = decode_server(line)
        if isinstance(caption, Caption):
            texts[caption.language].append(caption)
    return {language: joined(captions) for language, captions in texts.items()}


def kept(path: Path, result: object) -> None:
    """Write a result as JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
