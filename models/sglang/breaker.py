"""Leave a server alone that does not work, and notice within a second that it works again.

    closed  -- failures in a row, or one that is certain -->  open
    open    -- a probe answers -->                            trial
    trial   -- success --> closed      -- any failure --> open

Calls are made in `closed` and `trial`. Nobody waits for a broken server: probes are nobody's call.
"""

from collections.abc import Collection
from enum import Enum
from hashlib import blake2b
from typing import Literal

PROBE_S = 0.5  # between two probes: recovery is seen this late at most, and a probe costs 1 ms

State = Literal["closed", "trial", "open"]


class Seen(Enum):
    """What a call or a probe has shown."""

    WORKS = "works"
    FAILED = "failed"
    """Perhaps it was this call."""
    GONE = "gone"
    """Nobody answers, or it says itself that it cannot."""
    BACK = "back"
    """A probe was answered."""


class Breaker:
    """One per server: `push` what was seen, at `now` seconds of any clock."""

    def __init__(self, patience: int = 3) -> None:
        """`patience`: failures in a row that open it."""
        self.patience = patience
        self.state: State = "closed"
        self.failures = 0
        self.probed = 0.0

    @property
    def open(self) -> bool:
        """Do not call."""
        return self.state == "open"

    def push(self, seen: Seen, now: float) -> State:
        """Take the newest sight; the state after it."""
        match seen:
            case Seen.WORKS:
                # A call that was begun before it broke says nothing about now.
                if self.state != "open":
                    self.state, self.failures = "closed", 0
            case Seen.BACK:
                if self.state == "open":
                    self.state = "trial"
            case Seen.FAILED | Seen.GONE:
                self.failures += 1
                if self.state == "trial" or seen is Seen.GONE or self.failures >= self.patience:
                    self.state, self.probed, self.failures = "open", now, 0
        return self.state

    def wait(self, now: float) -> float:
        """Seconds until the next probe is due, while it is open."""
        return max(0.0, self.probed + PROBE_S - now)


def ranked(urls: Collection[str], key: str) -> list[str]:
    """The URLs from the one that `key` belongs to, to its last resort; every key has its own order,
    and losing a URL moves only its own keys (rendezvous hashing, Thaler and Ravishankar 1998)."""
    return sorted(urls, key=lambda url: blake2b(f"{url}\0{key}".encode()).digest())
