"""Tell whoever writes to a reader that something waits for it."""

import asyncio
from collections.abc import Callable


class Bell(asyncio.Event):
    """An event that a task waits for, unless `answer` can do the work at once: then nobody has to
    be woken, which would take longer than the work."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Callable[[], bool] | None = None

    def set(self) -> None:
        """Something waits."""
        if self.answer is None or not self.answer():
            super().set()
