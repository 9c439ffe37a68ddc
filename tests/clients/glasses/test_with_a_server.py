"""The whole client against a real server with real engines, on displays without hardware."""

import asyncio
import shutil
from collections.abc import AsyncIterable, AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from msgspec.structs import replace

from clients import child
from clients.audio import Pace, opened, source
from clients.glasses.display import Display
from clients.glasses.drivers import Driver, Place, driver
from clients.glasses.faces import face
from clients.glasses.figures import Figures
from clients.glasses.layout import Layout
from clients.glasses.profiles import Profile, profile
from clients.glasses.reader import Reader
from clients.glasses.screen import Screen
from clients.glasses.wearing import Wearing
from clients.link import Link
from clients.tui.sound import Voice
from streaming.messages import Display as Size
from streaming.messages import Hello, Pcm16
from streaming.values import SAMPLE_RATE, AudioFrame
from tests.clients.glasses.test_layout import unifont

CLIP = Path(__file__).parents[3] / "loadtest" / "conversation" / "alan.flac"
SECONDS = 12

pytestmark = [
    pytest.mark.engine,
    pytest.mark.socket,
    pytest.mark.slow,
    pytest.mark.skipif(not unifont(), reason="apt-get install fonts-unifont"),
    pytest.mark.skipif(find_spec("pocketsphinx") is None, reason="nothing hears English here"),
    pytest.mark.skipif(shutil.which("apertium") is None, reason="nothing translates here"),
]


class Remembering(Driver):
    """Another display, and what it was given."""

    def __init__(self, behind: Driver) -> None:
        self.behind = behind
        self.screens: list[Screen] = []

    async def open(self) -> None:
        await self.behind.open()

    async def show(self, screen: Screen) -> None:
        await self.behind.show(screen)
        self.screens.append(screen)

    async def close(self) -> None:
        await self.behind.close()


async def beginning(frames: AsyncIterable[AudioFrame]) -> AsyncIterator[AudioFrame]:
    async for frame in frames:
        if frame.end > SECONDS * SAMPLE_RATE:
            return
        yield frame


def on_a_desk(name: str) -> Profile:
    """The same display without its hardware."""
    shown = profile(name)
    return replace(shown, luma=replace(shown.luma, device="dummy")) if shown.luma else shown


@pytest.mark.parametrize("name", ["hud-640x200", "ssd1309"])
async def test_every_line_that_is_finished_is_shown_whole(name: str, tmp_path: Path) -> None:
    shown = on_a_desk(name)
    letters = face(shown)
    layout = Layout(shown, letters)
    reader = Reader(layout, ["es"])
    display = Remembering(driver(shown.driver, shown, letters, Place(tmp_path)))
    frames, pace = await opened(source(str(CLIP))), Pace()
    voice = Voice(pace(beginning(frames)), pace.captured)
    figures = Figures(voice.captured)
    hello = Hello(
        "glasses",
        hears=["en"],
        reads=["es"],
        audio=Pcm16(SAMPLE_RATE),
        display=Size(shown.columns, shown.lines),
    )
    async with child.server("embedded") as ready, asyncio.timeout(60):
        await Wearing(
            lambda: Link(ready.url, "lab", hello),
            reader,
            Display(display, reader, figures, lambda sentence: None),
            voice,
            ends=True,
        ).run()
    finals = reader.lines.finals()
    assert finals
    seen = {row.text for screen in display.screens for row in screen.rows}
    for line in finals:
        assert {row.text for row in layout.caption(line)} <= seen
    assert figures.delay is not None and figures.delay.meter.values
    assert not layout.lacking
