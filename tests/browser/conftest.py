"""A real Chromium before a real server; `make test-browser` sets up both.

The browser's microphone is a file: it hears the conversation of the demo. Browser and server are
shared by all tests: each has windows and, where it matters, a room of its own.
"""

import os
import shutil
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import av
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright

from clients.child import Ready, server
from tests.browser.visitor import Story, Visitor

ROOT = Path(__file__).parents[2]
RATE = 48_000
PATIENCE = 30_000  # ms for anything at all: a machine may be busy

Visit = Callable[..., Any]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's microphone hears: English, once."""
    path = tmp_path_factory.mktemp("sound") / "clip.wav"
    resampler = av.AudioResampler("s16", "mono", RATE)
    source = ROOT / "loadtest" / "conversation" / "alan.flac"
    with av.open(str(source)) as opened, wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        for frame in opened.decode(audio=0):
            for part in resampler.resample(frame):
                out.writeframes(part.to_ndarray().tobytes())
    return path


def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(found for name in names if (found := shutil.which(name)))


@asynccontextmanager
async def launched(clip: Path) -> AsyncIterator[Browser]:
    """A browser whose microphone is there, and allowed to whoever asks."""
    arguments = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={clip}%noloop",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=chromium(), args=arguments)
        try:
            yield opened
        finally:
            await opened.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(clip: Path) -> AsyncIterator[Browser]:
    """The one that nearly all tests share."""
    async with launched(clip) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def scripted() -> AsyncIterator[Ready]:
    """A server whose engines need no model."""
    async with server("scripted") as ready:
        yield ready


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, scripted: Ready) -> AsyncIterator[Visit]:
    """`await visit("/rooms/lab", width=390)`: somebody opens that address in a window of their own.

    With `story`, a WebSocket that tells that story stands in for the server's.
    """
    async with AsyncExitStack() as stack:

        async def open_page(
            address: str,
            width: int = 1280,
            height: int = 800,
            story: Story | None = None,
            url: str = scripted.url,
            **options: Any,
        ) -> Visitor:
            options = {"locale": "es-ES", "color_scheme": "dark", **options}
            context: BrowserContext = await browser.new_context(
                viewport={"width": width, "height": height}, **options
            )
            stack.push_async_callback(context.close)
            context.set_default_timeout(PATIENCE)
            page = await context.new_page()
            visitor = Visitor(page)
            if story is not None:
                await page.route_web_socket("**/v1/rooms/*", story.tell)
            await page.goto(url + address)
            return visitor

        yield open_page
