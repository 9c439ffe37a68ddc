"""Cut audio into the windows that the detector looks at.

No sample is lost or comes twice: the windows join to the audio. Only the last window before time
that was not sent, or before the end, may be shorter than the others.
"""

from .values import BYTES_PER_SAMPLE, WINDOW, AudioFrame


class Framer:
    """One per microphone."""

    def __init__(self) -> None:
        self.start = 0  # position of the first sample that waits for its window
        self.waiting = b""

    @property
    def position(self) -> int:
        """The position of the next sample."""
        return self.start + len(self.waiting) // BYTES_PER_SAMPLE

    def push(self, pcm: bytes) -> list[AudioFrame]:
        """Take the next samples; return the windows they complete."""
        sound, start, size = self.waiting + pcm, self.start, WINDOW * BYTES_PER_SAMPLE
        whole = len(sound) - len(sound) % size
        self.start, self.waiting = start + whole // BYTES_PER_SAMPLE, sound[whole:]
        return [
            AudioFrame(start + n // BYTES_PER_SAMPLE, sound[n : n + size])
            for n in range(0, whole, size)
        ]

    def skip(self, to: int) -> list[AudioFrame]:
        """Time up to `to` was not sent; return the shortened window before it, if any."""
        assert to >= self.position, "audio goes forward"
        rest = [AudioFrame(self.start, self.waiting)] if self.waiting else []
        self.start, self.waiting = to, b""
        return rest
