"""When a value's sound came, and where its time went since."""

from msgspec import Struct

from streaming.messages import Latency


class Stamp(Struct, frozen=True, gc=False):
    """When the newest audio of a value arrived, and what each stage has spent on it; seconds."""

    arrived: float
    at: int
    """Milliseconds from the room's opening to the segment's start."""
    detect: float = 0.0
    recognize: float = 0.0
    translate: float = 0.0
    plain: frozenset[str] = frozenset()
    """Languages whose readers were told the words as they were said, for want of a translation."""

    def latency(self, now: float) -> Latency:
        total = now - self.arrived
        queue = total - self.detect - self.recognize - self.translate
        return Latency(
            round(1000 * self.detect, 2),
            round(1000 * self.recognize, 2),
            round(1000 * self.translate, 2),
            round(1000 * queue, 2),
            round(1000 * total, 2),
        )
