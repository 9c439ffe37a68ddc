"""The conversation as rows of text: a block for each stretch of speech, one under another.

A block only grows while its lines are open; once they are final it is never laid out again at the
same width, and blocks never change places. Pure: no Textual in here.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from clients.lines import Change, LineKey, Lines
from clients.plain import clean, rows
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
    line: int = field(default=-1, compare=False)
    """Which of the block's texts this is a part of; -1: a free row."""
    start: int = field(default=0, compare=False)
    """Where in that text it begins."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """How many free rows there are before a block, and before one that begins a turn."""

    block: int = 0
    turn: int = 1


@dataclass
class Block:
    """One stretch of speech."""

    place: tuple[int, int, str, int]
    """Where it belongs among the others: sorts by it, and is never changed."""
    speaker: str
    lines: dict[LineKey, Caption] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    """What it says, each line whole."""
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

    @property
    def bottom(self) -> int:
        """The row after its last."""
        return self.top + len(self.rows)

    def lay(self, chosen: Sequence[tuple[Caption, bool]], width: int, anew: bool) -> None:
        """Make its rows of what was chosen to be read. An open one keeps its height unless laid
        `anew`."""
        found: list[Row] = []
        self.texts = []
        for number, (caption, source) in enumerate(chosen):
            text, sure = said(caption)
            self.texts.append(text)
            for start, end in rows(text, width):
                cut = min(max(sure, start), end)
                found.append(Row(text[start:cut], text[cut:end], source, number, start))
        if not (anew or self.final):
            found += [Row()] * (len(self.rows) - len(found))
        self.rows = found

    def row_of(self, line: int, place: int) -> int:
        """Which of its rows shows this place of this text."""
        shown = [number for number, row in enumerate(self.rows) if row.line == line]
        upto = [number for number in shown if self.rows[number].start <= place]
        return (upto or shown or [0])[-1]


class Blocks:
    """All of them, in the order of the conversation; at most `kept`."""

    def __init__(self, lines: Lines, reads: Collection[str], source: bool, kept: int) -> None:
        self.lines = lines
        self.reads = list(reads)
        self.once: list[str] = []
        """Languages that were read before: what was said then stays to be read."""
        self.source = source
        self.kept = kept
        self.width = 80
        self.gaps = Gaps()
        self.height = 0
        """Of all rows together."""
        self.shown: list[Block] = []
        """Those with something to read."""
        self._blocks: dict[BlockKey, Block] = {}
        self._ordered: list[Block] = []
        self._tops: list[int] = []
        self._arranged = 0
        """How often rows have moved."""

    def push(self, change: Change) -> Block | None:
        """A line has changed; a withdrawn one is gone, and its block with the last of its lines.

        The block whose rows look different now; None if rows have moved as well.
        """
        before, key = self._arranged, change.key[:3]
        block = self._blocks.get(key)
        if change.caption is not None:
            block = block or self._placed(key, change.key)
            block.lines[change.key] = change.caption
            self._lay(block)
        elif block is not None:
            self._withdraw(key, block, change.key)
        return block if self._arranged == before else None

    def lay(self, width: int, source: bool, gaps: Gaps | None = None) -> None:
        """Lay everything out at this width, with or without the speakers' own words."""
        self.width, self.source, self.gaps = width, source, gaps or self.gaps
        for block in self._ordered:
            block.lay(self.chosen(block), width, anew=True)
        self._arrange()

    def read(self, reads: Sequence[str]) -> None:
        """From now on these languages are read."""
        before = [code for code in self.reads if code not in self.once]
        self.once, self.reads = [*before, *self.once], list(reads)
        self.lay(self.width, self.source)

    def chosen(self, block: Block) -> list[tuple[Caption, bool]]:
        """What of a block is shown, and whether that is the speaker's own words beside a
        translation: those, if wanted, above what the reader reads."""
        captions = block.lines.values()
        main = [line for line in captions if line.language in self.reads]
        if not self.reads:
            main = [line for line in captions if line.kind == "transcript"] or list(captions)
        # Words that come for want of a translation are read, until there is one.
        main = main or [line for line in captions if line.degraded is not None]
        main = main or [line for line in captions if line.final and line.language in self.once]
        words = [line for line in captions if line.kind == "transcript" and self.source]
        own = [line for line in words if line not in main]
        main.sort(key=self._rank)
        return [*((line, True) for line in own), *((line, False) for line in main)]

    def _rank(self, caption: Caption) -> tuple[int, str]:
        """Languages in the order in which they were asked for."""
        code = caption.language
        return (self.reads.index(code) if code in self.reads else len(self.reads)), code

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

    def under(self, number: int) -> Block | None:
        """The first block that ends below this row."""
        index = max(0, bisect_right(self._tops, number) - 1)
        return next((block for block in self.shown[index:] if block.bottom > number), None)

    def _lay(self, block: Block, anew: bool = False) -> None:
        """Lay out one block, and put those after it where they belong if its height changed."""
        height = len(block.rows)
        block.lay(self.chosen(block), self.width, anew)
        if len(block.rows) != height:
            self._arrange(block)

    def _placed(self, key: BlockKey, line: LineKey) -> Block:
        block = Block(self.lines.place(line)[:4], key[1])
        self._blocks[key] = block
        insort(self._ordered, block, key=attrgetter("place"))
        return block

    def _withdraw(self, key: BlockKey, block: Block, line: LineKey) -> None:
        block.lines.pop(line, None)
        if block.lines:
            self._lay(block, anew=True)
        else:
            self._remove(block)
            self._arrange()

    def _remove(self, block: Block) -> None:
        self._ordered.remove(block)
        self._blocks = {key: other for key, other in self._blocks.items() if other is not block}

    def _arrange(self, changed: Block | None = None) -> None:
        """Put them one under another, those before the changed one where they are."""
        self._arranged += 1
        first = 0 if changed is None else self._index(changed)
        after = bisect_left(self._ordered, changed.place, key=_place) if changed else 0
        self.shown[first:] = [block for block in self._ordered[after:] if block.rows]
        for index in range(first, len(self.shown)):
            self._stack(self.shown[index], self.shown[index - 1] if index else None)
        self._tops[first:] = [block.top for block in self.shown[first:]]
        self.height = self.shown[-1].bottom if self.shown else 0

    def _index(self, block: Block) -> int:
        """Where it is among those with something to read, or would be."""
        return bisect_left(self.shown, block.place, key=_place)

    def _stack(self, block: Block, above: Block | None) -> None:
        """Put it under the one above."""
        block.begins = above is None or above.speaker != block.speaker
        gap = self.gaps.turn if block.begins else self.gaps.block
        block.top = above.bottom + gap if above else 0


_place = attrgetter("place")


def said(caption: Caption) -> tuple[str, int]:
    """What a line says, harmless, and how many characters of it are certain."""
    stable, draft = clean(caption.stable).lstrip(), clean(caption.draft)
    text = (stable + draft).strip()
    return text, len(text) if caption.final else min(len(stable), len(text))
