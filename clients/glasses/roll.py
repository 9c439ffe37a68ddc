"""Which rows of the captions are on a display: new ones below, the oldest scroll away.

    waiting -- there is room -->            on the display
    on the display -- others wait, and it has been read for `hold` -->    past

Nothing moves but by scrolling. A row that is finished is never scrolled away before it was shown as
it is for `hold` seconds; a final that changes rows already past comes back from the first that
changed. A machine: seconds are passed in.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .screen import Row

Key = TypeVar("Key")

KEPT = 60  # captions that wait for a display


@dataclass(slots=True)
class Seen:
    """What a reader saw of a row: since when any words, since when these."""

    text: str
    first: float
    since: float


@dataclass(slots=True)
class Block:
    """The rows of one caption."""

    rows: tuple[Row, ...]
    final: bool
    past: int = 0
    """So many of its rows have scrolled away."""
    seen: dict[int, Seen] = field(default_factory=dict)

    def settled(self, place: int) -> bool:
        """Whether a row stays as it is: only a final could change it."""
        row = self.rows[place]
        return self.final or (place < len(self.rows) - 1 and row.sure == len(row.text))

    def read(self, place: int, hold: float) -> float:
        """The second from which it may scroll away; inf before it was shown as it is."""
        seen = self.seen.get(place)
        if seen is None or (self.settled(place) and seen.text != self.rows[place].text):
            return math.inf
        return (seen.since if self.settled(place) else seen.first) + hold


class Roll(Generic[Key]):
    """Give it every caption's rows; ask it what is on a display of so many lines."""

    def __init__(self, hold: float = 1.0, clear: float = 6.0) -> None:
        self.hold = hold
        self.clear = clear
        self._blocks: dict[Key, Block] = {}
        self._offered: list[tuple[Block, int, Row]] = []
        self.missed = 0
        """Captions that were never shown whole, for the display was away too long."""
        self._news = 0.0
        """The second at which something was last put or first shown."""

    def put(self, key: Key, rows: tuple[Row, ...], final: bool, now: float) -> None:
        """A caption says this now; without rows it is withdrawn. After its final nothing comes."""
        block = self._blocks.get(key)
        if rows or block is not None:
            self._news = now
        if not rows:
            self._blocks.pop(key, None)
        elif block is None:
            self._blocks[key] = Block(rows, final)
            self._forget()
        else:
            grown = rows != block.rows
            block.rows, block.final = rows, final
            if final:
                block.past = _unchanged(block)
            elif grown and block.past >= len(rows):
                block.past = len(rows) - 1

    def _forget(self) -> None:
        """Whoever has no display for minutes does not want to read it all afterwards."""
        while len(self._blocks) > KEPT:
            del self._blocks[next(iter(self._blocks))]
            self.missed += 1

    def rows(self, lines: int, now: float) -> tuple[Row, ...]:
        """What is to be shown now, from the top. Tell `shown` when it is."""
        waiting = self._scrolled(lines, now)
        self._offered = [(block, place, block.rows[place]) for block, place in waiting[:lines]]
        return tuple(row for _, _, row in self._offered)

    def shown(self, now: float) -> None:
        """What `rows` gave last is on the display."""
        there = {(id(block), place) for block, place, _ in self._offered}
        for block, place in self._waiting():
            if (id(block), place) not in there:
                block.seen.pop(place, None)  # pushed out below: to be read from the beginning
        for block, place, row in self._offered:
            seen = block.seen.get(place)
            if seen is None:
                self._news = now
            if seen is None or seen.text != row.text:
                block.seen[place] = Seen(row.text, now if seen is None else seen.first, now)

    def fits(self, lines: int, now: float) -> bool:
        """Whether all that is on the display and not read yet has room in so many lines."""
        shown = {(id(block), place) for block, place, _ in self._offered}
        beyond = self._scrolled(lines, now)[lines:]
        return not any((id(block), place) in shown for block, place in beyond)

    def newest(self) -> list[Key]:
        """The captions of which the last words are in what `rows` gave last."""
        ends = {id(block) for block, place, _ in self._offered if place == len(block.rows) - 1}
        return [key for key, block in self._blocks.items() if id(block) in ends]

    def __contains__(self, key: object) -> bool:
        return key in self._blocks

    def due(self, lines: int) -> float | None:
        """The second at which `rows` may differ though nothing was put; None: not by itself."""
        waiting = list(self._waiting())
        if not waiting:
            return None
        if len(waiting) > lines:
            moment = waiting[0][0].read(waiting[0][1], self.hold)
        else:
            read = max(block.read(place, self.hold) for block, place in waiting)
            moment = max(self._news + self.clear, read)
        return None if math.isinf(moment) else moment

    @property
    def behind(self) -> int:
        """How many rows wait for room."""
        return len(list(self._waiting())) - len(self._offered)

    def _waiting(self) -> Iterator[tuple[Block, int]]:
        """Everything that is not past, from the oldest."""
        for block in self._blocks.values():
            for place in range(block.past, len(block.rows)):
                yield block, place

    def _scrolled(self, lines: int, now: float) -> Sequence[tuple[Block, int]]:
        """The same, after what has been read made room."""
        waiting = list(self._waiting())
        while len(waiting) > lines and now >= waiting[0][0].read(waiting[0][1], self.hold):
            block, place = waiting.pop(0)
            block.past = place + 1
            if now < block.seen[place].since + self.hold:
                del block.seen[place]  # its newest words were not there long enough
        read = max((block.read(place, self.hold) for block, place in waiting), default=math.inf)
        if now >= max(self._news + self.clear, read):
            for block, place in waiting:
                block.past = place + 1
            waiting = []
        for key in [key for key, it in self._blocks.items() if it.final and not _left(it)]:
            del self._blocks[key]
        return waiting


def _left(block: Block) -> int:
    return len(block.rows) - block.past


def _unchanged(block: Block) -> int:
    """How many of the rows that are past are as they were seen."""
    for place in range(min(block.past, len(block.rows))):
        seen = block.seen.get(place)
        if seen is None or seen.text != block.rows[place].text:
            return place
    return min(block.past, len(block.rows))
