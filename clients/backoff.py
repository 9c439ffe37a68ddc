"""How long to wait before each try to connect again.

A random part of a bound that doubles from 250 ms to 5 s ("full jitter"): many clients that lost the
same server do not come back in step. A server that said it is stopping is expected back soon, so
its clients ask at least once a second.
"""

from random import Random

FIRST, LONGEST = 0.25, 5.0  # seconds
SOON = 1.0  # the bound once a server has said that it stops
STEADY = 30.0  # a connection that lasted so long was a good one: the next loss is a new one


class Backoff:
    """One per link: `next` for every loss and every failed try."""

    def __init__(self, first: float = FIRST, longest: float = LONGEST, seed: int | None = None):
        self.first, self.longest = first, longest
        self.random = Random(seed)
        self.tries = 0
        self.soon = False

    def lost(self, lasted: float) -> None:
        """A connection that lasted so many seconds has broken."""
        if lasted >= STEADY:
            self.tries, self.soon = 0, False

    def next(self, stopping: bool = False, at_least: float = 0.0) -> float:
        """Seconds to wait now; `at_least` what the server asked for."""
        self.soon = self.soon or stopping
        bound = min(self.longest, self.first * 2 ** min(self.tries, 30))
        self.tries += 1
        if self.soon:
            bound, at_least = min(bound, SOON), min(at_least, SOON)
        return at_least + self.random.uniform(0, bound)
