"""Recognition by servers that hear a whole recording at a time: a segment is sent again and again,
as it grows."""

import io
import wave
from collections.abc import Awaitable, Callable

import numpy as np

from models.base import Heard
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE, samples

LEAST = samples(300)  # less sound has no word in it, and makes models invent some
LONGEST = samples(30_000)  # the segmenter cuts at half of that
FAINT = 3  # of 32,768: Qwen3-ASR on SGLang fails at sound that is nothing but zeros

Transcribe = Callable[[bytes, str], Awaitable[Heard]]


class Windowed:
    """A `Hearing`: all of the segment, each time."""

    def __init__(self, language: str, transcribe: Transcribe) -> None:
        """`transcribe(pcm, committed)` says what the whole of `pcm` says, beginning with
        `committed`; `language` is named where nothing was said."""
        self._language, self._transcribe = language, transcribe
        self._pcm = bytearray()

    async def hear(self, pcm: bytes, committed: str) -> Heard:
        """The words so far. Audio is taken even if this is cancelled or fails. EngineError."""
        self._pcm += dithered(pcm)
        del self._pcm[: -LONGEST * BYTES_PER_SAMPLE]
        if len(self._pcm) < LEAST * BYTES_PER_SAMPLE:
            return Heard("", self._language)
        return await self._transcribe(bytes(self._pcm), committed)

    async def finish(self, pcm: bytes) -> Heard:
        """The words of the whole segment, held to nothing. EngineError."""
        return await self.hear(pcm, "")

    async def close(self) -> None:
        """Forget the sound."""
        self._pcm.clear()


def dithered(pcm: bytes) -> bytes:
    """The sound, with a breath of noise where there is digital silence. Done once, as it comes: a
    second of it is heard by the model dozens of times."""
    sound = np.frombuffer(pcm, "<i2")
    if sound.all():
        return pcm
    noise = np.random.default_rng(0).integers(-FAINT, FAINT, len(sound), "<i2", endpoint=True)
    return np.where(sound == 0, noise, sound).astype("<i2").tobytes()


def wav(pcm: bytes) -> bytes:
    """16 kHz mono as a file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(BYTES_PER_SAMPLE)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(pcm)
    return file.getvalue()


def hum(ms: float) -> bytes:
    """Faint noise, for asking a recognizer whether it hears at all."""
    return wav(dithered(bytes(samples(ms) * BYTES_PER_SAMPLE)))
