"""A head-up display in a terminal: what the wearer of any glasses would see."""

import shutil
import sys

from clients.console import Problem
from clients.glasses.faces import Face
from clients.glasses.profiles import Profile
from clients.glasses.screen import Row, Screen
from clients.plain import columns

from . import Driver, Place

UP, CLEAR_LINE, HIDE, SHOW = "\x1b[{}A", "\x1b[2K", "\x1b[?25l", "\x1b[?25h"
COLOURS = {"caption": "\x1b[92m", "source": "\x1b[36m", "state": "\x1b[7m"}
DIM, NORMAL = "\x1b[2m", "\x1b[0m"


class Terminal(Driver):
    """Draws at the end of what is there, and over itself; every row in one write."""

    def __init__(self, profile: Profile, face: Face, place: Place) -> None:
        if not sys.stdout.isatty():
            raise Problem("there is no terminal here: choose another --driver, such as svg")
        self.width = profile.columns
        self.lines = profile.lines
        self._drawn = False

    async def open(self) -> None:
        """Begin below what is there."""
        self._drawn = False
        sys.stdout.write(HIDE)
        await self.show(Screen())

    async def show(self, screen: Screen) -> None:
        """Draw a frame with the rows in it, as wide as the display."""
        width = min(self.width, shutil.get_terminal_size().columns - 4)
        rows = [*screen.rows, *[Row()] * (self.lines - len(screen.rows))]
        edge = "─" * (width + 2)
        drawn = [f"╭{edge}╮", *(self._row(row, width) for row in rows), f"╰{edge}╯"]
        back = UP.format(len(drawn)) if self._drawn else ""
        self._drawn = True
        sys.stdout.write(back + "".join(f"\r{CLEAR_LINE}{line}\n" for line in drawn))
        sys.stdout.flush()

    async def close(self) -> None:
        """The last screen stays above the prompt."""
        sys.stdout.write(SHOW)
        sys.stdout.flush()

    def _row(self, row: Row, width: int) -> str:
        sure, draft = row.halves
        rest = f"{DIM}{draft}{NORMAL}" if draft else ""
        gap = " " * max(0, width - columns(row.text))
        return f"│ {COLOURS[row.tone]}{sure}{rest}{NORMAL}{gap} │"
