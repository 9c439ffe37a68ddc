"""Whoever wears glasses where the Wi-Fi is bad: nothing that was said is lost, and it is shown.

Time is real here: what is tried is how TCP, WebRTC and we ourselves wait for one another.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count, product

import pytest

from clients.call_link import CallLink
from clients.child import Ready
from clients.glasses.display import Display
from clients.glasses.drivers import Driver
from clients.glasses.faces import Cells
from clients.glasses.figures import Figures
from clients.glasses.layout import Layout
from clients.glasses.profiles import profile
from clients.glasses.reader import Reader
from clients.glasses.screen import Screen
from clients.glasses.wearing import Wearing
from clients.lines import Change
from clients.link import Link
from clients.opus import OpusLink
from clients.tui.sound import Voice
from streaming.messages import Caption, Hello, Opus, ServerMessage, State, WebRtc
from streaming.values import SAMPLE_RATE, AudioFrame
from tests.faraway import faraway, figures, speech
from tests.impairment import Network, Weather, networked

pytestmark = [pytest.mark.socket, pytest.mark.slow, pytest.mark.timeout(240)]

FAIR = Weather(delay_ms=10, jitter_ms=5)
AFTERWARDS = 60.0  # seconds beyond what is said: after that somebody waits for ever
LEAST = 0.97  # of what was said must have been heard: codecs hold some back at both ends
WAYS = ["opus", "webrtc"]
LONG = os.environ.get("SURTITLE_NETWORK") == "long"
numbers = count(1)  # of rooms: in a new one nothing was said before

Act = Callable[[], None]
Finals = dict[tuple[str, int, str], Caption]  # by speaker, segment and language


class Dummy(Driver):
    """Shows nobody anything, and remembers."""

    def __init__(self) -> None:
        self.rows: set[str] = set()

    async def show(self, screen: Screen) -> None:
        self.rows |= {row.text for row in screen.rows}


@dataclass
class Worn:
    """What came of it."""

    room: str
    layout: Layout = field(default_factory=lambda: Layout(profile("terminal"), Cells()))
    display: Dummy = field(default_factory=Dummy)
    said: list[str] = field(default_factory=list)
    """What was told: sentences, and how the connection is."""
    mine: Finals = field(default_factory=dict)
    """The finals that reached the glasses, and `all_of_them` that were made."""
    all_of_them: Finals = field(default_factory=dict)
    heard_s: float = 0.0
    """Seconds of sound that the server has heard."""

    def shown(self, caption: Caption) -> bool:
        """All its words were on the display."""
        return {row.text for row in self.layout.caption(caption)} <= self.display.rows


def told(finals: Finals, message: object) -> None:
    if isinstance(message, Caption) and message.final and (message.stable or message.draft):
        finals[message.speaker, message.segment, message.language] = message


async def acting(
    frames: AsyncIterator[AudioFrame], at: float, act: Act
) -> AsyncIterator[AudioFrame]:
    """The same frames; at that second of them something happens."""
    async for frame in frames:
        if frame.start == round(at * SAMPLE_RATE):
            act()
        yield frame


async def worn(
    net: Network, way: str, seconds: float, at: float = 0.0, act: Act = lambda: None
) -> Worn:
    """Wear glasses in the near place and say so many seconds of English, read in Spanish."""
    async with faraway(net) as ready:
        return await worn_there(net, ready, way, seconds, at, act)


async def worn_there(
    net: Network, ready: Ready, way: str, seconds: float, at: float = 0.0, act: Act = lambda: None
) -> Worn:
    """The same, by a server that is there already."""
    found = Worn(f"room-{next(numbers)}")
    before = figures(net, ready)["audio_seconds_total"]
    with net.far:
        witness = await Link(ready.url, found.room, Hello("witness", ["es"])).__aenter__()
    watching = asyncio.create_task(watched(witness, found))
    with net.near:
        await wear(found, ready, way, seconds, at, act)
    found.heard_s = figures(net, ready)["audio_seconds_total"] - before
    await witness.close()
    await watching
    return found


async def watched(witness: Link, found: Worn) -> None:
    async for message in witness:
        told(found.all_of_them, message)


async def wear(found: Worn, ready: Ready, way: str, seconds: float, at: float, act: Act) -> None:
    frames, pace = await speech(seconds)
    voice = Voice(acting(frames, at, act), pace.captured)
    reader = Reader(found.layout, ["es"])
    display = Display(found.display, reader, Figures(voice.captured), found.said.append)
    hello = Hello("glasses", ["es"], ["en"], WebRtc() if way == "webrtc" else Opus())

    def link() -> Link:
        if way == "webrtc":
            return CallLink(ready.url, found.room, hello, say=found.said.append)
        return OpusLink(ready.url, found.room, hello)

    wearing = Wearing(link, reader, display, voice, ends=True, say=found.said.append)
    push = reader.push

    def pushed(message: ServerMessage, now: float) -> Sequence[Change]:
        told(found.mine, message)
        if isinstance(message, State) and message.scope == "connection":
            found.said.append(message.level)
        return push(message, now)

    reader.push = pushed  # type: ignore[method-assign]
    async with asyncio.timeout(seconds + AFTERWARDS):
        await wearing.run()


def assert_nothing_is_lost(found: Worn, seconds: float) -> None:
    assert found.heard_s >= LEAST * seconds
    assert {key: one.stable for key, one in found.mine.items()} == {
        key: one.stable for key, one in found.all_of_them.items()
    }
    assert found.mine and all(found.shown(caption) for caption in found.mine.values())


async def test_where_packets_get_lost_every_final_is_shown() -> None:
    with networked() as net:
        async with faraway(net) as ready:
            for way, loss in product(WAYS, [0.02, 0.05]):
                net.change(Weather(loss=loss, delay_ms=10, jitter_ms=10))
                found = await worn_there(net, ready, way, 10.0)
                assert found.mine.keys() == found.all_of_them.keys(), (way, loss)
                assert found.mine, (way, loss)
                assert all(found.shown(caption) for caption in found.mine.values()), (way, loss)
                lost = 0.0 if way == "opus" else 1.5 * loss
                assert found.heard_s >= (LEAST - lost) * 10.0, (way, loss)


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_said_while_the_network_is_away_comes_late(way: str) -> None:
    with networked(FAIR) as net:
        dark = Weather(delay_ms=10, jitter_ms=5, dark_s=10.0)
        found = await worn(net, way, 20.0, 4.0, lambda: net.change(dark))
    assert "down" in found.said
    assert_nothing_is_lost(found, 20.0)


@pytest.mark.parametrize("way", WAYS)
async def test_who_walks_into_another_network_goes_on(way: str) -> None:
    with networked(FAIR) as net:
        found = await worn(net, way, 14.0, 5.0, net.near.move)
    assert_nothing_is_lost(found, 14.0)


@pytest.mark.skipif(not LONG, reason="takes two minutes: make test-network")
async def test_of_a_minute_without_a_network_the_last_30_s_come_and_the_rest_is_a_gap() -> None:
    with networked(FAIR) as net:
        dark = Weather(delay_ms=10, jitter_ms=5, dark_s=60.0)
        found = await worn(net, "opus", 72.0, 5.0, lambda: net.change(dark))
    kept = LEAST * (5.0 + 30.0)
    assert kept <= found.heard_s < kept + 12.0  # so long it takes at most to find that it is back
    assert found.mine.keys() == found.all_of_them.keys()
    newest = max(one.end for one in found.mine.values())
    assert newest > 65 * SAMPLE_RATE  # positions count what was never heard too


async def test_behind_a_wall_sound_goes_by_the_websocket_and_it_is_said() -> None:
    with networked(Weather(udp=False)) as net:
        found = await worn(net, "webrtc", 10.0)
    assert any(
        "by the WebSocket, not by WebRTC: no packets get through" in one for one in found.said
    )
    assert_nothing_is_lost(found, 10.0)
