"""Keep the newest audio of one microphone, by position.

What lies between two frames was never sent: it reads as silence. Memory is bounded: audio older
than `keep` samples is forgotten.
"""

from .values import BYTES_PER_SAMPLE, AudioFrame, samples


class Recording:
    """The last seconds of one microphone; `start` and `end` bound what can be read."""

    def __init__(self, keep: int = samples(30_000)) -> None:
        self.keep = keep
        self.start = 0
        self.pcm = bytearray()

    @property
    def end(self) -> int:
        return self.start + len(self.pcm) // BYTES_PER_SAMPLE

    def push(self, frame: AudioFrame) -> None:
        """Add a frame that begins at `end` or later."""
        missing = frame.start - self.end
        assert missing >= 0, "audio goes forward"
        if missing >= self.keep:
            self.start, self.pcm = frame.start, bytearray()
        elif missing:
            self.pcm += bytes(missing * BYTES_PER_SAMPLE)
        self.pcm += frame.pcm
        excess = len(self.pcm) // BYTES_PER_SAMPLE - self.keep
        if excess > self.keep // 8:  # forgetting moves what is kept: not for every frame
            del self.pcm[: excess * BYTES_PER_SAMPLE]
            self.start += excess

    def read(self, start: int, end: int) -> bytes:
        """The audio of [start, end) as far as it is kept."""
        first, last = max(start, self.start), min(end, self.end)
        begin, stop = first - self.start, max(0, last - self.start)
        with memoryview(self.pcm) as kept:  # a slice of the array itself would be copied twice
            return bytes(kept[begin * BYTES_PER_SAMPLE : stop * BYTES_PER_SAMPLE])
