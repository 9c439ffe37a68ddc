"""Turn what one client sends into 16 kHz samples, whatever its codec and rate.

The samples that come out count the position. FFmpeg's resampler holds a millisecond or two back; a
gap or the end gives it, so positions stay true. (soxr would hold back 80 ms.)
"""

from typing import Protocol

import av

from streaming.messages import Opus, Pcm16
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE


class AudioError(Exception):
    """The audio is not what `hello` promised; the text says how."""


class Intake(Protocol):
    """One client's audio. `push` a frame, `flush` before a gap and at the end."""

    def push(self, data: bytes) -> bytes:
        """The 16 kHz samples that `data` completes. AudioError: it is not audio."""
        ...

    def flush(self) -> bytes:
        """The samples held back; what follows starts afresh."""
        ...


class Plain:
    """PCM at 16 kHz: as it comes."""

    def push(self, data: bytes) -> bytes:
        _whole(data)
        return data

    def flush(self) -> bytes:
        return b""


class Resampler:
    """Frames of any rate and format become samples."""

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        self.resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)

    def push(self, frame: av.AudioFrame | None) -> bytes:
        """The samples that a frame completes; None: those held back."""
        made = self.resampler.resample(frame)
        return b"".join(bytes(m.planes[0])[: m.samples * BYTES_PER_SAMPLE] for m in made)

    def flush(self) -> bytes:
        rest = self.push(None)
        self._renew()
        return rest


class Resampled:
    """PCM at another rate."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.resampler = Resampler()

    def push(self, data: bytes) -> bytes:
        _whole(data)
        if not data:
            return b""
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(data) // BYTES_PER_SAMPLE)
        frame.sample_rate = self.rate
        frame.planes[0].update(data)
        return self.resampler.push(frame)

    def flush(self) -> bytes:
        return self.resampler.flush()


class OpusPackets:
    """One Opus packet a frame (RFC 6716)."""

    def __init__(self) -> None:
        self.codec = av.CodecContext.create("libopus", "r")
        self.codec.sample_rate = 48_000
        self.codec.layout = "mono"
        self.resampler = Resampler()

    def push(self, data: bytes) -> bytes:
        if not data:
            return b""  # FFmpeg would take it for the end
        try:
            frames = self.codec.decode(av.Packet(data))
        except av.FFmpegError as error:
            raise AudioError(f"not an Opus packet: {error}") from error
        return b"".join(self.resampler.push(frame) for frame in frames)

    def flush(self) -> bytes:
        return self.resampler.flush()


def intake(audio: Pcm16 | Opus) -> Intake:
    """The intake for what a `hello` says of its audio."""
    if isinstance(audio, Opus):
        return OpusPackets()
    return Plain() if audio.rate == SAMPLE_RATE else Resampled(audio.rate)


def _whole(data: bytes) -> None:
    if len(data) % BYTES_PER_SAMPLE:
        raise AudioError(f"{len(data)} bytes are no whole number of 16-bit samples")
