"""A queue that keeps only the newest value of each segment.

This is what keeps a slow model from building a backlog: it sees fewer partial results, and always
the last. A final takes the place of its segment's partial, so finals come in the order in which
their segments began.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Put from anywhere in the event loop; one task reads."""

    def __init__(self) -> None:
        self.waiting: dict[Hashable, T] = {}
        self.changed = asyncio.Event()
        self.closed = False
        self.skipped = 0  # values that were replaced before anybody read them

    def __len__(self) -> int:
        return len(self.waiting)

    def put(self, key: Hashable, value: T) -> None:
        """Add the newest value of `key`, in the place of an older one."""
        assert not self.closed
        self.skipped += key in self.waiting
        self.waiting[key] = value
        self.changed.set()

    def close(self) -> None:
        """No more values: the reader gets what is waiting, then stops."""
        self.closed = True
        self.changed.set()

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            while self.waiting:
                yield self.waiting.pop(next(iter(self.waiting)))
            if self.closed:
                return
            self.changed.clear()
            await self.changed.wait()
