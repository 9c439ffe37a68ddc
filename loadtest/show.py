"""Ways to watch a conversation: in the terminal's app, as lines of text, as one picture."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from clients.latency import Meter
from clients.lines import Change, Lines
from clients.plain import clean
from clients.tui.app import RoomApp
from clients.tui.status import Status
from clients.words import Troubles, sentence
from streaming.messages import State

from .people import Reader

Show = Callable[[Reader, Meter], Awaitable[bool]]
"""Shows what the reader reads; whether that was all of it, or whoever watched has left."""

LINGER_S = 4.0  # seconds the last captions stay to be read
QUIET_S = 5.0  # seconds without a line after which a sign of life is printed
PICTURED = (100, 30)  # columns and rows
PICTURE_FROM_S = 40.0  # when the conversation is in full flow


def app(reader: Reader, late: Meter, linger: float | None) -> RoomApp:
    """The app as the reader sees it."""
    link = reader.link
    status = Status(link.room, reads=link.hello.reads)
    return RoomApp(reader.messages(), status, source=True, meter=late, linger=linger)


async def terminal(reader: Reader, late: Meter) -> bool:
    """In the app, until it is over or somebody presses q."""
    shown = app(reader, late, LINGER_S)
    await shown.run_async()
    return shown.over


async def plain(reader: Reader, late: Meter) -> bool:
    """A line for each final, and a sign of life when there is none for a while."""
    page = Lined()
    alive = asyncio.create_task(page.signs_of_life())
    try:
        async for message in reader.messages():
            if isinstance(message, State):
                page.troubled(message)
            change = page.lines.push(message)
            if change is not None:
                page.show(change)
    finally:
        alive.cancel()
    return True


def picture(file: Path) -> Show:
    """The app without a terminal, until a picture of it in mid-sentence can be saved."""

    async def drawn(reader: Reader, late: Meter) -> bool:
        shown = app(reader, late, None)
        camera = asyncio.create_task(_photographed(shown, file))
        await shown.run_async(headless=True, size=PICTURED)
        await camera
        return shown.over

    return drawn


async def _photographed(shown: RoomApp, file: Path) -> None:
    """Wait for the moment, save, leave."""
    began = time.monotonic()
    while not shown.over:
        await asyncio.sleep(0.05)
        growing = [line for line in shown.lines.open() if line.draft.strip()]
        if growing and time.monotonic() - began > PICTURE_FROM_S:
            break
    file.write_text(without_fonts(shown.export_screenshot(title="surtitle")), encoding="utf-8")
    shown.exit()


def without_fonts(svg: str) -> str:
    """The picture without links to fonts on the web: the viewer's own will do."""
    return re.sub(r"\s*@font-face\s*\{[^}]*\}", "", svg)


class Lined:
    """Finals as lines of text on standard output."""

    def __init__(self) -> None:
        self.lines = Lines()
        self.troubles = Troubles()
        self.began = self.printed = time.monotonic()

    def show(self, change: Change) -> None:
        """Print a final: the speaker's words, or an arrow and the translation."""
        caption = change.caption
        if caption is None or not caption.final:
            return
        name = clean(self.lines.name(caption.speaker))[:12]
        arrow = "→ " if caption.kind == "translation" else "  "
        self.print(f"{name:<8} {arrow}{caption.language}  {clean(caption.text).strip()}")

    def troubled(self, state: State) -> None:
        """Print what does not work."""
        if state.level != "drained" and self.troubles.push(state):
            self.print(f"({sentence(state)})")

    async def signs_of_life(self) -> None:
        """Print the time whenever nothing else has been printed for a while."""
        while True:
            await asyncio.sleep(1)
            if time.monotonic() - self.printed >= QUIET_S:
                self.print(f"({time.monotonic() - self.began:.0f} s …)")

    def print(self, line: str) -> None:
        """Print it now."""
        print(line, flush=True)
        self.printed = time.monotonic()
