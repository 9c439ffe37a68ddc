"""What is measured of a room while one reads it, in one place. Times are given, never read."""

from clients.latency import CaptionAge, Captured, ChunkToCaption, Meter, Stages
from clients.lines import Change
from streaming.messages import Pong


class Figures:
    """Give it what was drawn and when; ask it what the status line and the panel say.

    `captured` is there when we speak: the second (monotonic) at which a position of our own audio
    was captured; `meter` when somebody else measures the way from microphone to screen.
    """

    def __init__(self, captured: Captured | None = None, meter: Meter | None = None) -> None:
        self.given = meter
        self.late: ChunkToCaption | None = None
        self.age: CaptionAge | None = None
        self.listen(captured)
        self.inside = Meter()
        """The server's own share of the latency, of captions that tell it."""
        self.stages = Stages()

    def listen(self, captured: Captured | None) -> None:
        """We speak anew, or (None) no longer: what was measured before still counts."""
        late = self.late.meter if self.late else None
        age = self.age.meter if self.age else None
        self.late = ChunkToCaption(captured, late) if captured else None
        self.age = CaptionAge(captured, age) if captured else None
        self.meter = self.late.meter if self.late else self.given

    def drawn(self, change: Change, taken: float, now: float, mine: bool) -> None:
        """A change that was taken in at one second is on the screen at another."""
        if change.caption is None or change.caption.replay:
            return
        self.stages.add("draw", (now - taken) * 1000)
        if change.caption.latency is not None:
            self.inside.add(change.caption.latency.total)
            self.stages.push(change.caption.latency)
        if mine and self.late is not None and self.age is not None:
            self.late.push(change, now)
            self.age.push(change, now)

    def answered(self, pong: Pong, now: float) -> None:
        """A ping, sent with its second in ms, has come back."""
        self.stages.add("network", max(0.0, now * 1000 - pong.t))

    def sample(self, now: float) -> None:
        """How old what is on the screen is now: ask often."""
        if self.age is not None:
            self.age.sample(now)

    def late_ms(self) -> float | None:
        """95th percentile, of the whole way where it is known, else of the server's part."""
        return (self.meter or self.inside).percentile(95)

    def age_ms(self) -> float | None:
        """95th percentile of the caption age, where it is known."""
        return self.age.meter.percentile(95) if self.age is not None else None
