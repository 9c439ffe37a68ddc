"""The conversation: a block for each stretch of speech, the speaker's name once per turn.

A block only grows while its lines are open; once they are final it is never laid out again, and
blocks never change places. The view stays at the newest one unless the reader has scrolled up.
"""

from collections.abc import Collection

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from clients.lines import Change, LineKey, Lines
from clients.plain import clean
from streaming.messages import Caption

SOURCE = "italic #8b94a3"  # the speakers' own words, where a translation is what is read
COLOURS = ("#7dcfff", "#ffb86c", "#a6e3a1", "#f5a9d0", "#e0d561", "#b4a7f5")
KEPT = 300  # blocks: beyond it the oldest go, so that an evening's talk stays quick to draw

BlockKey = tuple[str, str, int]
"""epoch, speaker, segment"""


class Block(Horizontal):
    """One stretch of speech: who in the margin, the words beside it."""

    def __init__(self, place: tuple[int, int, str, int], speaker: str, colour: str) -> None:
        super().__init__()
        self.place = place
        """Where it belongs among the others: sorts by it, and is never changed."""
        self.speaker = speaker
        self.lines: dict[LineKey, Caption] = {}
        self.who = Static(classes="who", markup=False)
        self.who.styles.color = colour
        self.words = Static(classes="words", markup=False)
        self._tallest = (0, 0)

    def compose(self) -> ComposeResult:
        yield self.who
        yield self.words

    @property
    def final(self) -> bool:
        """All it says is final."""
        return all(caption.final for caption in self.lines.values())

    def draw(self, reads: Collection[str], source: bool) -> None:
        """Show its lines as they are now."""
        content = words(self.lines.values(), reads, source)
        self.display = bool(content.plain)
        if self.final:
            self.styles.min_height = 0
        self.words.update(content)

    def on_resize(self, event: Resize) -> None:
        """While it is open its height never shrinks: a shorter draft leaves a row empty."""
        width, height = self._tallest
        narrowed = width not in (0, event.size.width)  # another terminal: measure anew
        tallest = 0 if narrowed else max(height, event.size.height)
        self._tallest = event.size.width, tallest
        if not self.final:
            self.styles.min_height = tallest


class Captions(VerticalScroll):
    """Give it every change of a line."""

    DEFAULT_CSS = """
    Captions { padding: 0 1; scrollbar-size-vertical: 1; }
    Captions > Vertical { height: auto; min-height: 100%; }
    Block { height: auto; }
    Block.turn { margin-top: 1; }
    Block .who { width: 10; height: auto; text-style: bold; padding-right: 1; }
    Block .words { width: 1fr; height: auto; }
    """

    def __init__(self, lines: Lines, reads: Collection[str], source: bool) -> None:
        super().__init__()
        self.lines = lines
        self.reads = reads
        self.source = source
        self.blocks: dict[BlockKey, Block] = {}
        self.colours: dict[str, str] = {}
        self.column = Vertical()  # fills the view at least: a short talk begins at its top

    def compose(self) -> ComposeResult:
        yield self.column

    def on_mount(self) -> None:
        self.anchor()

    async def show(self, change: Change) -> None:
        """Draw one line; a withdrawn one disappears, and its block with the last of its lines."""
        key = change.key[:3]
        block = self.blocks.get(key)
        if change.caption is None:
            if block is not None:
                await self._withdraw(key, block, change.key)
            return
        if block is None:
            block = await self._place(key, change)
        block.lines[change.key] = change.caption
        block.draw(self.reads, self.source)

    async def show_source(self, on: bool) -> None:
        """Whether the speakers' own words are shown beside the translations."""
        self.source = on
        for block in self.blocks.values():
            block.draw(self.reads, on)

    def rename(self) -> None:
        """Write the names anew, as the roster has them, once per turn."""
        before = ""
        for block in self._in_order():
            begins = block.speaker != before
            block.who.update(clean(self.lines.name(block.speaker))[:9] if begins else "")
            block.set_class(begins, "turn")
            before = block.speaker

    async def _place(self, key: BlockKey, change: Change) -> Block:
        """A new block, where its beginning in the conversation puts it."""
        place = self.lines.place(change.key)[:4]
        colour = self.colours.setdefault(key[1], COLOURS[len(self.colours) % len(COLOURS)])
        block = Block(place, key[1], colour)
        after = next((other for other in self._in_order() if other.place > place), None)
        self.blocks[key] = block
        await self.column.mount(block, before=after)
        await self._trim()
        self.rename()
        return block

    async def _withdraw(self, key: BlockKey, block: Block, line: LineKey) -> None:
        block.lines.pop(line, None)
        if block.lines:
            block.draw(self.reads, self.source)
            return
        del self.blocks[key]
        await block.remove()
        self.rename()

    async def _trim(self) -> None:
        """Drop the oldest blocks beyond the bound, unless somebody is reading up there."""
        while len(self.blocks) > KEPT and self.is_vertical_scroll_end:
            oldest = min(self.blocks, key=lambda key: self.blocks[key].place)
            await self.blocks.pop(oldest).remove()

    def _in_order(self) -> list[Block]:
        return sorted(self.blocks.values(), key=lambda block: block.place)


def words(captions: Collection[Caption], reads: Collection[str], source: bool) -> Content:
    """What one block says: the speaker's own words, if wanted, above what the reader reads."""
    own = [caption for caption in captions if not read(caption, reads)]
    main = [caption for caption in captions if read(caption, reads)]
    rows = [styled(caption, SOURCE) for caption in own if source]
    rows += [styled(caption) for caption in sorted(main, key=lambda caption: caption.language)]
    return Content("\n").join([row for row in rows if row.plain])


def read(caption: Caption, reads: Collection[str]) -> bool:
    """Whether this line is what the reader came for; all are when no language was named."""
    return not reads or caption.language in reads or caption.degraded == "untranslated"


def styled(caption: Caption, style: str = "") -> Content:
    """The text as it is, never as markup; what may still change is dim."""
    stable, draft = clean(caption.stable).lstrip(), clean(caption.draft)
    draft = draft if stable else draft.lstrip()
    if caption.final:
        return Content.styled((stable + draft).rstrip(), style)
    return Content.assemble((stable, style), (draft.rstrip(), f"{style} dim".strip()))
