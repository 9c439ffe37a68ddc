"""Finding words in what was said: without regard to capitals and accents, in lines however wrapped.

Pure: it is given texts, and says where in them.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from .blocks import Block

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Match:
    """One place that was found."""

    block: Block = field(compare=False)
    place: tuple[int, int, str, int]
    line: int
    """Which of the block's texts."""
    start: int

    @classmethod
    def at(cls, block: Block, line: int, start: int) -> "Match":
        """The match that begins here."""
        return cls(block, block.place, line, start)


def find(query: str, text: str) -> list[Span]:
    """Where the text says this, from front to back, not overlapping."""
    wanted, _ = folded(query)
    if not wanted:
        return []
    within, places = folded(text)
    found: list[Span] = []
    at = within.find(wanted)
    while at >= 0:
        found.append((places[at], places[at + len(wanted)]))
        at = within.find(wanted, at + len(wanted))
    return found


@lru_cache(maxsize=8192)
def folded(text: str) -> tuple[str, tuple[int, ...]]:
    """The text without capitals and accents, and which character each of its characters was."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        plain = unicodedata.normalize("NFKD", character).casefold()
        kept = "".join(one for one in plain if not unicodedata.combining(one))
        letters.append(kept)
        places += [place] * len(kept)
    return "".join(letters), (*places, len(text))


def matches(query: str, blocks: Iterable[Block]) -> list[Match]:
    """Every place where the conversation says this, from the oldest to the newest."""
    return [
        Match.at(block, line, start)
        for block in blocks
        for line, text in enumerate(block.texts)
        for start, _ in find(query, text)
    ]


class Search:
    """One search: what for, what was found, and which of those is being looked at."""

    def __init__(self) -> None:
        self.query = ""
        self.found: list[Match] = []
        self.current: Match | None = None

    def look(self, query: str, blocks: Iterable[Block], before: int | None = None) -> None:
        """Search anew; the newest match that begins above the row `before` is the current one."""
        self.query = query
        self.found = matches(query, blocks)
        above = [m for m in self.found if before is None or m.block.top < before]
        ranked = above or self.found
        self.current = ranked[-1] if ranked else None

    def refresh(self, blocks: Iterable[Block]) -> None:
        """More has been said; the current match stays if it is still there."""
        self.found = matches(self.query, blocks)
        if self.current is not None and self.current not in self.found:
            self.current = self.found[-1] if self.found else None

    def step(self, by: int) -> None:
        """To the next match (1) or the one before (-1), around at the ends."""
        if self.current is None or not self.found:
            return
        at = self.found.index(self.current) if self.current in self.found else 0
        self.current = self.found[(at + by) % len(self.found)]

    @property
    def said(self) -> str:
        """How many there are and which one this is, in words."""
        if not self.query.strip():
            return ""
        if self.current is None or self.current not in self.found:
            return "not found"
        return f"{self.found.index(self.current) + 1} of {len(self.found)}"

    def spans(self, block: Block, line: int, text: str) -> list[tuple[int, int, bool]]:
        """What of a text is to be marked, and whether it is the current match."""
        now = self.current
        here = now is not None and now.place == block.place and now.line == line
        return [
            (start, end, here and now is not None and now.start == start)
            for start, end in find(self.query, text)
        ]
