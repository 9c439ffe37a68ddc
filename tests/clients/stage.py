"""The app on a stage: what it is told, what is on its screen, what its keys asked for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Static

from clients.console import Problem
from clients.latency import Captured
from clients.tui.app import RoomApp
from clients.tui.blocks import Block
from clients.tui.status import Status
from streaming.messages import Message, ServerMessage
from tests.clients.fakes import ROSTER, WELCOME, caption

WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


class Stage:
    """The app, what it is told, and what is on its screen."""

    def __init__(self, app: RoomApp, pilot: Pilot[None], told: asyncio.Queue[Any]) -> None:
        self.app = app
        self.pilot = pilot
        self.told = told

    async def tell(self, *messages: Message | Exception | None) -> None:
        """Say it, and wait until it is drawn."""
        for message in messages:
            self.told.put_nowait(message)
        await self.settled()

    async def settled(self) -> None:
        """Wait until all is drawn."""
        for _ in range(3):
            await self.pilot.pause()

    async def left(self) -> None:
        """Wait until the app has ended."""
        async with asyncio.timeout(2):
            while self.app.is_running:
                await asyncio.sleep(0)

    @property
    def blocks(self) -> list[Block]:
        """From top to bottom, those that can be read."""
        return self.app.captions.blocks.shown

    @property
    def texts(self) -> list[str]:
        """Names and words of each block, as they stand there."""
        found = []
        for block in self.blocks:
            name = self.app.captions.margin(block, 0).text.strip()
            words = "\n".join(row.sure + row.draft for row in block.rows)
            found.append(f"{name} {words}".strip())
        return found

    @property
    def screen(self) -> list[str]:
        """The rows of the screen."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in line).rstrip() for line in strips]

    def row(self, name: str) -> str:
        """What the row of this name says."""
        return str(self.app.query_one(f"#{name}", Static).content)

    async def press(self, *keys: str) -> None:
        """Press these keys, one after the other, and wait until all is drawn."""
        await self.pilot.press(*keys)
        await self.settled()

    def is_dim(self, text: str) -> bool:
        """Whether this text on the screen is dimmer than what is certain."""
        for line in self.app.screen._compositor.render_strips():
            for segment in line:
                if text in segment.text:
                    assert segment.style is not None and segment.style.color is not None
                    colour = segment.style.color.get_truecolor()
                    return bool(segment.style.dim) or max(colour) < 0xD0
        raise AssertionError(f"{text!r} is not on the screen")


class Keys:
    """Remembers what the keys asked for."""

    def __init__(self, refuses: str = "") -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.refuses = refuses
        """Why no other language can be spoken, if none can."""

    async def mute(self, on: bool) -> None:
        self.asked.append(("mute", on))

    async def show_source(self, on: bool) -> None:
        self.asked.append(("source", on))

    async def read(self, reads: Sequence[str], source: bool) -> None:
        self.asked.append(("read", *reads, source))

    async def hear(self, hears: Sequence[str]) -> Captured | None:
        self.asked.append(("hear", *hears))
        if self.refuses:
            raise Problem(self.refuses)
        return (lambda position: position / 16_000) if hears else None

    async def steady(self, stability: str) -> None:
        self.asked.append(("steady", stability))

    async def ping(self, t: float) -> None:
        """Goes nowhere."""


@asynccontextmanager
async def stage(
    size: tuple[int, int] = (80, 24), status: Status | None = None, **options: Any
) -> AsyncIterator[Stage]:
    """The app on a screen of this size, welcomed into a room with Alan and Rosa."""
    told: asyncio.Queue[Any] = asyncio.Queue()

    async def messages() -> AsyncIterator[ServerMessage]:
        while (message := await told.get()) is not None:
            if isinstance(message, Exception):
                raise message
            yield message

    app = RoomApp(messages(), status or Status("kitchen", reads=["es"]), **options)
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        found = Stage(app, pilot, told)
        await found.tell(WELCOME, ROSTER)
        yield found


def spanish(stable: str, draft: str = "", **fields: Any) -> Message:
    return caption(stable, draft, language="es", **fields)
