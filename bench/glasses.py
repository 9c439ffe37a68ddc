"""What it takes to wear captions: `python -m bench glasses`.

The whole client in a process of its own, with the conversation's first speaker as its microphone,
a real server with the embedded engines beside it, and displays without hardware. Chunk-to-caption
ends where the screen is given to the driver; what a real device takes beyond that is not in it. The
same with scripted engines, which take no time, is what glasses, network and server add; and half an
hour of that, fifteen times as fast, is to leave nothing behind.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from msgspec.structs import replace

from clients import child
from clients.audio import FRAME_MS, Pace, decoded
from clients.glasses.display import Display
from clients.glasses.drivers import Place, driver
from clients.glasses.faces import face
from clients.glasses.figures import Figures, memory_now_mb
from clients.glasses.layout import Layout
from clients.glasses.profiles import Profile, profile
from clients.glasses.reader import Reader
from clients.glasses.wearing import Wearing
from clients.latency import Stages
from clients.lines import LineKey
from clients.opus import OpusLink
from clients.tui.sound import Voice
from streaming.messages import Caption, Hello, Opus, decode_server
from streaming.messages import Display as Size
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE, AudioFrame, samples

CLIP = Path(__file__).parents[1] / "loadtest" / "conversation" / "alan.flac"
DISPLAYS = {"ssd1309": "luma", "hud-640x200": "png", "even-g1": "svg"}
MEMORY_MB, CORE, LATE_MS = 60.0, 0.15, 300.0
LONG, FASTER, LOOKS = "hud-640x200", 15.0, 100
GROWN_MB = 2.0  # that half an hour may add to the memory, after its first tenth


def measure(seconds: int = 30, minutes: int = 30) -> dict[str, Any]:
    """The figures of every display while so much is said, and what grows in so many minutes."""
    return asyncio.run(_measure(seconds, minutes))


async def _measure(seconds: int, minutes: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        talk = Path(folder, "talk.pcm")
        talk.write_bytes(b"".join(decoded(str(CLIP))))  # a microphone decodes nothing either
        return {
            "seconds": seconds,
            "displays": {one: await apart("embedded", one, talk, seconds) for one in DISPLAYS},
            "without_engines": {
                one: await apart("scripted", one, talk, seconds) for one in DISPLAYS
            },
            "minutes": minutes,
            "worn_long": await apart("scripted", LONG, talk, minutes * 60, FASTER),
        }


def main(argv: Sequence[str]) -> int:
    """Wear one display, in this process: URL PROFILE TALK SECONDS SPEED."""
    url, name, talk, seconds, speed = argv
    print(json.dumps(asyncio.run(worn(url, name, Path(talk), int(seconds), float(speed)))))
    return 0


async def apart(
    engine: str, name: str, talk: Path, seconds: int, speed: float = 1.0
) -> dict[str, float]:
    """The figures of one display in a process of its own, with a server of its own."""
    async with child.server(engine, speed) as ready:
        words = [ready.url, name, str(talk), str(seconds), str(speed)]
        async with child.process([sys.executable, "-m", "bench.glasses", *words]) as client:
            assert client.process.stdout is not None
            line = await client.process.stdout.readline()
            if not line:
                raise await client.failed(f"the client with {name} failed")
            found: dict[str, float] = json.loads(line)
            return found


async def worn(url: str, name: str, talk: Path, seconds: int, speed: float) -> dict[str, float]:
    """Wear one display for so long, everything so much faster; its figures."""
    shown = faster(without_hardware(profile(name)), speed)
    letters = face(shown)
    reader = Reader(Layout(shown, letters), ["es"])
    pace, memory = Pace(speed), list[float]()
    voice = Voice(pace(speech(talk, seconds, memory)), pace.captured)
    figures = Figures(voice.captured)
    stages, finals = Stages(), set[LineKey]()
    hello = Hello(
        name="glasses",
        reads=["es"],
        hears=["en"],
        audio=Opus(),
        stability=shown.stability,
        display=Size(shown.columns, shown.lines),
        trace=True,
    )

    def note(frame: str) -> None:
        message = decode_server(frame)
        if isinstance(message, Caption):
            if message.latency is not None:
                stages.push(message.latency)
            if message.final:
                finals.add(("", *message.key))

    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder, "picture.png" if DISPLAYS[name] == "png" else "pictures"))
        how = driver(DISPLAYS[name], shown, letters, place)
        display = Display(how, reader, figures, lambda sentence: None)
        link = OpusLink(url, "lab", hello, tap=note)
        await Wearing(lambda: link, reader, display, voice, ends=True).run()
    tenth = max(1, len(memory) // 10)
    return {
        **figures.values(),
        **_percentiles(stages),
        "finals": len(finals),
        "missed": reader.pacer.missed,
        "memory_second_tenth_mb": median(memory[tenth : 2 * tenth] or memory),
        "memory_last_tenth_mb": median(memory[-tenth:]),
    }


def _percentiles(stages: Stages) -> dict[str, float]:
    """Where the server's part of the time went."""
    found = {}
    for name, meter in stages.meters.items():
        for percent in (50, 95):
            if (value := meter.percentile(percent)) is not None:
                found[f"server_{name}_p{percent}_ms"] = round(value, 1)
    return found


def without_hardware(shown: Profile) -> Profile:
    """The same display on a desk."""
    return replace(shown, luma=replace(shown.luma, device="dummy")) if shown.luma else shown


def faster(shown: Profile, speed: float) -> Profile:
    """The same display for whoever reads, and is told, everything so much faster."""
    return replace(
        shown,
        interval_ms=max(1, round(shown.interval_ms / speed)),
        hold_ms=round(shown.hold_ms / speed),
        clear_ms=round(shown.clear_ms / speed),
    )


async def speech(talk: Path, seconds: int, memory: list[float]) -> AsyncIterator[AudioFrame]:
    """So many seconds of the conversation's first speaker, again and again; in each hundredth of
    them the memory is looked at."""
    position, end = 0, seconds * SAMPLE_RATE
    with talk.open("rb") as pcm:
        while position < end:
            if position >= end * len(memory) / LOOKS:
                memory.append(memory_now_mb())
            frame = AudioFrame(position, pcm.read(samples(FRAME_MS) * BYTES_PER_SAMPLE))
            if frame.pcm:
                yield frame
                position = frame.end
            else:
                pcm.seek(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
