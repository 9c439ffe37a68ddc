"""A conversation from microphones to captions and from Mandarin to English and back, by the real
SGLang on this machine's processor.

    spoken     two people speak, one in each language: sound -> Qwen3-ASR -> Qwen -> two readers'
               languages, by `surtitle serve` as a child process and the protocol. The recognizer is
               one that says a word for each beat of sound (metronome.py), the translator the teensy
               Qwen: what is said means nothing, when it is said is what is measured.
    written    sentences that are translated while they grow (written.py)

Nobody's speed is judged here: a processor is no card. What is: that every line ends, that captions
are no older at the end than at the beginning, that the last words are those of the model alone.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from clients.audio import Pace, decoded, framed
from clients.link import Link
from loadtest.script import CONVERSATION
from streaming.messages import Caption, Hello, Pcm16
from streaming.values import SAMPLE_RATE, samples

from . import metronome
from .reading import Read, listened, plain, rounded, said
from .serving import child, complaints, exported, sglang, spent
from .written import OTHER, TEENSY, written

SPACE = "SURTITLE_SGLANG"  # the variable that names the environment SGLang is in
MINUTES, QUICK_MINUTES = 10.0, 1.0
LINES, QUICK_LINES = 20, 4  # written ones, of each language
TRACKS = {"zh": "alan", "en": "rosa"}  # whose voice; what it says is not listened to
ROOM = "bench"
TENTHS = 10
FRAME_MS = 20


def measure(quick: bool = False) -> dict[str, Any]:
    """Both parts, with `quick` a minute of one and a few lines of the other."""
    named = os.environ.get(SPACE)
    if not named:
        return {"skipped": f"no SGLang: {SPACE} names its environment, `make contract` makes one"}
    return asyncio.run(_measure(Path(named), quick))


async def _measure(environment: Path, quick: bool) -> dict[str, Any]:
    minutes, lines = (QUICK_MINUTES, QUICK_LINES) if quick else (MINUTES, LINES)
    with tempfile.TemporaryDirectory(prefix="surtitle-") as folder:
        model, logs = Path(folder, "metronome"), Path(folder)
        metronome.main(model)
        async with AsyncExitStack() as stack:
            start = stack.enter_async_context
            hears = await start(sglang("recognizer", model, "none", environment, logs))
            says = await start(sglang("translator", TEENSY, "hypothesis", environment, logs))
            found = {
                "spoken": await spoken(hears, says, 60 * minutes, logs / "serve.log"),
                "written": await written(says, lines),
            }
    return {"minutes": minutes, **found}


async def spoken(
    hears: str, says: str, seconds: float, log: Path, speed: float = 1.0
) -> dict[str, Any]:
    """Two people speak for so long, in turn and over each other, to the models at these URLs;
    with a `speed` below 1 as slowly as a small machine needs it."""
    options = ["--engine", "sglang", "--recognizer-url", hears, "--translator-url", says]
    async with child([*options, "--speed", f"{speed:g}"], log) as told:
        read, schedules = await conversation(told["url"], seconds, speed)
        page = await exported(told["metrics"])
    return judged(read, schedules, seconds) | spent(page) | {"complaints": complaints(log)}


async def conversation(url: str, seconds: float, speed: float) -> tuple[Read, dict[str, Pace]]:
    """What a reader of both languages gets to see, and when each speaker said what."""
    read, pace = Read(), Pace(speed)
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(
            Link(url, ROOM, Hello("Reader", [*TRACKS], [], source=True, trace=True))
        )
        speakers = {}
        for code in TRACKS:
            hello = Hello(code, [OTHER[code]], [code], Pcm16(SAMPLE_RATE))
            speakers[code] = await stack.enter_async_context(Link(url, ROOM, hello))
        reading = asyncio.create_task(listened(reader, read))
        pace.begin()
        async with asyncio.TaskGroup() as group:
            for code, link in speakers.items():
                track = CONVERSATION / f"{TRACKS[code]}.flac"
                frames = framed(_repeated(track, seconds), track.name, FRAME_MS)
                group.create_task(said(link, pace(frames)))
        await reader.end()
        await reading
        return read, {link.welcome.participant: pace for link in speakers.values()}


async def _repeated(track: Path, seconds: float) -> AsyncIterator[bytes]:
    """The track, again and again, for so long."""
    pcm, left = b"".join(decoded(str(track))), 2 * samples(1000 * seconds)
    while left > 0:
        yield pcm[:left]
        left -= len(pcm)


def judged(read: Read, schedules: Mapping[str, Pace], seconds: float) -> dict[str, Any]:
    """What was promised of every line, and how old captions were, from tenth to tenth."""
    whole = read.figures(schedules)
    found: dict[str, Any] = {
        "finals": whole.finals,
        "withdrawn": whole.withdrawn,
        **{name: getattr(whole, name) for name in ("lost", "doubled", "after_final")},
        **{name: getattr(whole, name) for name in ("retracted", "disordered")},
        "finals_by_language": _counted(read.finals()),
    }
    size = seconds / TENTHS
    tenths = [read.part(n * size, (n + 1) * size) for n in range(TENTHS)]
    for kind in ("transcript", "translation"):
        figures = read.figures(schedules, [kind])
        parts = [part.figures(schedules, [kind]) for part in tenths]
        found[kind] = {
            "updates": figures.updates,
            "erasure": rounded(figures.erasure),
            "chunk_to_caption": plain(figures.chunk_to_caption),
            "caption_age": plain(figures.caption_age),
            "speech_to_final": plain(figures.speech_to_final),
            "caption_age_by_tenth": [plain(part.caption_age) for part in parts],
        }
    return found


def _counted(finals: Iterable[Caption]) -> dict[str, int]:
    found: dict[str, int] = {}
    for caption in finals:
        name = f"{caption.kind} {caption.language}"
        found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items()))
