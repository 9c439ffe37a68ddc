"""What readers see, counted room by room: how much is taken back, and how late words come.

Counted for readers with `live`, who see most; what they see is the same for all of them. Erasure
is defined in streaming/measures.py: over any time, the units erased by the units written. A line
counts when it has ended.

Delays are what the server can know: from the arrival of a unit's sound to the caption that shows
it. A segment's start is stamped when it arrives, the sound after it is taken to have come at its
own pace, and unit i of n to have been said at i/n of the speech, as there. How long captions take
to a reader, and how long the sound took to come, is not in them.

What is counted of a room goes when it closes. It is written down here, a slice of the rooms at a
time: prometheus_client would take 35 ms for 500 of them, in which nobody is answered.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import get_args

from prometheus_client import CollectorRegistry

from models.base import Spent
from streaming.captions import Key, Line
from streaming.measures import Schedule, Shown
from streaming.messages import Kind
from streaming.values import SpeechSegment, milliseconds

from .tally import Tallies, Tally

KINDS: tuple[Kind, ...] = get_args(Kind)
DELAYS = (0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 6, 8, 12, 20)
OUTCOMES = "offered", "accepted"
COUNTED: tuple[tuple[str, str, str, Sequence[str]], ...] = (  # name, what, a label, its values
    ("surtitle_erased_units", "Units shown live and taken back, finals included", "kind", KINDS),
    ("surtitle_written_units", "Units of finals", "kind", KINDS),
    (
        "surtitle_room_hypothesis_tokens",
        "Tokens of last answers, offered to verify and found right",
        "outcome",
        OUTCOMES,
    ),
)
ERASED, WRITTEN, TOKENS = (name for name, *_ in COUNTED)
SLICE = 100  # rooms that are written down at once: a third of a millisecond


class Rooms:
    """One per server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.first = {kind: Tally(DELAYS) for kind in KINDS}
        self.settled = {kind: Tally(DELAYS) for kind in KINDS}
        for name, what, tallies in (
            ("first_display", "to the caption that first shows it", self.first),
            ("finalisation", "to the last change at or before it", self.settled),
        ):
            of: dict[tuple[str, ...], Tally] = {(kind,): tallies[kind] for kind in KINDS}
            what = f"From the arrival of a unit's sound {what}, live"
            registry.register(Tallies(f"surtitle_{name}_seconds", what, ["kind"], of))
        self.open: dict[str, _Room] = {}

    def saw(self, epoch: str, line: Line, shown: Sequence[str], now: float) -> None:
        """Readers with `live` see these units of a line; `now`: seconds since the room opened."""
        room = self.open.get(epoch)
        if room is None:
            room = self.open[epoch] = _Room(self)
        room.push(line, shown, now)

    def spent(self, spent: Spent) -> None:
        """A language model translated something for a room."""
        room = self.open.get(spent.room)
        if room is not None:
            room.counts[TOKENS, "offered"] += spent.offered
            room.counts[TOKENS, "accepted"] += spent.accepted

    def closed(self, epoch: str) -> None:
        """The room is no more, and nothing of it is told any longer."""
        self.open.pop(epoch, None)

    def page(self) -> Iterator[str]:
        """What is counted, in Prometheus' text format, in pieces that are quickly made."""
        for name, what, label, values in COUNTED:
            yield f"# HELP {name}_total {what}\n# TYPE {name}_total counter\n"
            rooms = iter(list(self.open.items()))
            while some := list(islice(rooms, SLICE)):
                yield "".join(
                    f'{name}_total{{{label}="{value}",room="{epoch}"}} {room.counts[name, value]}\n'
                    for epoch, room in some
                    for value in values
                )


class _Room:
    """What is counted of one room, and its lines that are open."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self.counts: Counter[tuple[str, str]] = Counter()
        self.lines: dict[Key, Shown] = {}

    def push(self, line: Line, shown: Sequence[str], now: float) -> None:
        """Take what is seen of a line; count it when it ends."""
        key = line.key
        seen = self.lines.get(key)
        if seen is None:
            seen = self.lines[key] = Shown()
        seen.push(shown, now, line.segment.end)
        if not line.hypothesis.final:
            return
        del self.lines[key]
        self.counts[ERASED, line.kind] += seen.erased
        self.counts[WRITTEN, line.kind] += len(shown)
        if not line.replay:  # which was said long before it was translated
            self._time(line, seen)

    def _time(self, line: Line, seen: Shown) -> None:
        first, settled = self.rooms.first[line.kind], self.rooms.settled[line.kind]
        segment = line.segment
        for shown, final in seen.delays(segment.onset, segment.offset, _arrived(segment, line.at)):
            first.observe(max(0.0, shown))
            settled.observe(max(0.0, final))


def _arrived(segment: SpeechSegment, at: int) -> Schedule:
    """When a segment's positions came in, in seconds since the room opened."""
    return lambda position: (at + milliseconds(position - segment.start)) / 1000
