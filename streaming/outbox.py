"""What waits to be sent to one reader, in the order of `seq`.

A newer partial *removes* the older one of its line and goes to the end, so a slow reader sees fewer
updates and never an old one. A final is never removed and closes its line. Whatever happens, `seq`
grows strictly on the way out: a reader that comes back with the last it saw has missed nothing
before it.
"""

from .messages import Caption

Key = tuple[str, int, str, str]


class Outbox:
    """One per reader; holds at most `bound` finals and one partial per open line."""

    def __init__(self, bound: int = 2_000) -> None:
        self.bound = bound
        self.waiting: dict[int, Caption] = {}  # by seq, growing
        self.partials: dict[Key, int] = {}  # the waiting partial of each open line

    def __len__(self) -> int:
        return len(self.waiting)

    @property
    def full(self) -> bool:
        """The reader is too slow to be kept: close it, and let it resume."""
        return len(self.waiting) > self.bound

    def put(self, caption: Caption) -> None:
        """Add a caption whose `seq` is greater than all before it."""
        old = self.partials.pop(caption.key, None)
        if old is not None:
            del self.waiting[old]
        self.waiting[caption.seq] = caption
        if not caption.final:
            self.partials[caption.key] = caption.seq

    def take(self) -> Caption | None:
        """The next caption to send; None if nothing waits."""
        if not self.waiting:
            return None
        caption = self.waiting.pop(next(iter(self.waiting)))
        if self.partials.get(caption.key) == caption.seq:
            del self.partials[caption.key]
        return caption
