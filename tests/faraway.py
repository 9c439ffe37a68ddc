"""A server at the far end of a bad network, and what it tells of itself."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.request import urlopen

from clients import child
from clients.audio import Pace, opened, source
from clients.child import Ready
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE, AudioFrame
from tests.impairment import Network

CLIP = str(Path(__file__).parents[1] / "loadtest" / "conversation" / "alan.flac")


@asynccontextmanager
async def faraway(net: Network, engine: str = "scripted", *options: str) -> AsyncIterator[Ready]:
    """A server in the far place, which takes calls. Its clients are in the near one."""
    listening = ["--host", net.far.address, "--insecure", *options]
    async with AsyncExitStack() as stack:
        with net.far:
            ready = await stack.enter_async_context(child.server(engine, options=listening))
        yield ready


def figures(net: Network, ready: Ready) -> dict[str, float]:
    """Those of its metrics that have no labels."""
    with net.far, urlopen(f"{ready.metrics}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    plain = [line.split(" ") for line in lines if not line.startswith("#") and "{" not in line]
    return {name.removeprefix("surtitle_"): float(value) for name, value in plain}


async def speech(seconds: float) -> tuple[AsyncIterator[AudioFrame], Pace]:
    """The conversation's first track, again and again, at its own pace, 20 ms a frame."""

    async def repeated() -> AsyncIterator[AudioFrame]:
        position = 0
        while True:
            async for frame in source(CLIP, ms=20):
                if position + len(frame.pcm) // BYTES_PER_SAMPLE > seconds * SAMPLE_RATE:
                    return
                yield AudioFrame(position, frame.pcm)
                position += len(frame.pcm) // BYTES_PER_SAMPLE

    frames, pace = await opened(repeated()), Pace()
    return pace(frames), pace
