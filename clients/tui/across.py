"""The newest words in huge letters, in place of the conversation."""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from clients.plain import clean

from .big import Band, Said, named, page
from .blocks import Block
from .captions import Captions

LATEST = 12  # blocks that could fit: a huge line each


class Across(Widget):
    """Draws what the captions hold, as much of the newest as fits."""

    DEFAULT_CSS = "Across { padding: 0 1; display: none; height: 1fr; }"

    def __init__(self, captions: Captions) -> None:
        super().__init__()
        self.captions = captions
        self._lines: list[list[Segment]] = []

    def redraw(self) -> None:
        """Something has been said."""
        width, height = self.content_size
        blocks = self.captions.blocks.shown[-LATEST:]
        self._lines = self.drawn(page([said(b) for b in blocks if b.texts], width, height))
        self.refresh()

    def on_resize(self) -> None:
        self.redraw()

    def on_show(self) -> None:
        self.redraw()

    def drawn(self, bands: list[Band]) -> list[list[Segment]]:
        """The rows of these lines, with names where the speaker changes."""
        captions, found = self.captions, list[list[Segment]]()
        styles = captions.look.draft, captions.look.text + Style(bold=True)
        for number, band in enumerate(bands):
            if named(bands, number):
                name = clean(captions.lines.name(band.speaker))
                found.append([Segment(name, captions.colour(band.speaker))])
            found += [[Segment(text, styles[sure]) for text, sure in row] for row in band.rows]
        return found

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width = self.content_size.width
        if y >= len(self._lines):
            return Strip.blank(width, self.captions.look.page)
        return Strip(self._lines[y]).adjust_cell_length(width).apply_style(self.captions.look.page)


def said(block: Block) -> Said:
    """What a block says to its reader; its last text is what is read, those before are source."""
    text = block.texts[-1]
    rows = [row for row in block.rows if row.line == len(block.texts) - 1]
    sure = max((row.start + len(row.sure) for row in rows if row.sure), default=0)
    return Said(block.speaker, text, sure)
