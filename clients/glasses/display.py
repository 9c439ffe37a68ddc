"""Keep one display showing what its wearer reads; whoever hears and speaks never waits for it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from .drivers import DisplayError, Driver
from .figures import Figures
from .reader import Reader

OPENING = 30.0  # seconds a display may take to be found
SHOWING = 5.0  # seconds it may take for one screen
CLOSING = 2.0
CHECK = 2.0  # seconds without a screen, after which a display is asked whether it is still there
RETRY = 0.5, 5.0  # seconds until the next try: the first, doubling to the longest


class Display:
    """`run` shows until it is cancelled; `wake` tells it that there is something new.

    A driver that fails is opened again, later and later; the first failure and the return are said.
    """

    def __init__(
        self,
        driver: Driver,
        reader: Reader,
        figures: Figures,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.driver = driver
        self.reader = reader
        self.figures = figures
        self.say = say
        self.clock = clock
        self._news = asyncio.Event()
        self._rested = asyncio.Event()
        self._failed = False

    def wake(self) -> None:
        """There is something new to show, perhaps."""
        self._news.set()

    async def run(self) -> None:
        """Show whatever there is."""
        wait = RETRY[0]
        while True:
            screens = self.figures.screens
            try:
                await self._opened()
                await self._show()
            except DisplayError as error:
                if not self._failed:
                    self.say(f"{error}; trying again")
                self._failed = True
            finally:
                await self._closed()
            if self.figures.screens > screens:
                wait = RETRY[0]
            await asyncio.sleep(wait)
            wait = min(2 * wait, RETRY[1])

    async def all_shown(self) -> None:
        """Wait until nothing waits to be shown."""
        self._rested.clear()
        self.wake()
        await self._rested.wait()

    async def _opened(self) -> None:
        async with _within(OPENING, f"was not ready in {OPENING:.0f} s"):
            await self.driver.open()
        self.reader.pacer.lost()

    async def _show(self) -> None:
        while True:
            now = self.clock()
            screen = self.reader.screen(now)
            if screen is None:
                await self._rest(now)
                continue
            changes = self.reader.drawn()
            async with _within(SHOWING, f"did not take a screen in {SHOWING:.0f} s"):
                await self.driver.show(screen)
            self.reader.pacer.shown(screen, now)
            self.figures.drawn(changes, now, self.clock() - now, self.reader.me)
            if self._failed:
                self._failed = False
                self.say("the display is back")

    async def _rest(self, now: float) -> None:
        """Until something is new, or is due."""
        due = self.reader.due(now)
        self._news.clear()
        if now >= self.reader.pacer.soonest() and not self.reader.pacer.behind:
            self._rested.set()
        wait = CHECK if due is None else min(CHECK, max(0.0, due - now))
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._news.wait()
        if not self._news.is_set() and wait == CHECK:
            async with _within(SHOWING, f"did not answer in {SHOWING:.0f} s"):
                await self.driver.check()

    async def _closed(self) -> None:
        with suppress(DisplayError, TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self.driver.close()


@asynccontextmanager
async def _within(seconds: float, what: str) -> AsyncIterator[None]:
    """A time limit of which the end is a DisplayError."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as late:
        raise DisplayError(f"the display {what}") from late
