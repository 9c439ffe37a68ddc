"""The conversation on the screen: who in the margin, once per turn, and the words beside it.

It draws the rows that are in view and no others, so that an evening's talk costs no more than its
first minute. The view stays at the newest row unless the reader has scrolled up.
"""

from collections.abc import Collection

from rich.segment import Segment
from rich.style import Style
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from clients.lines import Change, Lines
from clients.plain import clean, columns, wrap

from .blocks import Block, Blocks, Row

COLOURS = ("#7dcfff", "#ffb86c", "#a6e3a1", "#f5a9d0", "#e0d561", "#b4a7f5")
MARGIN = 10  # columns for the name
KEPT = 2_000  # blocks: hours of talk

DRAFT = Style(dim=True)
SOURCE = Style(color="#8b94a3", italic=True)


class Captions(ScrollView, can_focus=True):
    """Give it every change of a line."""

    DEFAULT_CSS = """
    Captions { padding: 0 1; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    def __init__(self, lines: Lines, reads: Collection[str], source: bool) -> None:
        super().__init__()
        self.lines = lines
        self.blocks = Blocks(lines, reads, source, KEPT)
        self.colours: dict[str, Style] = {}

    def on_mount(self) -> None:
        self.anchor()

    def on_resize(self, _: Resize) -> None:
        width = max(8, self.scrollable_content_region.width - MARGIN)
        if width != self.blocks.width:
            self.blocks.lay(width, self.blocks.source)
        self.redraw()

    def show(self, change: Change) -> None:
        """Draw one line."""
        self.blocks.push(change)
        if self.is_vertical_scroll_end:  # nobody is reading what would go
            self.blocks.trim()
        self.redraw()

    def show_source(self, on: bool) -> None:
        """Whether the speakers' own words are shown beside the translations."""
        self.blocks.lay(self.blocks.width, on)
        self.redraw()

    def redraw(self) -> None:
        """Draw what is in view anew: rows, names or their places have changed."""
        region = self.scrollable_content_region
        # At least as high as the view: a short talk begins at its top.
        self.virtual_size = Size(region.width, max(region.height, self.blocks.height))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width = self.scrollable_content_region.width
        found = self.blocks.row(y + self.scroll_offset.y)
        if found is None:
            return Strip.blank(width, self.rich_style)
        block, number = found
        strip = Strip([self.margin(block, number), *segments(block.rows[number])])
        return strip.adjust_cell_length(width).apply_style(self.rich_style)

    def margin(self, block: Block, number: int) -> Segment:
        """The name, in the row where a turn begins."""
        begins = block.begins and number == 0
        name = wrap(clean(self.lines.name(block.speaker)), MARGIN - 1)[0] if begins else ""
        return Segment(name + " " * (MARGIN - columns(name)), self.colour(block.speaker))

    def colour(self, speaker: str) -> Style:
        """Each speaker's own, for as long as this is open."""
        new = Style(color=COLOURS[len(self.colours) % len(COLOURS)], bold=True)
        return self.colours.setdefault(speaker, new)


def segments(row: Row) -> list[Segment]:
    """A row in its styles: the words as they are, never as markup."""
    style = SOURCE if row.source else Style()
    return [Segment(row.sure, style), Segment(row.draft, style + DRAFT)]
