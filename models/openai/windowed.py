"""Recognition by servers that hear a whole recording at a time: a segment is sent again and again,
as it grows. What is doubted is not shown: the last text that was believed stands instead."""

import io
import wave
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from models.base import Heard
from models.guards.phantoms import without_credits
from models.guards.transcripts import EMPTY, NO_HINTS, Doubt, doubt, salvaged
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE, milliseconds, samples

LEAST = samples(300)  # less sound has no word in it, and makes models invent some
LONGEST = samples(30_000)  # the segmenter cuts at half of that
FAINT = 3  # of 32,768: Qwen3-ASR on SGLang fails at sound that is nothing but zeros

Transcribe = Callable[[bytes, str], Awaitable[Heard]]


class Windowed:
    """A `Hearing`: all of the segment, each time."""

    def __init__(
        self,
        languages: Sequence[str],
        transcribe: Transcribe,
        on_doubt: Callable[[str], None] = lambda what: None,
    ) -> None:
        """`transcribe(pcm, committed)` says what the whole of `pcm` says, beginning with
        `committed`; `languages`: of the microphone, the first of which is named where nothing was
        said; `on_doubt` is told, of each text that is not believed, what is wrong with it."""
        self._languages, self._transcribe = tuple(languages), transcribe
        self._on_doubt = on_doubt
        self._pcm = bytearray()
        self._believed = Heard("", self._languages[0])

    async def hear(self, pcm: bytes, committed: str) -> Heard:
        """The words so far. Audio is taken even if this is cancelled or fails. EngineError."""
        heard, trouble = await self._judged(pcm, committed)
        if trouble is None:
            self._believed = heard
        return self._believed

    async def finish(self, pcm: bytes) -> Heard:
        """The words of the whole segment, held to nothing; '' if they are not to be believed.
        EngineError."""
        heard, trouble = await self._judged(pcm, "")
        if trouble is None:
            return heard
        if trouble in EMPTY:
            return Heard("", heard.language)
        if self._believed.text:
            return self._believed
        return Heard(salvaged(heard.text, *self._sound(), self._languages), heard.language)

    async def close(self) -> None:
        """Forget the sound."""
        self._pcm.clear()

    async def _judged(self, pcm: bytes, committed: str) -> tuple[Heard, Doubt | None]:
        """What all of the sound says, and what speaks against it."""
        self._pcm += dithered(pcm)
        del self._pcm[: -LONGEST * BYTES_PER_SAMPLE]
        if len(self._pcm) < LEAST * BYTES_PER_SAMPLE:
            return Heard("", self._languages[0]), None
        heard = await self._transcribe(bytes(self._pcm), committed)
        text = without_credits(heard.text)
        trouble = doubt(text, *self._sound(), self._languages, NO_HINTS) if text else None
        if trouble is not None or (heard.text.strip() and not text):
            self._on_doubt((trouble or Doubt.PHANTOM).word)  # credits are phantoms, too
        return Heard(text, heard.language), trouble

    def _sound(self) -> tuple[bytes, float]:
        """What there is, and its length in ms."""
        return bytes(self._pcm), milliseconds(len(self._pcm) // BYTES_PER_SAMPLE)


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
