"""What one wearer reads: the server's messages in, screens out.

Only what was said since he came is shown: a display this small has no room for the past. After a
connection was lost, that is what was said meanwhile too.
"""

from collections.abc import Collection, Sequence
from typing import Literal

from clients.lines import Change, LineKey, Lines
from clients.plain import clean, columns
from clients.words import Troubles
from streaming.messages import Caption, ServerMessage, State, Welcome

from .handover import Handover
from .layout import Layout
from .pacer import Pacer, Zone
from .screen import Screen, Tone
from .status import LATE, Status

Show = Literal["target", "both", "source"]
STOOD_IN = "~"  # before one's own words when a lesser engine made them
BEHIND = 2  # screens of rows that wait: then the display is late, whoever is to blame


class Reader:
    """A machine: seconds are passed in."""

    def __init__(self, layout: Layout, reads: Collection[str], show: Show = "target") -> None:
        self.layout = layout
        self.reads = set(reads)
        self.show = show
        self.lines = Lines(kept=500)
        self._here = Lines(kept=500)
        """What this device makes of what it hears itself, which belongs to no epoch of the room."""
        self.handover = Handover()
        self.status = Status()
        self.pacer = Pacer(layout.profile, both=show == "both")
        self.me: set[str] = set()
        """Who we are, and were before the connection was lost."""
        self._marks: dict[str, str] = {}
        self._troubles = Troubles()
        self._missed = 0
        self._come = False
        self._new = True
        """We have just come: nothing of what is replayed was missed."""
        self._changes: dict[LineKey, tuple[Change, float]] = {}
        """The newest of each caption whose words are not on the display yet, and when it came."""

    def begin(self, now: float) -> None:
        """He puts the glasses on; there is no connection yet."""
        self.status.lost(now)

    def push(self, message: ServerMessage, now: float) -> Sequence[Change]:
        """Take in one message; what it adds to the display, or takes from it."""
        if isinstance(message, Caption) and message.replay and message.final and self._new:
            self.lines.push(message)
            return ()
        epoch, change = self.lines.epoch, self.lines.push(message)
        if self.lines.epoch != epoch:
            self._marks.clear()  # everybody has another number, and may have his initial again
        match message:
            case Welcome(participant=me):
                self.status.connected()
                self._new, self._come = not self._come, True
                self.me.add(self.lines.speaker(me))
            case State(scope="connection", level="down"):
                self.status.lost(now)
            case State(scope="connection", level="ok", reason=str(lost)):
                self.status.news((lost, "some words are lost", "some words lost"), now)
            case State() if self._troubles.push(message):
                self.status.trouble(message, now)
            case Caption(degraded="late"):
                self.status.late(0, now)
        if change is None:
            return ()
        mine = change.key[1] in self.me
        return self._put_all(self.handover.server(change) if mine else [change], now)

    def stand_in(self, caption: Caption, now: float) -> Sequence[Change]:
        """The same from this device itself, of our own words."""
        self.me.add(caption.speaker)
        change = self._here.push(caption)
        return () if change is None else self._put_all(self.handover.local(change), now)

    def stood_in(self, now: float) -> None:
        """This device says no more."""
        self._put_all(self.handover.over(), now)

    def late(self, seconds: float, now: float) -> None:
        """The newest words are that old: what the speaker himself can tell."""
        if seconds > LATE:
            self.status.late(seconds, now)

    def screen(self, now: float) -> Screen | None:
        """What to send to the display now, if there is anything new."""
        if self.pacer.behind > BEHIND * self.layout.profile.lines:
            self.status.late(0, now)
        if self.pacer.missed > self._missed:
            many = self.pacer.missed
            self.status.news((f"{many} captions were missed here", f"{many} missed"), now)
            self._missed = many
        sentences = self.status.sentences(now)
        self.pacer.say(self.layout.state(sentences) if sentences else None)
        return self.pacer.next(now)

    def due(self, now: float) -> float | None:
        """The second at which to ask again though nothing came."""
        moments = (self.pacer.due(now), self.status.due(now))
        return min((moment for moment in moments if moment is not None), default=None)

    def drawn(self) -> list[tuple[Change, float]]:
        """What the screen given last shows for the first time or no longer, and when that came.

        Asked once for each screen.
        """
        found = [self._changes.pop(key, None) for key in self.pacer.newest()]
        for key in [key for key in self._changes if key not in self.pacer]:
            gone = self._changes.pop(key)
            found += [gone] if gone[0].caption is None else []
        return [change for change in found if change is not None]

    def _put_all(self, changes: Sequence[Change], now: float) -> Sequence[Change]:
        for change in changes:
            self._put(change, now)
        return changes

    def _put(self, change: Change, now: float) -> None:
        caption = change.caption
        if caption is None:
            self.pacer.withdraw(change.key, now)
            self._changes[change.key] = change, now
        elif (zone := self._zone(caption)) is not None:
            tone: Tone = "source" if zone == "source" else "caption"
            rows = self.layout.caption(caption, self._mark(caption), tone)
            self._changes[change.key] = change, now
            self.pacer.put(change.key, rows, caption.final, now, zone)

    def _zone(self, caption: Caption) -> Zone | None:
        """Where it belongs; None if it is not shown."""
        if self.show == "source":
            return "target" if caption.kind == "transcript" else None
        if caption.language in self.reads or caption.degraded == "untranslated":
            return "target"
        return "source" if self.show == "both" and caption.kind == "transcript" else None

    def _mark(self, caption: Caption) -> str:
        """Who speaks, in one or two cells: none for whoever wears the glasses.

        Of words that are in another language than is read, which one that is; of those that this
        device makes of what it hears while the server is away, that it does.
        """
        if caption.degraded == "untranslated":
            return caption.language.partition("-")[0]
        if caption.speaker in self.me:
            return STOOD_IN if caption.degraded == "fallback" else ""
        if caption.speaker not in self._marks:
            self._marks[caption.speaker] = self._initial(caption.speaker)
        return self._marks[caption.speaker]

    def _initial(self, speaker: str) -> str:
        """A letter of his name that nobody has yet, else a number."""
        taken = set(self._marks.values())
        name = clean(self.lines.name(speaker)).strip()
        first = name[:1].upper()
        if speaker in self.lines.roster and first.isalnum() and columns(first) <= 2:
            numbered = [first, *(f"{first}{n}" for n in range(2, 10) if columns(first) == 1)]
            for mark in numbered:
                if mark not in taken:
                    return mark
        return next(str(n) for n in range(1, 1000) if str(n) not in taken)
