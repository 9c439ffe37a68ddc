"""How far ahead of real time a speaker may run: a token bucket of audio."""

from .values import SAMPLE_RATE


class Pace:
    """Lets `ahead_s` of audio pass at once, refilled at `rate` times real time."""

    def __init__(self, now: float, ahead_s: float = 30.0, rate: float = 1.1) -> None:
        self.full = ahead_s * SAMPLE_RATE
        self.rate = rate * SAMPLE_RATE
        self.left = self.full
        self.seen = now

    def push(self, samples: int, now: float) -> bool:
        """Take `samples` that arrived at `now` (seconds, monotonic); False if that is too many."""
        self.left = min(self.full, self.left + (now - self.seen) * self.rate) - samples
        self.seen = now
        return self.left >= 0
