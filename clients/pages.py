"""Captions on standard output: growing in place on a terminal, else a line for each final."""

import shutil
from collections.abc import Callable
from typing import TextIO

from streaming.messages import Caption

from .lines import Change, LineKey
from .plain import clean, columns, split_rows

DIM, NORMAL = "\x1b[2m", "\x1b[22m"
CLEAR_BELOW = "\x1b[J"

Size = Callable[[], tuple[int, int]]


class Page:
    """One line for each final: `es | …`."""

    def __init__(self, out: TextIO, name: Callable[[str], str] = lambda speaker: "") -> None:
        self.out = out
        self.name = name

    def show(self, change: Change) -> None:
        """Draw the line that changed."""
        if change.caption is not None and change.caption.final:
            print(self.label(change.caption) + text(change.caption), file=self.out, flush=True)

    def label(self, caption: Caption) -> str:
        """What a line begins with: its language, after the speaker's name if that is needed."""
        return f"{clean(self.name(caption.speaker))} {caption.language} | ".lstrip()


class Growing(Page):
    """Open lines at the bottom, repainted in place with the draft dim; finals stay above them."""

    def __init__(
        self,
        out: TextIO,
        name: Callable[[str], str] = lambda speaker: "",
        size: Size = shutil.get_terminal_size,
    ) -> None:
        super().__init__(out, name)
        self.size = size
        self.open: dict[LineKey, Caption] = {}
        self.widths: list[int] = []
        """Columns of each row painted last: on a terminal made narrower they fill more rows."""

    def show(self, change: Change) -> None:
        """Repaint what is below the finals."""
        self.open.pop(change.key, None)
        painting = self.erased()
        self.widths = []
        if change.caption is not None and change.caption.final:
            width = max(8, self.size()[0] - 1)
            painting += "".join(row + "\n" for row in self.painted_line(change.caption, width))
        elif change.caption is not None:
            self.open[change.key] = change.caption
        self.out.write(painting + self.painted())
        self.out.flush()

    def erased(self) -> str:
        """What takes the rows painted last off the terminal."""
        width = self.size()[0]
        up = sum(max(1, -(-used // width)) for used in self.widths)
        return f"\r\x1b[{up}A{CLEAR_BELOW}" if up else ""

    def painted(self) -> str:
        """The open lines; their last rows when they do not all fit on the terminal."""
        width, height = self.size()
        shown: list[str] = []
        for caption in self.open.values():
            shown += self.painted_line(caption, max(8, width - 1))
        shown = shown[-max(1, height - 2) :]
        self.widths = [columns(row.replace(DIM, "").replace(NORMAL, "")) for row in shown]
        return "".join(row + "\n" for row in shown)

    def painted_line(self, caption: Caption, width: int) -> list[str]:
        """One line as rows, what may still change in dim."""
        label = self.label(caption)
        whole = label + text(caption)
        sure = len(whole) if caption.final else len(label) + len(clean(caption.stable).lstrip())
        halves = split_rows(whole, sure, width)
        return [first + (DIM + rest + NORMAL if rest else "") for first, rest in halves]


def text(caption: Caption) -> str:
    """What a line says, harmless and without spaces around it."""
    return clean(caption.text).strip()
