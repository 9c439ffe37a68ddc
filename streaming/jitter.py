"""Put packets that came over a lossy network in order, and wait for no one of them long.

A packet leaves at once if the one before it has left. Behind a hole it waits until enough others
wait with it that the missing one must be lost, or until it has waited `PATIENCE`; then the hole is
passed over. What was passed over shows in the positions: they count time, lost or not. Sequence
numbers of 16 bits and timestamps of 32 wrap (RFC 3550, 5.1); streams that begin anew are told from
packets that went astray as in its appendix A.1. Opus counts 48,000 ticks a second (RFC 7587, 4.1).
"""

from dataclasses import dataclass

TICKS = 48_000  # a second
TICKS_PER_SAMPLE = 3  # of positions, which are at 16 kHz
PATIENCE = 0.06  # seconds that a packet waits for those before it
DEPTH = 2  # packets that wait for a missing one before it is given up ...
DEEPEST = 4  # ... and so many where it has come late all the same
CALM = 1500  # packets without a late one after which fewer wait again; 30 s
DROPOUT, MISORDER = 3000, 100  # RFC 3550, A.1
LEAP = 2.0  # seconds that a timestamp may run ahead of the clock and be believed


@dataclass(frozen=True, slots=True)
class Packet:
    """As it arrived."""

    sequence: int
    """16 bits."""
    timestamp: int
    """Of its first sample, in ticks; 32 bits."""
    payload: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """In order."""

    start: int
    """Position of its first sample at 16 kHz, from the stream's first one; later than where the
    frame before it ended if something between them was lost, or never sent."""
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Waiting:
    since: float
    packet: Packet


class JitterBuffer:
    """One stream. `push` is its verb; `tick` when `due` has come. Times are in seconds."""

    def __init__(self) -> None:
        self.lost = self.late = self.doubled = self.restarted = 0
        """Packets that never came in time, came after that, came twice; and new beginnings."""
        self._waiting: dict[int, _Waiting] = {}
        self._next: int | None = None  # sequence number, without the wrap
        self._depth, self._calm = DEPTH, 0
        self._suspect: int | None = None  # what would follow a packet from far away
        self._timestamp = self._start = 0  # of the newest frame, in ticks; _start never goes back
        self._left: float | None = None  # when it left

    @property
    def due(self) -> float | None:
        """When `tick` has something to give, should nothing come before."""
        if not self._waiting:
            return None
        return min(one.since for one in self._waiting.values()) + PATIENCE

    def push(self, packet: Packet, now: float) -> list[Frame]:
        """Take a packet; the frames that need not wait for others any more."""
        if self._next is None:
            self._next = packet.sequence
        ahead = (packet.sequence - self._next + 0x8000) % 0x10000 - 0x8000
        if not -MISORDER <= ahead < DROPOUT:
            return self._astray(packet, now)
        self._suspect = None
        sequence = self._next + ahead
        if sequence in self._waiting:
            self.doubled += 1
            return []
        if ahead < 0:
            self.late += 1
            self._depth, self._calm = min(DEEPEST, self._depth + 1), 0
            return []
        self._waiting[sequence] = _Waiting(now, packet)
        self._calm += 1
        if self._calm >= CALM:
            self._depth, self._calm = max(DEPTH, self._depth - 1), 0
        return self._ordered(now)

    def tick(self, now: float) -> list[Frame]:
        """The frames that have waited long enough."""
        return self._ordered(now)

    def _astray(self, packet: Packet, now: float) -> list[Frame]:
        """From far away: once is a mistake, and two in a row are where the stream is now."""
        if packet.sequence != self._suspect:
            self._suspect = (packet.sequence + 1) % 0x10000
            return []
        self._suspect = None
        self.restarted += 1
        before = [self._leave(sequence, now) for sequence in sorted(self._waiting)]
        self._next = packet.sequence
        return before + self.push(packet, now)

    def _ordered(self, now: float) -> list[Frame]:
        frames = []
        while self._waiting:
            assert self._next is not None
            if self._next not in self._waiting:
                due = self.due
                assert due is not None
                if len(self._waiting) < self._depth and now < due:
                    break
            frames.append(self._leave(min(self._waiting), now))
        return frames

    def _leave(self, sequence: int, now: float) -> Frame:
        """What is missing before it is given up. Its position is what its timestamp says, unless
        that cannot be."""
        assert self._next is not None
        self.lost += sequence - self._next
        self._next = sequence + 1
        packet = self._waiting.pop(sequence).packet
        if self._left is not None:
            ahead = (packet.timestamp - self._timestamp + 0x8000_0000) % 0x1_0000_0000 - 0x8000_0000
            passed = round((now - self._left) * TICKS)
            if not 0 < ahead <= passed + LEAP * TICKS:
                ahead = max(passed, 1)
            self._start += ahead
        self._timestamp, self._left = packet.timestamp, now
        return Frame(self._start // TICKS_PER_SAMPLE, packet.payload)
