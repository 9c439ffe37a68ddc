"""Let many readers be written to without anybody else having to wait for all of them.

A caption for a thousand readers wakes a thousand tasks, and the event loop would run them all, 10
to 50 ms of it, before it looks at the network again. They are woken some at a time, and between
two times the loop reads whatever microphones have sent.
"""

import asyncio

AT_ONCE = 40  # 1-2 ms of writing: in a room of so many nobody has to wait for a turn


class Turns:
    """One per room. `wake` an event: now, or in one of the loop's next turns, in order."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self.at_once = self.left = at_once  # in this turn of the loop
        self.waiting: dict[asyncio.Event, None] = {}
        self.crowded = True  # more are here than can be written to at once
        self.turning = False

    def wake(self, event: asyncio.Event) -> None:
        """Set the event as soon as it is its turn."""
        if event.is_set():
            return
        if not self.crowded and not self.waiting:
            event.set()
            return
        if not self.turning:
            self.turning = True
            asyncio.get_running_loop().call_soon(self._turn)
        self.waiting[event] = None
        self._wake()

    def _wake(self) -> None:
        while self.left and self.waiting:
            self.left -= 1
            event = next(iter(self.waiting))
            del self.waiting[event]
            event.set()

    def _turn(self) -> None:
        """The loop has been around once."""
        self.left = self.at_once
        self._wake()
        self.turning = self.left < self.at_once
        if self.turning:
            asyncio.get_running_loop().call_soon(self._turn)
