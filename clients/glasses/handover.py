"""Who captions the wearer's own words while his server goes and comes back: one for each sentence.

    server   -- it has gone (`lost`) -->               fallback
    fallback -- the server has caught up (`back`) -->  finishing: it begins no more sentences
    finishing -- none is open (`rested`) -->           server

Both sides hear the same sound, so a line of one *covers* its stretch of positions for the other,
for as long as it is on the display; one that still grows covers all that follows. The rule:

    a line is shown unless four fifths of it are covered (while it grows, of its first second);
    what is not shown is held, and shown after all when what covered it came to nothing.

So a sentence that both finish is shown once, by the side that was first; one that either misses, or
begins and does not finish, is shown by the other. The fallback hears again from where the server's
last final ended, and a line that the server left open is taken off the display when the fallback
has words for it. A server's sentence that the fallback has begun is the fallback's to the end, even
where it makes two of it. Lines of one kind and language are held against each other; what others
say never comes here. A machine: changes of lines in, and those that are to be shown out.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from clients.lines import Change, LineKey
from streaming.messages import Caption
from streaming.values import samples

MOST = 0.8  # of a line: beyond, what is left of it are edges that two detectors see differently
FIRST = samples(1000)  # of a line that grows: of the rest nobody knows yet whose it is
SKEW = samples(300)  # by which they may do so: what is put before a line's first word
LONGEST = samples(15_000)  # of a line; a kind of captions that is further behind comes no more
KEPT = 500  # finals of a kind and language: a server sends no older ones again

Lane = tuple[str, str]
"""kind, language"""


def lane(caption: Caption) -> Lane:
    """What it is held against."""
    return caption.kind, caption.language


@dataclass(slots=True)
class Side:
    """The lines of the server, or of the fallback."""

    open: dict[LineKey, Caption] = field(default_factory=dict)
    """On the display, and not final."""
    held: dict[LineKey, Caption] = field(default_factory=dict)
    """Not on the display: the newest of each."""
    finals: dict[Lane, deque[tuple[int, int]]] = field(default_factory=dict)
    """Where those on the display were said."""
    finished: dict[Lane, int] = field(default_factory=dict)
    """The end of the last final, shown or not."""

    def covers(self, caption: Caption) -> bool:
        """Whether most of a line's stretch has words of this side on the display."""
        begin, end = caption.start, max(caption.end, caption.start + 1)
        if not caption.final:
            end = min(end, begin + FIRST)
        covered, place = 0, begin
        for since, until in sorted(self._stretches(lane(caption), end)):
            since, until = max(since, place), min(until, end)
            if until > since:
                covered += until - since
                place = until
        return covered >= MOST * (end - begin)

    def _stretches(self, which: Lane, end: int) -> Iterator[tuple[int, int]]:
        """Where there are words, up to a position."""
        for since, until in self.finals.get(which, ()):
            yield since - SKEW, until + SKEW
        for one in self.open.values():
            if lane(one) == which:
                yield one.start - SKEW, end

    def speaks(self, which: Lane) -> bool:
        """Whether a line of that lane is open on the display."""
        return any(lane(one) == which for one in self.open.values())

    def note(self, caption: Caption) -> None:
        """It has said this, shown or not."""
        if caption.final:
            which = lane(caption)
            self.finished[which] = max(caption.end, self.finished.get(which, 0))

    def show(self, key: LineKey, caption: Caption) -> Change:
        """It is on the display now."""
        self.held.pop(key, None)
        self.open.pop(key, None)
        if caption.final:
            said = self.finals.setdefault(lane(caption), deque(maxlen=KEPT))
            said.append((caption.start, caption.end))
        else:
            self.open[key] = caption
        return Change(key, caption)


class Handover:
    """One wearer's. What it returns is to be shown, or taken off the display, in that order."""

    def __init__(self) -> None:
        self.standing = False
        """The server is away: the fallback may begin lines."""
        self._server, self._local = Side(), Side()
        self._left: dict[LineKey, Caption] = {}
        """Lines on the display that a server left open."""

    def lost(self) -> int:
        """The server has gone: the position from which the fallback is to hear."""
        self.standing = True
        self._left |= self._server.open
        self._server.open.clear()
        self._server.held = {key: one for key, one in self._server.held.items() if one.final}
        ends = dict(self._server.finished)
        for which, end in self._local.finished.items():
            ends[which] = max(end, ends.get(which, 0))
        newest = max(ends.values(), default=0)
        return min((end for end in ends.values() if end > newest - LONGEST), default=0)

    def back(self) -> None:
        """The server is back and hears what is said now."""
        self.standing = False

    @property
    def rested(self) -> bool:
        """Nothing is open that the fallback has to finish."""
        waits = any(not one.final for one in self._server.held.values())
        return not self.standing and not self._local.open and not waits

    def server(self, change: Change) -> list[Change]:
        """The server says this of the wearer's own words."""
        left = self._left.pop(change.key, None)
        shown = self._taken(self._server, self._local, change)
        if left is not None and not shown:
            shown = [Change(change.key, None)]
        return shown + self._judged(self._local, self._server)

    def local(self, change: Change) -> list[Change]:
        """The fallback does."""
        caption = change.caption
        if caption is not None and not self._may(change.key, caption):
            self._local.note(caption)
            self._local.held.pop(change.key, None)
            return []
        shown = self._taken(self._local, self._server, change)
        if shown and caption is not None:
            shown = self._replaced(caption) + shown
        return shown + self._judged(self._server, self._local)

    def over(self) -> list[Change]:
        """The fallback says no more: what it has not finished is taken off the display."""
        self.standing = False
        gone = [Change(key, None) for key in self._local.open]
        self._local.open.clear()
        self._local.held.clear()
        return gone + self._judged(self._server, self._local)

    def _may(self, key: LineKey, caption: Caption) -> bool:
        """Whether the fallback may say it: no new sentence when the server is back, but a further
        part of what the server makes one sentence of."""
        if self.standing or key in self._local.open:
            return True
        return any(
            not one.final and lane(one) == lane(caption) and one.start + SKEW < caption.start
            for one in self._server.held.values()
        )

    def _taken(self, mine: Side, other: Side, change: Change) -> list[Change]:
        key, caption = change.key, change.caption
        if caption is None:
            mine.held.pop(key, None)
            return [change] if mine.open.pop(key, None) is not None else []
        mine.note(caption)
        if key not in mine.open and other.covers(caption):
            mine.held[key] = caption
            return []
        return [mine.show(key, caption)]

    def _judged(self, mine: Side, other: Side) -> list[Change]:
        """What was held and need not be any more."""
        shown = []
        for key, caption in list(mine.held.items()):
            if not other.covers(caption):
                shown.append(mine.show(key, caption))
            elif caption.final and not other.speaks(lane(caption)):
                del mine.held[key]  # the other side has said it for good
        return shown

    def _replaced(self, caption: Caption) -> list[Change]:
        """The lines that the server left open where this one is."""
        gone = [
            key
            for key, one in self._left.items()
            if lane(one) == lane(caption)
            and one.start - SKEW < caption.end
            and caption.start - SKEW < one.end
        ]
        for key in gone:
            del self._left[key]
        return [Change(key, None) for key in gone]
