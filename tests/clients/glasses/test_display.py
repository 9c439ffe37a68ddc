"""A display that fails is tried again, and nobody waits for it."""

import asyncio

import pytest

from clients.glasses import display
from clients.glasses.display import Display
from clients.glasses.drivers import DisplayError, Driver
from clients.glasses.faces import Cells
from clients.glasses.figures import Figures
from clients.glasses.layout import Layout
from clients.glasses.profiles import profile
from clients.glasses.reader import Reader
from clients.glasses.screen import Screen
from tests.clients.fakes import caption
from tests.clients.glasses.desk import ROSTER, WELCOME


class Wall(Driver):
    """Remembers what it showed; fails or hangs when it is told to."""

    def __init__(self) -> None:
        self.screens: asyncio.Queue[Screen] = asyncio.Queue()
        self.fails = ""
        self.hangs = False
        self.opened = self.closed = 0

    async def open(self) -> None:
        self.opened += 1
        if self.fails:
            raise DisplayError(self.fails)

    async def show(self, screen: Screen) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails:
            raise DisplayError(self.fails)
        self.screens.put_nowait(screen)

    async def close(self) -> None:
        self.closed += 1

    async def showing(self, text: str) -> None:
        """Wait until a screen says this."""
        async with asyncio.timeout(5):
            while text not in (await self.screens.get()).text:
                pass


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def worn(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(display, "RETRY", (0.0, 0.0))
    said: list[str] = []
    reader = Reader(Layout(profile("terminal"), Cells()), ["en"])
    shown = Display(wall, reader, Figures(), said.append)
    shown.said = said  # type: ignore[attr-defined]
    reader.push(WELCOME, shown.clock())
    reader.push(ROSTER, shown.clock())
    task = asyncio.create_task(shown.run())
    yield shown
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert wall.closed == wall.opened


def tell(worn: Display, words: str) -> None:
    worn.reader.push(caption(words), worn.clock())
    worn.wake()


async def test_what_is_said_is_shown(worn: Display, wall: Wall) -> None:
    tell(worn, "good morning")
    await wall.showing("A: good morning")


async def test_a_display_that_fails_is_opened_again_and_gets_what_it_missed(
    worn: Display, wall: Wall
) -> None:
    tell(worn, "before")
    await wall.showing("before")
    wall.fails = "its cable is loose"
    tell(worn, "meanwhile")
    async with asyncio.timeout(5):
        while wall.opened < 4:
            await asyncio.sleep(0)
    wall.fails = ""
    await wall.showing("meanwhile")
    tell(worn, "after")
    await wall.showing("after")
    said = worn.said  # type: ignore[attr-defined]
    assert said == ["its cable is loose; trying again", "the display is back"]


async def test_a_display_that_hangs_is_left_and_opened_again(
    worn: Display, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display, "SHOWING", 0.01)
    tell(worn, "before")
    await wall.showing("before")
    wall.hangs = True
    tell(worn, "meanwhile")
    async with asyncio.timeout(5):
        while wall.opened < 2:
            await asyncio.sleep(0)
    wall.hangs = False
    await wall.showing("meanwhile")
    said = worn.said  # type: ignore[attr-defined]
    assert said[0].startswith("the display did not take a screen")


async def test_all_is_shown_in_the_end(worn: Display, wall: Wall) -> None:
    tell(worn, "the last words")
    async with asyncio.timeout(5):
        await worn.all_shown()
    assert wall.screens.get_nowait() is not None


async def test_what_is_drawn_is_counted(worn: Display, wall: Wall) -> None:
    tell(worn, "good morning")
    await wall.showing("good morning")
    assert worn.figures.screens >= 1
    assert "screens in" in worn.figures.report()[0]
