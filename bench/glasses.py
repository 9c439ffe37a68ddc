"""What it takes to wear captions: `python -m bench glasses`.

The whole client in a process of its own, with the conversation's first speaker as its microphone,
a real server with the embedded engines beside it, and displays without hardware. Chunk-to-caption
ends where the screen is given to the driver; what a real device takes beyond that is not in it.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from clients import child
from clients.audio import Pace, opened, source
from clients.glasses.display import Display
from clients.glasses.drivers import Place, driver
from clients.glasses.faces import face
from clients.glasses.figures import Figures
from clients.glasses.layout import Layout
from clients.glasses.profiles import Profile, profile
from clients.glasses.reader import Reader
from clients.glasses.wearing import Wearing
from clients.latency import Stages
from clients.opus import OpusLink
from clients.tui.sound import Voice
from streaming.messages import Caption, Hello, Opus, decode_server
from streaming.messages import Display as Size
from streaming.values import SAMPLE_RATE, AudioFrame

CLIP = Path(__file__).parents[1] / "loadtest" / "conversation" / "alan.flac"
DISPLAYS = {"ssd1309": "luma", "hud-640x200": "png", "even-g1": "svg"}
MEMORY_MB, CORE, LATE_MS = 60.0, 0.15, 300.0


def measure(seconds: int = 30) -> dict[str, Any]:
    """The figures of every display while so much is said."""
    return {"seconds": seconds, "displays": asyncio.run(measured(seconds))}


def main(argv: Sequence[str]) -> int:
    """Wear one display, in this process: URL PROFILE SECONDS."""
    url, name, seconds = argv
    print(json.dumps(asyncio.run(worn(url, name, int(seconds)))))
    return 0


async def measured(seconds: int) -> dict[str, dict[str, Any]]:
    """The figures of every display, one after the other."""
    found = {}
    for name in DISPLAYS:
        async with child.server("embedded") as ready:
            command = [sys.executable, "-m", "bench.glasses", ready.url, name, str(seconds)]
            async with child.process(command) as client:
                assert client.process.stdout is not None
                line = await client.process.stdout.readline()
                if not line:
                    raise await client.failed(f"the client with {name} failed")
                found[name] = json.loads(line)
    return found


async def worn(url: str, name: str, seconds: int) -> dict[str, float]:
    """Wear one display for so long; its figures."""
    shown = without_hardware(profile(name))
    letters = face(shown)
    reader = Reader(Layout(shown, letters), ["es"])
    frames, pace = await opened(source(str(CLIP))), Pace()
    voice = Voice(pace(beginning(frames, seconds)), pace.captured)
    figures = Figures(voice.captured)
    size = Size(shown.columns, shown.lines)
    hello = Hello(
        "glasses", ["es"], ["en"], Opus(), stability=shown.stability, display=size, trace=True
    )
    with tempfile.TemporaryDirectory() as folder:
        how = driver(DISPLAYS[name], shown, letters, Place(Path(folder, "pictures")))
        display = Display(how, reader, figures, lambda sentence: None)
        stages = Stages()

        def link() -> OpusLink:
            return OpusLink(url, "lab", hello, tap=lambda frame: _note(stages, frame))

        await Wearing(link, reader, display, voice, ends=True).run()
    return figures.values() | _percentiles(stages)


def _note(stages: Stages, frame: str) -> None:
    message = decode_server(frame)
    if isinstance(message, Caption) and message.latency is not None:
        stages.push(message.latency)


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


async def beginning(frames: AsyncIterable[AudioFrame], seconds: int) -> AsyncIterator[AudioFrame]:
    """So many seconds of them."""
    async for frame in frames:
        if frame.end > seconds * SAMPLE_RATE:
            return
        yield frame


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
