"""Final translations that could not be had: asked for again until they can, for a while."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from streaming.retranslation import Retranslation
from streaming.values import Transcript

from .clock import Clock
from .stamp import Stamp

KEPT_S = 30.0  # a line older than this is of no use to anybody who listens
AGAIN_S = 1.0

Pay = Callable[[Retranslation, Transcript, Stamp], Awaitable[bool]]
GiveUp = Callable[[Retranslation, Transcript, Stamp], Awaitable[None]]


class Owed:
    """What one language of one speaker owes its readers: `pay` says whether it could.

    Leaving the context tries once more and gives up what still cannot be had.
    """

    def __init__(self, clock: Clock, pay: Pay, give_up: GiveUp) -> None:
        self.clock, self.pay, self.give_up = clock, pay, give_up
        self.waiting: deque[tuple[float, Retranslation, Transcript, Stamp]] = deque()
        self.task: asyncio.Task[None] | None = None

    def put(self, machine: Retranslation, said: Transcript, stamp: Stamp) -> None:
        """Remember a final that readers are waiting for."""
        self.waiting.append((self.clock.now(), machine, said, stamp))
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._repay())

    async def __aenter__(self) -> "Owed":
        return self

    async def __aexit__(self, *error: object) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        for _, machine, said, stamp in self.waiting:
            if not await self.pay(machine, said, stamp):
                await self.give_up(machine, said, stamp)

    async def _repay(self) -> None:
        while self.waiting:
            await self.clock.sleep(AGAIN_S)
            while self.waiting and await self._first():
                self.waiting.popleft()

    async def _first(self) -> bool:
        since, machine, said, stamp = self.waiting[0]
        if await self.pay(machine, said, stamp):
            return True
        if self.clock.now() - since < KEPT_S:
            return False
        await self.give_up(machine, said, stamp)
        return True
