"""This device stands in for a server that is away, says what it can do, and holds nothing up."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed

from clients.child import ChildError, Ready
from clients.glasses import fallback as module
from clients.glasses.faces import Cells
from clients.glasses.fallback import Fallback
from clients.glasses.heard import Heard
from clients.glasses.layout import Layout
from clients.glasses.profiles import profile
from clients.glasses.reader import Reader
from clients.glasses.wearing import Wearing
from clients.link import Link
from clients.tui.sound import Voice
from streaming.messages import (
    Caption,
    End,
    Error,
    Gap,
    Hello,
    Mute,
    Opus,
    Pcm16,
    State,
    Welcome,
)
from streaming.values import AudioFrame
from tests.clients.fakes import WELCOME, Peer, caption, server
from tests.clients.glasses.desk import WELCOME as LAB
from tests.clients.glasses.test_display import Wall

pytestmark = pytest.mark.socket

HELLO = Hello("glasses", reads=["es"], hears=["en"], audio=Opus())
PAIRS = [("en", "es", "apertium"), ("es", "en", "apertium")]
HERE = Welcome("lab", "e9", "p1", "secret", 0, 0, False, None, PAIRS)
DRAINED = State("connection", "drained")
FRAME = 1_600

Scene = Callable[[Peer], Awaitable[None]]


def frame(number: int) -> AudioFrame:
    return AudioFrame(number * FRAME, bytes(2 * FRAME))


def translated(words: str, *, final: bool = False) -> Caption:
    made = caption(words, speaker="p1", language="es", final=final, start=0, end=8_000)
    return replace(made, engine="apertium")


class Device:
    """A device whose child process is played by scenes, one for each time it is joined."""

    def __init__(self, hello: Hello = HELLO) -> None:
        self.said: list[str] = []
        self.starts: deque[Exception] = deque()
        """What goes wrong when it is started, one by one."""
        self.started = 0
        self.pairs = PAIRS
        self.url = ""
        self.away = 3.0
        self.reader = Reader(Layout(profile("terminal"), Cells()), hello.reads)
        self.reader.begin(0.0)
        self.reader.push(LAB, 0.0)
        self.fallback = Fallback(
            self.start, "lab", hello, self.reader, self.said.append, clock=lambda: 10.0
        )
        self.fallback.absent = lambda: self.away
        self.fallback.back = lambda: not self.away

    @asynccontextmanager
    async def start(self) -> AsyncIterator[Ready]:
        self.started += 1
        if self.starts:
            raise self.starts.popleft()
        yield Ready(self.url, "", self.pairs)

    @property
    def state(self) -> tuple[str, ...]:
        return tuple(self.reader.status.sentences(10.0))

    @property
    def words(self) -> str:
        screen = self.reader.pacer._screen(10.0)
        return " / ".join(row.text for row in screen.rows if row.tone == "caption" and row.text)

    @asynccontextmanager
    async def running(self, *scenes: Scene) -> AsyncIterator[None]:
        """It runs while the block lasts, with these scenes."""
        left = deque(scenes)

        async def play(peer: Peer) -> None:
            await left.popleft()(peer)

        async with server(play) as self.url, asyncio.timeout(10):
            task = asyncio.create_task(self.fallback.run())
            try:
                yield
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN", (0.0, 0.0))
    monkeypatch.setattr(module, "EVERY", 0.001)


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0)


async def hello(peer: Peer) -> None:
    assert isinstance(await peer.hear(), Hello)
    await peer.tell(HERE)


async def ended(peer: Peer) -> None:
    """Listen until there is no more, and say goodbye."""
    with suppress(ConnectionClosed):  # or leave without a word, when the test is over
        while not isinstance(await peer.hear(), End):
            pass
        await peer.tell(DRAINED)


async def test_it_captions_marks_what_it_says_and_names_who_does() -> None:
    async def scene(peer: Peer) -> None:
        await hello(peer)
        await peer.tell(translated("buenos días"))
        await ended(peer)

    device = Device()
    async with device.running(scene):
        await until(lambda: device.words)
        assert device.words == "~: buenos días"
        assert device.state[0] == "no server 3 s: apertium here"
        assert "local 3 s" in device.state


async def test_it_does_nothing_while_the_server_is_there_or_has_just_gone() -> None:
    device = Device()
    device.away = 1.9
    async with device.running():
        await until(lambda: device.started)
        await asyncio.gather(*(asyncio.sleep(0) for _ in range(200)))
        assert device.said == []


async def test_it_hears_what_was_said_since_the_last_finished_sentence() -> None:
    got = list[object]()

    async def scene(peer: Peer) -> None:
        await hello(peer)
        for _ in range(4):
            got.append(await peer.hear())
        await ended(peer)

    device = Device()
    final = caption("uno", speaker="me", language="es", final=True, start=0, end=2 * FRAME)
    device.reader.push(final, 0.0)
    for number in (0, 1, 2, 3, 5):  # 4 was muted
        device.fallback.heard.push(frame(number))
    async with device.running(scene):
        await until(lambda: len(got) == 4)
    assert got[0] == Gap(0, 2 * FRAME)
    assert [len(one) for one in got[1:3] if isinstance(one, bytes)] == [2 * FRAME] * 2
    assert got[3] == Gap(4 * FRAME, 5 * FRAME)


async def test_when_the_server_is_back_it_finishes_its_sentence_and_leaves() -> None:
    heard = asyncio.Event()

    async def scene(peer: Peer) -> None:
        await hello(peer)
        await peer.tell(translated("buenos"))
        await heard.wait()
        await peer.tell(translated("buenos días", final=True))
        await ended(peer)

    device = Device()
    async with device.running(scene):
        await until(lambda: device.words)
        device.away = 0.0
        await until(lambda: device.reader.status.away is None)
        assert device.words == "~: buenos"
        assert device.state[0] == "the server catches up"
        heard.set()
        await until(lambda: "the server is back" in device.said)
        assert not device.state
        assert device.words == "~: buenos días"


async def test_languages_that_nothing_here_translates_are_named_and_the_sound_is_kept() -> None:
    device = Device(Hello("glasses", reads=["de"], hears=["en"], audio=Opus()))
    async with device.running():
        await until(lambda: device.said)
        assert device.said == [
            "nothing here translates English into German: the last 30 s are kept for the server"
        ]
        device.reader.status.lost(7.0)
        assert "no server 3 s: no en-de here, 30 s kept" in device.state
        assert all(len(one) <= 40 for one in device.state[1:])
        device.away = 0.0
        await until(lambda: not device.state)


async def test_a_language_that_nothing_here_hears_is_named_once() -> None:
    async def scene(peer: Peer) -> None:
        await peer.hear()
        await peer.tell(Error(4400, "pocketsphinx does not hear 'es'; it hears en", False))

    device = Device(Hello("glasses", reads=["en"], hears=["es"], audio=Opus()))
    async with device.running(scene):
        await until(lambda: device.said)
        device.away = 0.0
        await until(lambda: not device.reader.status.instead)
        device.away = 3.0
        await until(lambda: device.reader.status.instead)
        assert len(device.said) == 1
        assert device.said[0].startswith("nothing here hears Spanish: the last 30 s are kept")


async def test_a_child_that_does_not_start_is_said_once_and_started_again() -> None:
    async def scene(peer: Peer) -> None:
        await hello(peer)
        await ended(peer)

    device = Device()
    device.starts = deque([ChildError("no engine"), ChildError("no engine"), OSError("no memory")])
    async with device.running(scene):
        await until(lambda: device.started == 4 and len(device.said) == 3)
        assert device.said[0].endswith("no engine; trying again")
        assert device.said[1].endswith("no memory; trying again")
        assert device.said[2] == "no server: apertium on this device stands in"


async def test_a_child_that_breaks_takes_its_open_line_along_and_the_next_hears_it_again() -> None:
    got = asyncio.Event()

    async def breaks(peer: Peer) -> None:
        await hello(peer)
        await peer.tell(translated("buenos"))
        await got.wait()
        peer.socket.transport.abort()

    async def scene(peer: Peer) -> None:
        await hello(peer)
        assert isinstance(await peer.hear(), bytes)
        await peer.tell(translated("buenos días", final=True))
        await ended(peer)

    device = Device()
    device.fallback.heard.push(frame(0))
    async with device.running(breaks, scene):
        await until(lambda: device.words == "~: buenos")
        got.set()
        await until(lambda: device.words != "~: buenos")
        await until(lambda: device.words == "~: buenos días")
        assert any("was lost; trying again" in one for one in device.said)


async def test_who_really_translates_is_named_and_when_nobody_does() -> None:
    fails = asyncio.Event()

    async def scene(peer: Peer) -> None:
        await hello(peer)
        await peer.tell(replace(translated("buenos"), engine="small-qwen"))
        await fails.wait()
        await peer.tell(State("translation", "down", "en to es: it does not answer", "es"))
        await ended(peer)

    device = Device()
    async with device.running(scene):
        await until(lambda: device.words)
        assert device.state[0] == "no server 3 s: small-qwen here"
        fails.set()
        await until(lambda: device.state[0] == "no server 3 s: translation fails here")
        assert "it does not answer" in device.said[-1]


async def test_what_it_cannot_translate_is_left_to_the_server() -> None:
    told = asyncio.Event()

    async def scene(peer: Peer) -> None:
        await hello(peer)
        one = caption("good morning", speaker="p1", final=True)
        await peer.tell(replace(one, degraded="untranslated"))
        told.set()
        await ended(peer)

    device = Device()
    async with device.running(scene):
        await told.wait()
        await until(lambda: device.said)
        assert device.words == ""


# In the whole client


def speech(frames: int, spoken: asyncio.Event) -> Voice:
    async def said() -> AsyncIterator[AudioFrame]:
        for number in range(frames):
            yield frame(number)
        await spoken.wait()

    return Voice(said(), lambda position: 0.0)


def wearing(device: Device, url: str, voice: Voice) -> Wearing:
    from clients.glasses.display import Display
    from clients.glasses.figures import Figures

    display = Display(Wall(), device.reader, Figures(), device.said.append)
    hello = Hello("glasses", reads=["es"], hears=["en"], audio=Pcm16(16_000))
    return Wearing(
        lambda: Link(url, "lab", hello), device.reader, display, voice, fallback=device.fallback
    )


async def test_a_child_that_hangs_keeps_no_sound_from_the_server() -> None:
    got, spoken = bytearray(), asyncio.Event()

    async def scene(peer: Peer) -> None:
        await peer.hear()
        await peer.tell(WELCOME)
        while len(got) < 30 * 2 * FRAME:
            heard = await peer.hear()
            got.extend(heard if isinstance(heard, bytes) else b"")
        await peer.tell(DRAINED)

    @asynccontextmanager
    async def never() -> AsyncIterator[Ready]:
        await asyncio.Event().wait()
        yield Ready("", "", [])

    device = Device()
    device.fallback._start = never
    async with server(scene) as url, asyncio.timeout(10):
        await wearing(device, url, speech(30, spoken)).run()
    assert len(got) == 30 * 2 * FRAME


async def test_it_hears_before_there_ever_was_a_server_and_nothing_while_muted() -> None:
    got, spoken = list[object](), asyncio.Event()

    async def scene(peer: Peer) -> None:
        await hello(peer)
        got.append(await peer.hear())
        await ended(peer)

    device = Device()
    async with server(scene) as device.url, asyncio.timeout(10):
        device.reader.status.muted = True
        worn = wearing(device, "http://127.0.0.1:9", speech(3, spoken))
        running = asyncio.create_task(worn.run())
        await until(lambda: device.started)
        assert device.fallback.heard.oldest == 0 and not device.fallback.heard._frames
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        device.reader.status.muted = False
        worn = wearing(device, "http://127.0.0.1:9", speech(3, spoken))
        worn.fallback.absent = lambda: 3.0  # type: ignore[union-attr]
        running = asyncio.create_task(worn.run())
        await until(lambda: got)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert got and isinstance(got[0], bytes)


async def test_muted_before_there_is_a_server_it_is_told_so() -> None:
    got, spoken = list[object](), asyncio.Event()

    async def scene(peer: Peer) -> None:
        await peer.hear()
        await peer.tell(WELCOME)
        got.append(await peer.hear())
        await peer.tell(DRAINED)

    device = Device()
    device.away = 0.0
    async with server(scene) as url, asyncio.timeout(10):
        worn = wearing(device, url, speech(0, spoken))
        worn.reader.status.muted = True
        await worn.run()
    assert got == [Mute(True)]


async def test_who_comes_late_hears_what_is_kept_and_then_what_comes() -> None:
    heard, got = Heard(keep=3 * FRAME), list[int]()
    for number in range(5):
        heard.push(frame(number))

    async def listen() -> None:
        async for one in heard.since(0):
            got.append(one.start // FRAME)

    task = asyncio.create_task(listen())
    await until(lambda: got == [2, 3, 4])
    heard.push(frame(5))
    heard.end()
    await task
    assert got == [2, 3, 4, 5]
