"""The conversation on the screen: who in the margin, once per turn, and the words beside it.

It draws the rows that are in view and no others, so that an evening's talk costs no more than its
first minute. The view follows the newest row unless the reader has gone back; then what is being
read stays in its place, whatever happens above or below it.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from clients.lines import Change, Lines
from clients.plain import clean, columns, wrap

from .blocks import Block, Blocks, Gaps, Row
from .colours import DARK, Speakers
from .looks import Look, look
from .search import Search

MARGIN = 10  # columns for the name
KEPT = 2_000  # blocks: hours of talk
GAPS = {1: Gaps(0, 0), 2: Gaps(0, 1), 3: Gaps(1, 2)}
"""Free rows for one, two or three lines a caption."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a reader who has gone back looks at: a block, and where in it the view begins."""

    block: Block
    line: int
    place: int
    above: int
    """Rows between the top of the view and this."""


class Captions(ScrollView, can_focus=True, inherit_bindings=False):
    """Give it every change of a line."""

    DEFAULT_CSS = """
    Captions { padding: 0 1; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    class Moved(Message):
        """The reader has gone back, or has found the newest line again."""

    def __init__(self, lines: Lines, reads: Collection[str], source: bool) -> None:
        super().__init__()
        self.lines = lines
        self.blocks = Blocks(lines, reads, source, KEPT)
        self.speakers = Speakers()
        self.look: Look = look(DARK)
        self.density = 2
        self.search = Search()
        self.following = True
        """Whether the newest row is kept in view."""
        self.missed = 0
        """Blocks that have come since the reader went back."""

    def on_resize(self, _: Resize) -> None:
        width = max(8, self.scrollable_content_region.width - MARGIN)
        if width != self.blocks.width:
            self.relay(lambda: self.blocks.lay(width, self.blocks.source))
        self.redraw()

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        following = round(new) >= self.max_scroll_y
        if following != self.following:
            self.following = following
            self.missed = 0
            self.post_message(self.Moved())

    def show(self, change: Change) -> None:
        """Draw one line."""
        count = len(self.blocks.shown)
        if self.following:
            block = self.blocks.push(change)
            if block is not None:
                self.refresh_lines(block.top, len(block.rows))
            else:
                self.blocks.trim()  # nobody is reading what goes
                self.redraw()
        else:
            self.relay(lambda: self.blocks.push(change))
            self.missed += max(0, len(self.blocks.shown) - count)
        if self.search.query:
            self.search.refresh(self.blocks.shown)
            self.refresh()

    def show_source(self, on: bool) -> None:
        """Whether the speakers' own words are shown beside the translations."""
        self.relay(lambda: self.blocks.lay(self.blocks.width, on))

    def read(self, reads: Sequence[str]) -> None:
        """From now on these languages are read."""
        self.relay(lambda: self.blocks.read(reads))

    def space(self, density: int) -> None:
        """One, two or three lines a caption."""
        self.density = density
        gaps = GAPS[density]
        self.relay(lambda: self.blocks.lay(self.blocks.width, self.blocks.source, gaps))

    def relay(self, change: Callable[[], object]) -> None:
        """Lay rows anew, and keep in its place what a reader who has gone back is reading."""
        held = None if self.following else self.held()
        change()
        self.redraw()
        if held is not None and held.block.rows:
            row = held.block.top + held.block.row_of(held.line, held.place)
            self.go(row - held.above)

    def held(self) -> Held | None:
        """What stands at the top of the view."""
        top = self.scroll_offset.y
        block = self.blocks.under(top)
        if block is None:
            return None
        own = max(0, top - block.top)
        row = block.rows[own]
        return Held(block, row.line, row.start, block.top + own - top)

    def redraw(self) -> None:
        """Draw what is in view anew: rows, names or their places have changed."""
        region = self.scrollable_content_region
        # At least as high as the view: a short talk begins at its top.
        self.virtual_size = Size(region.width, max(region.height, self.blocks.height))
        if self.following:
            self.go(self.max_scroll_y)
        self.refresh()

    def go(self, row: float) -> None:
        """Put this row at the top of the view, at once."""
        row = max(0, min(row, self.max_scroll_y))
        self.scroll_to(y=row, animate=False, force=True, immediate=True)

    def newest(self) -> None:
        """To the newest row, and follow it."""
        self.go(self.max_scroll_y)

    def seek(self) -> None:
        """Bring what the search is at into view, moving only if it is not."""
        found = self.search.current
        if found is not None:
            row = found.block.top + found.block.row_of(found.line, found.start)
            top, height = self.scroll_offset.y, self.scrollable_content_region.height
            if not top <= row < top + height:
                self.go(row - height // 2)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width = self.blocks.width + MARGIN
        found = self.blocks.row(y + self.scroll_offset.y)
        if found is None:
            return Strip.blank(width, self.look.page)
        block, number = found
        strip = Strip([self.margin(block, number), *self.words(block, block.rows[number])])
        return strip.adjust_cell_length(width).apply_style(self.look.page)

    def margin(self, block: Block, number: int) -> Segment:
        """The name, in the row where a turn begins."""
        begins = block.begins and number == 0
        name = wrap(clean(self.lines.name(block.speaker)), MARGIN - 1)[0] if begins else ""
        return Segment(name + " " * (MARGIN - columns(name)), self.colour(block.speaker))

    def colour(self, speaker: str) -> Style:
        """Each name's own, today and tomorrow."""
        return self.look.speakers[self.speakers[self.lines.name(speaker)]]

    def words(self, block: Block, row: Row) -> Iterator[Segment]:
        """A row in its styles, what was searched for marked: never as markup."""
        sure = self.look.source if row.source else self.look.text
        draft = self.look.source_draft if row.source else self.look.draft
        marks = self.marks(block, row)
        yield from marked(row.sure, 0, sure, marks)
        yield from marked(row.draft, len(row.sure), draft, marks)

    def marks(self, block: Block, row: Row) -> list[tuple[int, int, Style]]:
        """What of a row is to be marked, counted from its first character."""
        if not self.search.query or row.line < 0:
            return []
        spans = self.search.spans(block, row.line, block.texts[row.line])
        styles = self.look.found, self.look.current
        return [
            (start - row.start, end - row.start, styles[current]) for start, end, current in spans
        ]


def marked(
    text: str, offset: int, style: Style, marks: Sequence[tuple[int, int, Style]]
) -> Iterator[Segment]:
    """A text that begins at `offset` of its row, cut where a mark begins or ends."""
    at = 0
    for start, end, mark in marks:
        first, last = (max(at, min(len(text), place - offset)) for place in (start, end))
        if first < last:
            yield Segment(text[at:first], style)
            yield Segment(text[first:last], style + mark)
            at = last
    yield Segment(text[at:], style)
