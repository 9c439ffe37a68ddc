"""How things are, in as few words as a small display has room for: the truth, the worst first."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from clients.words import sentence
from streaming.messages import State

NEWS = 8.0  # seconds that a trouble is shown when it is new
LATE = 3.0  # seconds behind the speaker that a reader is told of
SHORT = {
    "ok": "is back",
    "degraded": "limited",
    "down": "down",
    "draining": "is ending",
    "drained": "is over",
}
LATELY = 5.0  # seconds for which that is said after the last late caption


@dataclass
class Status:
    """What is wrong, the worst first. Seconds are passed in."""

    away: float | None = None
    """The second since which there is no connection; None while there is one."""
    been: bool = False
    """There was one before."""
    muted: bool = False
    instead: Sequence[str] = ()
    """Who captions while there is none, or why nobody does; the longest words first."""
    catching_up: bool = False
    """There is one again, and this device finishes what is being said."""
    _late: tuple[float, float] = (0.0, 0.0)
    """How many seconds, and until when that is said."""
    _news: tuple[Sequence[str], float] = ((), 0.0)

    def connected(self) -> None:
        """There is a connection."""
        self.away, self.been = None, True

    def lost(self, now: float) -> None:
        """There is none any more."""
        if self.away is None:
            self.away = now

    def late(self, seconds: float, now: float) -> None:
        """A caption was so late; 0 if nobody knows by how much."""
        self._late = (seconds, now + LATELY)

    def trouble(self, state: State, now: float) -> None:
        """The server says how well something works."""
        if state.scope == "connection":
            return  # of our own connection we know better
        whole, plain = sentence(state), sentence(replace(state, reason=None))
        short = f"{state.scope} {SHORT[state.level]}"
        least = "it works again" if state.level == "ok" else "trouble"
        self.news((whole, plain, short, least), now)

    def news(self, sentences: Sequence[str], now: float) -> None:
        """Something to be told once, the longest sentence first."""
        self._news = (sentences, now + NEWS)

    def sentences(self, now: float) -> Sequence[str]:
        """What to show, the longest first; none when all is well."""
        if self.away is not None:
            ago = _ago(now - self.away)
            if self.instead:
                said = [f"no server {ago}: {one}" for one in self.instead]
                return (*said, f"{self.instead[-1]} {ago}", f"no server {ago}", ago)
            what = "reconnecting" if self.been else "connecting"
            return (f"{what} {ago}", f"no server {ago}", ago)
        if self.muted:
            return ("microphone muted", "muted")
        if self.catching_up:
            return ("the server catches up", "catching up")
        if now < self._news[1]:
            return self._news[0]
        if now < self._late[1]:
            seconds = round(self._late[0])
            by = f" {seconds} s" if seconds else ""
            return (f"captions are{by} late", f"late{by}")
        return ()

    def due(self, now: float) -> float | None:
        """The second at which that changes by itself; None: never."""
        if self.away is not None:
            return self.away + int(max(0.0, now - self.away)) + 1
        ends = [end for end in (self._late[1], self._news[1]) if end > now]
        return min(ends, default=None)


def _ago(seconds: float) -> str:
    whole = int(max(0.0, seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min"
