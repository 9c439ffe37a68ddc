"""When each part of one microphone's audio arrived."""

from bisect import bisect_left

KEPT = 4_000  # frames: 80 s of the shortest
LATE = 16  # of them: those that are mostly asked for, and still near in memory


class Arrivals:
    """The arrival times of the last frames, by position."""

    def __init__(self) -> None:
        self.ends: list[int] = []
        self.times: list[float] = []

    @property
    def last(self) -> float:
        """When the newest frame arrived; 0 before the first."""
        return self.times[-1] if self.times else 0.0

    def push(self, end: int, now: float) -> None:
        """The frame that ends at position `end` arrived `now`."""
        self.ends.append(end)
        self.times.append(now)
        if len(self.ends) > 2 * KEPT:
            del self.ends[:KEPT], self.times[:KEPT]

    def at(self, position: int) -> float:
        """When the sample before `position` arrived."""
        ends = self.ends
        late = len(ends) - LATE if len(ends) > LATE and ends[-LATE] < position else 0
        n = bisect_left(ends, position, late)
        return self.times[min(n, len(self.times) - 1)]
