"""A server that is killed, hangs and comes back, and glasses that caption by themselves meanwhile.

Real processes, real engines, real time: who speaks is captioned throughout, each sentence once.
"""

import asyncio
import os
import shutil
import signal
import socket
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from clients import child
from clients.audio import Pace, opened, source
from clients.glasses.display import Display
from clients.glasses.faces import Cells
from clients.glasses.fallback import Fallback
from clients.glasses.figures import Figures
from clients.glasses.handover import MOST, SKEW
from clients.glasses.layout import Layout
from clients.glasses.profiles import profile
from clients.glasses.reader import Reader
from clients.glasses.wearing import Wearing
from clients.lines import Change, LineKey
from clients.opus import OpusLink
from clients.tui.sound import Voice
from streaming.messages import Caption, Hello, Opus, ServerMessage
from streaming.values import SAMPLE_RATE, AudioFrame
from tests.clients.glasses.test_bad_network import Dummy

CLIP = Path(__file__).parents[3] / "loadtest" / "conversation" / "alan.flac"
LOUD, PAUSE = 300, 9  # what is no silence; and so many frames of it are kept
PORTS = range(20_000, 30_000)  # below those that connections get: nobody takes it meanwhile
GOES, COMES = 7.0, 14.0  # seconds
AFTERWARDS = 9.0  # seconds that are said once the server captions again
LONGEST = 90.0  # seconds for all of it

pytestmark = [
    pytest.mark.engine,
    pytest.mark.socket,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(find_spec("pocketsphinx") is None, reason="nothing hears English here"),
    pytest.mark.skipif(shutil.which("apertium") is None, reason="nothing translates here"),
]


async def speech(
    acts: dict[float, Callable[[], None]], handed_back: Callable[[], bool]
) -> AsyncIterator[AudioFrame]:
    """One person speaks until there was enough of it; at those seconds something happens."""
    position, due, enough = 0, sorted(acts), LONGEST * SAMPLE_RATE
    while position < enough:
        async for frame in without_pauses(await opened(source(str(CLIP)))):
            while due and position >= due[0] * SAMPLE_RATE:
                acts[due.pop(0)]()
            if handed_back():
                enough = min(enough, position + AFTERWARDS * SAMPLE_RATE)
            if position >= enough:
                return
            yield AudioFrame(position, frame.pcm)
            position += frame.end - frame.start


async def without_pauses(frames: AsyncIterator[AudioFrame]) -> AsyncIterator[AudioFrame]:
    """The same frames, but no silence that is longer than it takes to end a line."""
    quiet = 0
    async for frame in frames:
        quiet = 0 if max(array("h", frame.pcm)) > LOUD else quiet + 1
        if quiet <= PAUSE:
            yield frame


@dataclass
class Worn:
    """What the wearer saw, and what either side said."""

    reader: Reader = field(
        default_factory=lambda: Reader(Layout(profile("terminal"), Cells()), ["es"])
    )
    display: Dummy = field(default_factory=Dummy)
    shown: dict[LineKey, Caption] = field(default_factory=dict)
    server: list[Caption] = field(default_factory=list)
    local: list[Caption] = field(default_factory=list)
    """The finals of each."""
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        push, stand_in, put = self.reader.push, self.reader.stand_in, self.reader._put

        def pushed(message: ServerMessage, now: float) -> Sequence[Change]:
            if isinstance(message, Caption) and message.final and message.text:
                self.server.append(message)
            return push(message, now)

        def stood_in(caption: Caption, now: float) -> Sequence[Change]:
            if caption.final and caption.text:
                self.local.append(caption)
            return stand_in(caption, now)

        def was_put(change: Change, now: float) -> None:
            if change.caption is None:
                self.shown.pop(change.key, None)
            else:
                self.shown[change.key] = change.caption
            put(change, now)

        self.reader.push, self.reader.stand_in = pushed, stood_in  # type: ignore[method-assign]
        self.reader._put = was_put  # type: ignore[method-assign]


def free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


