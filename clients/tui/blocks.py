"""The conversation as rows of text: a block for each stretch of speech, one under another.

A block only grows while its lines are open; once they are final it is never laid out again at the
same width, and blocks never change places. Pure: no Textual in here.
"""

from bisect import bisect_right, insort
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from clients.lines import Change, LineKey, Lines
from clients.plain import clean, split_rows
from streaming.messages import Caption

BlockKey = tuple[str, str, int]
"""epoch, speaker, segment"""


@dataclass(frozen=True, slots=True)
class Row:
    """What fits side by side: what is certain, then what may still change."""

    sure: str = ""
    draft: str = ""
    source: bool = False
    """The speaker's own words, where a translation is what is read."""


@dataclass
class Block:
    """One stretch of speech."""

    place: tuple[int, int, str, int]
    """Where it belongs among the others: sorts by it, and is never changed."""
    speaker: str
    lines: dict[LineKey, Caption] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    """None while there is nothing to read."""
    top: int = 0
    """Its first row, counted from the first of all."""
    begins: bool = False
    """Whether its speaker's turn begins here."""

    @property
    def final(self) -> bool:
        """All it says is final."""
        return all(caption.final for caption in self.lines.values())

    def lay(self, width: int, reads: Collection[str], source: bool, anew: bool = False) -> None:
        """Make its rows. An open one keeps its height, unless it is laid `anew`."""
        rows = laid(self.lines.values(), reads, source, width)
        if not (anew or self.final):
            rows += [Row()] * (len(self.rows) - len(rows))
        self.rows = rows


class Blocks:
    """All of them, in the order of the conversation; at most `kept`."""

    def __init__(self, lines: Lines, reads: Collection[str], source: bool, kept: int) -> None:
        self.lines = lines
        self.reads = reads
        self.source = source
        self.kept = kept
        self.width = 80
        self.height = 0
        """Of all rows together."""
        self.shown: list[Block] = []
        """Those with something to read."""
        self._blocks: dict[BlockKey, Block] = {}
        self._ordered: list[Block] = []
        self._tops: list[int] = []

    def push(self, change: Change) -> None:
        """A line has changed; a withdrawn one is gone, and its block with the last of its lines."""
        key = change.key[:3]
        block = self._blocks.get(key)
        if change.caption is None:
            if block is not None:
                self._withdraw(key, block, change.key)
        else:
            block = block or self._placed(key, change.key)
            block.lines[change.key] = change.caption
            block.lay(self.width, self.reads, self.source)
        self._arrange()

    def lay(self, width: int, source: bool) -> None:
        """Lay everything out at this width, with or without the speakers' own words."""
        self.width, self.source = width, source
        for block in self._ordered:
            block.lay(width, self.reads, source, anew=True)
        self._arrange()

    def trim(self) -> None:
        """Drop the oldest beyond the bound."""
        if len(self._ordered) > self.kept:
            for block in self._ordered[: -self.kept]:
                self._remove(block)
            self._arrange()

    def row(self, number: int) -> tuple[Block, int] | None:
        """The block that this row, counted from the first of all, is in, and which of its own."""
        index = bisect_right(self._tops, number) - 1
        if index < 0:
            return None
        block = self.shown[index]
        own = number - block.top
        return (block, own) if own < len(block.rows) else None

    def _placed(self, key: BlockKey, line: LineKey) -> Block:
        block = Block(self.lines.place(line)[:4], key[1])
        self._blocks[key] = block
        insort(self._ordered, block, key=attrgetter("place"))
        return block

    def _withdraw(self, key: BlockKey, block: Block, line: LineKey) -> None:
        block.lines.pop(line, None)
        if block.lines:
            block.lay(self.width, self.reads, self.source, anew=True)
        else:
            self._remove(block)

    def _remove(self, block: Block) -> None:
        self._ordered.remove(block)
        self._blocks = {key: other for key, other in self._blocks.items() if other is not block}

    def _arrange(self) -> None:
        """Put them one under another, a free row before each turn but the first."""
        self.shown = [block for block in self._ordered if block.rows]
        before, height = "", 0
        for block in self.shown:
            block.begins = block.speaker != before
            block.top = height + (1 if block.begins and height else 0)
            before, height = block.speaker, block.top + len(block.rows)
        self._tops = [block.top for block in self.shown]
        self.height = height


def laid(
    captions: Collection[Caption], reads: Collection[str], source: bool, width: int
) -> list[Row]:
    """What one block says: the speaker's own words, if wanted, above what the reader reads."""
    main = [caption for caption in captions if not reads or caption.language in reads]
    # Words that come for want of a translation are read, until there is one.
    main = main or [caption for caption in captions if caption.degraded is not None]
    own = [caption for caption in captions if source and caption not in main]
    main.sort(key=lambda caption: caption.language)
    return [*_rows(own, width, True), *_rows(main, width, False)]


def _rows(captions: Iterable[Caption], width: int, source: bool) -> list[Row]:
    found: list[Row] = []
    for caption in captions:
        stable, draft = clean(caption.stable).lstrip(), clean(caption.draft)
        text = (stable + draft).strip()
        sure = len(text) if caption.final else len(stable)
        found += [Row(*halves, source) for halves in split_rows(text, sure, width)]
    return found
