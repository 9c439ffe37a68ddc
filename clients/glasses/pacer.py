"""When a display gets which screen: as often as it can take, and as long as a reader needs.

    put, say          what there is to show
    next → Screen     what to send now, None while there is nothing new or it is too soon
    shown             it has been sent
    due → second      when to ask again though nothing was put

Screens come at least `interval_ms` apart and never twice the same; what came between is in the
next. A finished row is shown for a second before it scrolls away, however fast people speak. The
speakers' own words, where they are wanted beside a translation, have the upper third for
themselves: neither moves the other. A machine: seconds are passed in.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from clients.lines import LineKey

from .profiles import Profile
from .roll import Roll
from .screen import Row, Screen

Zone = Literal["target", "source"]


class Pacer:
    """One display's. `both`: there is a zone for the speakers' own words."""

    def __init__(self, profile: Profile, both: bool = False) -> None:
        self.profile = profile
        self.interval = profile.interval_ms / 1000
        hold, clear = profile.hold_ms / 1000, profile.clear_ms / 1000
        above = max(1, profile.lines // 3) if both else 0
        self._zones: dict[Zone, tuple[Roll[LineKey], int]] = {
            "source": (Roll(hold, clear), above),
            "target": (Roll(hold, clear), profile.lines - above),
        }
        self._state: Row | None = None
        self._on_display: Screen | None = None
        """What the display shows; None: nobody knows."""
        self._sent: float | None = None

    def put(
        self, key: LineKey, rows: tuple[Row, ...], final: bool, now: float, zone: Zone = "target"
    ) -> None:
        """A caption says this now; without rows it is withdrawn."""
        self._zones[zone][0].put(key, rows, final, now)

    def withdraw(self, key: LineKey, now: float) -> None:
        """A caption is no more, wherever it was."""
        for roll, _ in self._zones.values():
            roll.put(key, (), True, now)

    def __contains__(self, key: object) -> bool:
        """Whether some of a caption is still to be read."""
        return any(key in roll for roll, _ in self._zones.values())

    def say(self, state: Row | None) -> None:
        """How things are, in the last row from now on; None: as they should be."""
        self._state = state

    def next(self, now: float) -> Screen | None:
        """The screen to send now, if there is one to send."""
        if now < self.soonest():
            return None
        screen = self._screen(now)
        if screen != self._on_display:
            return screen
        self._seen(now)
        return None

    def shown(self, screen: Screen, now: float) -> None:
        """The last screen given is on the display since this second."""
        self._on_display, self._sent = screen, now
        self._seen(now)

    def lost(self) -> None:
        """The display may have forgotten everything: it gets all of it again."""
        self._on_display = None

    def due(self, now: float) -> float | None:
        """The second at which to ask again, if nothing is put before; None: never."""
        if now < self.soonest():
            return self.soonest()
        moments = [roll.due(self._room(zone)) for zone, (roll, _) in self._zones.items()]
        known = [moment for moment in moments if moment is not None]
        return min(known, default=None)

    def soonest(self) -> float:
        """The second from which the next screen may go."""
        return 0.0 if self._sent is None else self._sent + self.interval

    def newest(self) -> Iterable[LineKey]:
        """The captions whose last words are in the screen given last."""
        for roll, _ in self._zones.values():
            yield from roll.newest()

    @property
    def behind(self) -> int:
        """How many rows wait for room."""
        return sum(max(0, roll.behind) for roll, _ in self._zones.values())

    @property
    def missed(self) -> int:
        """Captions given up, for the display was away too long."""
        return sum(roll.missed for roll, _ in self._zones.values())

    def _room(self, zone: Zone) -> int:
        """How many rows captions have there, beside the state."""
        return self._zones[zone][1] - (zone == "target" and self._state is not None)

    def _screen(self, now: float) -> Screen:
        rows: list[Row] = []
        for zone, (roll, lines) in self._zones.items():
            room = self._room(zone)
            if not roll.fits(room, now):
                room = lines  # the state waits until a row has been read
            found = [self._dimmed(row) for row in roll.rows(room, now)]
            rows += found + [Row()] * (lines - len(found))
            if room < lines:
                assert self._state is not None
                rows[-1] = self._state
        while rows and not rows[-1].text:
            rows.pop()
        return Screen(tuple(rows))

    def _dimmed(self, row: Row) -> Row:
        """Where nothing can be dim, a screen is not new because something is certain now."""
        return replace(row, sure=len(row.text)) if self.profile.dim == "none" else row

    def _seen(self, now: float) -> None:
        for roll, _ in self._zones.values():
            roll.shown(now)
