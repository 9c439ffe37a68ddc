"""A browser that reaches its server through a network, good or bad, and not on its own machine."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import expect

from server import tls
from tests.browser.conftest import launched
from tests.browser.visitor import PATIENCE, Visitor
from tests.faraway import faraway, figures
from tests.impairment import Weather, networked

pytestmark = pytest.mark.asyncio(loop_scope="session")

APERTIUM = shutil.which("apertium") is not None
FAIR = Weather(delay_ms=5)
BAD = Weather(loss=0.02, delay_ms=10, jitter_ms=10)
WALL = Weather(delay_ms=10, udp=False)


@asynccontextmanager
async def speaking(
    weather: Weather, clip: Path, folder: Path, heard: dict[str, float], engine: str = "scripted"
) -> AsyncIterator[Visitor]:
    """Somebody who has joined a room of a server elsewhere, and speaks. At the end `heard` is what
    the server says of its calls."""
    with networked(weather) as net:
        made = tls.own([net.far.address], folder)
        encrypted = "--tls-cert", str(made.cert), "--tls-key", str(made.key)
        async with faraway(net, engine, *encrypted) as ready:
            with net.near:
                async with launched(clip) as browser:
                    page = await browser.new_page(ignore_https_errors=True, locale="es-ES")
                    page.set_default_timeout(PATIENCE)
                    await page.goto(f"{ready.url}/rooms/elsewhere")
                    visitor = Visitor(page)
                    await visitor.join(speak=True)
                    await visitor.connected()
                    yield visitor
            heard |= figures(net, ready)


async def test_sound_travels_by_webrtc_where_packets_get_lost(clip: Path, tmp_path: Path) -> None:
    heard: dict[str, float] = {}
    async with speaking(BAD, clip, tmp_path, heard) as visitor:
        room = visitor.page.locator('#room[data-way="webrtc"]')
        await expect(room).to_be_attached(timeout=PATIENCE)
        finished = visitor.page.locator("#captions .line.final").first
        await expect(finished).not_to_be_empty(timeout=PATIENCE)
        assert visitor.complaints == []
    assert heard["call_packets_heard"] > 100
    assert heard["call_packets_heard"] >= 0.98 * heard["call_packets_came"]


@pytest.mark.skipif(not APERTIUM, reason="needs Apertium, which translates on this machine")
async def test_the_demo_is_called_in_and_read_in_spanish(clip: Path, tmp_path: Path) -> None:
    heard: dict[str, float] = {}
    async with speaking(FAIR, clip, tmp_path, heard, "embedded") as visitor:
        room = visitor.page.locator('#room[data-way="webrtc"]')
        await expect(room).to_be_attached(timeout=PATIENCE)
        finished = visitor.page.locator('#captions .main .line.final[lang="es"]').first
        await expect(finished).to_have_text(re.compile(r"\w+ \w+"), timeout=2 * PATIENCE)
        assert visitor.complaints == []
    assert heard["call_packets_heard"] > 100


async def test_behind_a_wall_sound_goes_by_the_websocket_and_the_page_says_so(
    clip: Path, tmp_path: Path
) -> None:
    heard: dict[str, float] = {}
    async with speaking(WALL, clip, tmp_path, heard) as visitor:
        room = visitor.page.locator('#room[data-way="websocket"]')
        await expect(room).to_be_attached(timeout=PATIENCE)
        await expect(visitor.page.locator("#captions .line").first).not_to_be_empty(
            timeout=PATIENCE
        )
        await visitor.page.click("#settings")
        facts = visitor.page.locator("#facts")
        await expect(facts).to_contain_text("by WebSocket (WebRTC: no way through the network")
    assert heard["call_packets_came"] == 0
