"""Turn what one client sends into 16 kHz samples, whatever its codec and rate.

The samples that come out count the position. Resamplers hold a few samples back; a gap or the end
gives them, so positions stay true to within a millisecond.
"""

from typing import Protocol

import av
import numpy as np
import soxr

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


class Resampled:
    """PCM at another rate."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._renew()

    def _renew(self) -> None:
        self.stream = soxr.ResampleStream(self.rate, SAMPLE_RATE, 1, dtype="int16", quality="MQ")

    def push(self, data: bytes) -> bytes:
        _whole(data)
        made: bytes = self.stream.resample_chunk(np.frombuffer(data, np.int16)).tobytes()
        return made

    def flush(self) -> bytes:
        rest: bytes = self.stream.resample_chunk(np.empty(0, np.int16), last=True).tobytes()
        self._renew()
        return rest


class OpusPackets:
    """One Opus packet a frame (RFC 6716)."""

    def __init__(self) -> None:
        self.codec = av.CodecContext.create("libopus", "r")
        self.codec.sample_rate = 48_000
        self.codec.layout = "mono"
        self._renew()

    def _renew(self) -> None:
        self.resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)

    def push(self, data: bytes) -> bytes:
        try:
            frames = self.codec.decode(av.Packet(data))
        except av.FFmpegError as error:
            raise AudioError(f"not an Opus packet: {error}") from error
        return b"".join(self._samples(frame) for frame in frames)

    def flush(self) -> bytes:
        rest = self._samples(None)
        self._renew()
        return rest

    def _samples(self, frame: "av.AudioFrame | None") -> bytes:
        made = self.resampler.resample(frame)
        return b"".join(bytes(m.planes[0])[: m.samples * BYTES_PER_SAMPLE] for m in made)


def intake(audio: Pcm16 | Opus) -> Intake:
    """The intake for what a `hello` says of its audio."""
    if isinstance(audio, Opus):
        return OpusPackets()
    return Plain() if audio.rate == SAMPLE_RATE else Resampled(audio.rate)


def _whole(data: bytes) -> None:
    if len(data) % BYTES_PER_SAMPLE:
        raise AudioError(f"{len(data)} bytes are no whole number of 16-bit samples")
