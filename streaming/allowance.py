"""How often something may be done: a token bucket."""


class Allowance:
    """Lets `burst` happen at once, and `rate` a second from then on."""

    def __init__(self, burst: float, rate: float, now: float) -> None:
        self.burst, self.rate = burst, rate
        self.left, self.seen = burst, now

    def take(self, now: float) -> bool:
        """Do it once at `now` (seconds, monotonic); False if that is too often."""
        self.left = min(self.burst, self.left + (now - self.seen) * self.rate) - 1
        self.seen = now
        return self.left >= 0
