"""What was said and may not have arrived: the last 30 s of one microphone, by position.

    push, skip       as it is said
    acknowledged     the server has it: forgotten
    after            what to send next, to a server that has everything before a position

Positions are samples at 16 kHz, whatever the codec.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from streaming.messages import Audio, Opus, Pcm16
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE, samples

KEPT_MS = 30_000  # what was said longer ago helps nobody


@dataclass(frozen=True, slots=True)
class Piece:
    """One frame, or (without data) a time that will never be sent."""

    start: int
    end: int
    data: bytes = b""


class Ring:
    """One per speaker; `audio` as in the hello."""

    def __init__(self, audio: Audio, keep: int = samples(KEPT_MS)) -> None:
        self.rate = audio.rate if isinstance(audio, Pcm16) else 0
        self.keep = keep
        self.end = 0
        """The position of what is said next."""
        self._pieces: deque[Piece] = deque()
        self._from = self._count = 0  # the last gap's end, and samples since then at their rate

    def __iter__(self) -> Iterator[Piece]:
        return iter(self._pieces)

    def push(self, data: bytes) -> None:
        """The next frame."""
        start = self.end
        if self.rate:
            self._count += len(data) // BYTES_PER_SAMPLE
            self.end = self._from + round(self._count * SAMPLE_RATE / self.rate)
        else:
            self.end += packet_samples(data)
        self._pieces.append(Piece(start, self.end, data))
        self.acknowledged(self.end - self.keep)

    def skip(self, to: int) -> None:
        """Nothing is said up to this position."""
        if to > self.end:
            self.end = self._from = to
            self._count = 0
            self.acknowledged(to - self.keep)

    def acknowledged(self, position: int) -> None:
        """All before this has arrived, or will never be asked for."""
        while self._pieces and self._pieces[0].end <= position:
            self._pieces.popleft()

    def after(self, position: int) -> Piece | None:
        """What comes at `position`, as far as it is known; None at the end."""
        piece = next((one for one in self._pieces if one.end > position), None)
        if piece is None:
            return Piece(position, self.end) if position < self.end else None
        if piece.start > position:
            return Piece(position, piece.start)
        if piece.start == position:
            return piece
        if self.rate != SAMPLE_RATE:  # these are not cut without a click
            return Piece(position, piece.end)
        return Piece(position, piece.end, piece.data[BYTES_PER_SAMPLE * (position - piece.start) :])


def packet_samples(packet: bytes) -> int:
    """How long an Opus packet lasts, from its first bytes (RFC 6716, 3.1)."""
    if not packet:
        return 0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:  # SILK
        frame = (160, 320, 640, 960)[config & 3]
    elif config < 16:  # hybrid
        frame = (160, 320)[config & 1]
    else:  # CELT
        frame = (40, 80, 160, 320)[config & 3]
    many = packet[1] & 0x3F if code == 3 and len(packet) > 1 else (1, 2, 2, 0)[code]
    return frame * many


def kept(audio: object) -> Ring | None:
    """The ring for what a hello says of its audio; None if it has none that is sent."""
    return Ring(audio) if isinstance(audio, Pcm16 | Opus) else None
