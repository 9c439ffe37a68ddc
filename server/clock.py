"""The only clock of the server: seconds that may run faster than the world's."""

import asyncio
import time


class Clock:
    """Monotonic seconds since it was made, `speed` times as fast as real ones.

    `serve --speed N` lets files and soaks run N times faster than speech, and every timer with
    them.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self.born = time.monotonic()

    def now(self) -> float:
        """Seconds, scaled."""
        return (time.monotonic() - self.born) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait for scaled seconds."""
        await asyncio.sleep(seconds / self.speed)

    def real(self, seconds: float) -> float:
        """How many real seconds last `seconds` of this clock."""
        return seconds / self.speed