class Server:
    """The real one, at one address whenever it is there."""

    def __init__(self, stack: AsyncExitStack, *options: str) -> None:
        self.port = next(port for port in PORTS if free(port))
        self.options = ["--port", str(self.port), *options]
        self.stack = stack
        self.tasks: list[asyncio.Task[None]] = []
        self.pid = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        made = child.server("embedded", options=self.options)
        ready = await self.stack.enter_async_context(made)
        assert ready.child is not None
        self.pid = ready.child.process.pid

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def hang(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        self.tasks.append(asyncio.create_task(self.start()))


async def wear(server: Server, goes: Callable[[], None], comes: Callable[[], None]) -> Worn:
    """Wear glasses while the server goes and comes back."""
    worn, pace = Worn(), Pace()
    acts = {GOES: goes, COMES: comes}
    frames = speech(acts, lambda: "the server is back" in worn.said)
    voice = Voice(pace(frames), pace.captured)
    display = Display(worn.display, worn.reader, Figures(voice.captured), worn.said.append)
    hello = Hello("glasses", ["es"], ["en"], Opus())
    fallback = Fallback(
        lambda: child.server("embedded"), "lab", hello, worn.reader, worn.said.append, display.wake
    )
    wearing = Wearing(
        lambda: OpusLink(server.url, "lab", hello, patience=60),
        worn.reader,
        display,
        voice,
        ends=True,
        say=worn.said.append,
        fallback=fallback,
    )
    try:
        async with asyncio.timeout(LONGEST + 60):
            await wearing.run()
    finally:
        for task in server.tasks:
            await task  # should it not have started, that is why
    return worn


def covered(caption: Caption, others: Sequence[Caption]) -> float:
    """The share of its stretch in which one of the others has words."""
    found, place = 0, caption.start
    for one in sorted(others, key=lambda one: one.start):
        start, end = max(one.start - SKEW, place), min(one.end + SKEW, caption.end)
        found += max(0, end - start)
        place = max(place, end)
    return found / max(1, caption.end - caption.start)


def assert_each_sentence_once(worn: Worn) -> None:
    shown = list(worn.shown.values())
    assert all(one.final for one in shown), "a line was left open"
    for final in worn.server + worn.local:
        assert covered(final, shown) >= MOST, f"{final.text!r} was lost"
    for final in shown:
        others = [one for one in shown if one is not final]
        assert covered(final, others) < MOST, f"{final.text!r} was shown twice"
        rows = {row.text for row in worn.reader.layout.caption(final, _mark(final))}
        assert rows <= worn.display.rows, f"{final.text!r} was not on the display"


def _mark(caption: Caption) -> str:
    return "~" if caption.degraded == "fallback" else ""


def assert_handed_over_and_back(worn: Worn) -> None:
    ours = [one for one in worn.shown.values() if one.degraded == "fallback"]
    away = range(round((GOES + 1) * SAMPLE_RATE), round((COMES - 1) * SAMPLE_RATE))
    assert any(one.start < away.stop and away.start < one.end for one in ours)
    assert any("no server" in row and "here" in row for row in worn.display.rows)
    newest = max(worn.shown.values(), key=lambda one: one.end)
    assert newest.degraded != "fallback", "it was never handed back"
    heard = [one for one in worn.server if one.start < away.stop and away.start < one.end]
    assert heard, "the room has heard nothing of what was said meanwhile"
    assert "the server is back" in worn.said


@pytest.mark.parametrize("kept", [True, False], ids=["with its journal", "from nothing"])
async def test_while_a_server_is_killed_and_started_again(kept: bool, tmp_path: Path) -> None:
    journal = ("--journal", str(tmp_path)) if kept else ()
    async with AsyncExitStack() as stack:
        server = Server(stack, *journal)
        await server.start()
        worn = await wear(server, server.kill, server.restart)
    assert_handed_over_and_back(worn)
    assert_each_sentence_once(worn)


async def test_while_a_server_hangs() -> None:
    async with AsyncExitStack() as stack:
        server = Server(stack)
        await server.start()
        worn = await wear(server, server.hang, server.wake)
    assert_handed_over_and_back(worn)
    assert_each_sentence_once(worn)
