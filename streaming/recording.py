"""Keep the newest audio of one microphone, by position.

What lies between two frames was never sent: it reads as silence. Memory is bounded: audio older
than `keep` samples is forgotten. Frames stay as they came, so putting one more behind them costs
nothing, and what is read is put together then; but short ones are joined, for a stranger may send
sample by sample, and each would take forty times its sound.
"""

from collections import deque

from .values import BYTES_PER_SAMPLE, WINDOW, AudioFrame, samples

SHORT = WINDOW * BYTES_PER_SAMPLE  # bytes


class Recording:
    """The last seconds of one microphone; `start` and `end` bound what can be read."""

    def __init__(self, keep: int = samples(30_000)) -> None:
        self.keep = keep
        self.start = self.end = 0
        self.frames: deque[AudioFrame] = deque()

    def push(self, frame: AudioFrame) -> None:
        """Add a frame that begins at `end` or later."""
        assert frame.start >= self.end, "audio goes forward"
        if not self.frames and frame.start >= self.keep:
            self.start = frame.start
        last = self.frames[-1] if self.frames else None
        if last is not None and len(last.pcm) < SHORT and last.end == frame.start:
            self.frames[-1] = AudioFrame(last.start, last.pcm + frame.pcm)
        else:
            self.frames.append(frame)
        self.end = frame.end
        oldest = frame.end - self.keep
        if oldest > self.start:
            self.start = oldest
            while self.frames[0].end <= oldest:
                self.frames.popleft()

    def read(self, start: int, end: int) -> bytes:
        """The audio of [start, end) as far as it is kept."""
        start, at = max(start, self.start), min(end, self.end)
        parts: list[bytes] = []  # the last first
        for frame in reversed(self.frames):
            if at <= start:
                break
            if frame.end < at:
                parts.append(_silence(at - max(frame.end, start)))
                at = max(frame.end, start)
            begin = max(frame.start, start)
            if begin < at:
                parts.append(frame.pcm[_bytes(begin - frame.start) : _bytes(at - frame.start)])
                at = begin
        parts.append(_silence(at - start))
        return b"".join(reversed(parts))


def _bytes(samples: int) -> int:
    return samples * BYTES_PER_SAMPLE


def _silence(samples: int) -> bytes:
    return bytes(max(0, _bytes(samples)))
