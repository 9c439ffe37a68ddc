"""Where a microphone's sound comes from when it is not a microphone: a file, a pipe, silence.

Every source is an async iterator of AudioFrame: 16 kHz, mono, 16 bits, `ms` of it at a time, with
its position. `Pace` then lets each frame go when its last sample would have been captured.
"""

import asyncio
import os
import stat
import sys
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE, AudioFrame, samples

from .console import Problem

if TYPE_CHECKING:
    import av

FRAME_MS = 100
AT_ONCE = 16_000 * BYTES_PER_SAMPLE  # bytes decoded in one visit to a thread: a second

# A server lets a speaker run 30 s ahead and then go at 1.1 times real time; a little less of
# both, so that a late clock does not close the connection.
AHEAD = 25.0  # seconds
FASTEST = 1.05


class AudioError(Problem):
    """There is no sound to be had there, and why."""


def source(name: str, rate: int = SAMPLE_RATE, ms: int = FRAME_MS) -> AsyncIterator[AudioFrame]:
    """The frames of a file, or of raw 16-bit PCM at `rate` on standard input if it is called `-`.

    AudioError, at once or while reading, if there is no sound in it.
    """
    if name == "-":
        return framed(raw(sys.stdin.buffer, rate), "standard input", ms)
    if not Path(name).exists():
        raise AudioError(f"there is no file {name}")
    if Path(name).is_dir():
        raise AudioError(f"{name} is a folder: name an audio file in it")
    return framed(in_thread(decoded(name)), name, ms)


async def opened(frames: AsyncIterator[AudioFrame]) -> AsyncIterator[AudioFrame]:
    """The same frames once the first is there: what cannot be read is an AudioError now."""
    head = await anext(frames)

    async def all_of_them() -> AsyncIterator[AudioFrame]:
        yield head
        async for frame in frames:
            yield frame

    return all_of_them()


async def silence(seconds: float, ms: int = FRAME_MS) -> AsyncIterator[AudioFrame]:
    """Nothing to hear, for so long."""
    left = samples(seconds * 1000)
    position = 0
    while left:
        count = min(left, samples(ms))
        yield AudioFrame(position, bytes(count * BYTES_PER_SAMPLE))
        position, left = position + count, left - count


async def framed(chunks: AsyncIterable[bytes], name: str, ms: int) -> AsyncIterator[AudioFrame]:
    """Bytes of any length as frames of one length (the last may be shorter), with positions."""
    size = samples(ms) * BYTES_PER_SAMPLE
    position, rest = 0, b""
    async for chunk in chunks:
        rest += chunk
        whole = len(rest) - len(rest) % size
        for at in range(0, whole, size):
            yield AudioFrame(position, rest[at : at + size])
            position += size // BYTES_PER_SAMPLE
        rest = rest[whole:]
    rest = rest[: len(rest) - len(rest) % BYTES_PER_SAMPLE]
    if rest:
        yield AudioFrame(position, rest)
    elif position == 0:
        raise AudioError(f"{name} holds no sound: it is empty")


async def in_thread(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks, each made in a thread, so that decoding never holds up the loop."""
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield chunk


def decoded(path: str) -> Iterator[bytes]:
    """Whatever sound PyAV finds in a file, about a second at a time. AudioError if none."""
    import av  # only those who read files need it

    try:
        with av.open(path, metadata_errors="replace") as container:
            if not container.streams.audio:
                raise AudioError(f"{path} has no sound in it")
            yield from gathered(resampled(_frames(container)))
    except (av.FFmpegError, OSError) as error:
        why = (error.strerror or str(error)).lower()
        raise AudioError(f"{path} cannot be read as audio: {why}") from error


def _frames(container: "av.container.InputContainer") -> Iterator["av.AudioFrame"]:
    """Its decoded frames; a damaged packet is skipped, as players do."""
    import av

    for packet in container.demux(container.streams.audio[0]):
        try:
            yield from packet.decode()
        except av.InvalidDataError:
            continue


def resampled(frames: Iterator["av.AudioFrame"]) -> Iterator[bytes]:
    """Frames of any rate and layout as 16 kHz mono PCM, the resampler's rest included."""
    resampler = None
    for frame in frames:
        frame.pts = None  # a damaged stream's times go backwards, which the resampler refuses
        if resampler is not None:
            try:
                yield from (_pcm(out) for out in resampler.resample(frame))
                continue
            except ValueError:  # its rate or layout is another from here on
                yield from (_pcm(out) for out in resampler.resample(None))
        # One that refuses its first frame, such as of 127 channels, is never asked for a rest:
        # FFmpeg would look for it in filters that were not set up, and end the process.
        resampler = _to_16_khz()
        yield from (_pcm(out) for out in resampler.resample(frame))
    if resampler is not None:
        yield from (_pcm(out) for out in resampler.resample(None))


def _to_16_khz() -> "av.AudioResampler":
    import av

    return av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)


class Converter:
    """16-bit mono PCM of any rate, brought to 16 kHz as it comes."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._resampler = None if rate == SAMPLE_RATE else _to_16_khz()
        self._taken = self._given = 0  # samples, each at its rate

    @property
    def held(self) -> float:
        """Seconds of sound that were pushed and have not come out: a filter looks ahead."""
        return self._taken / self.rate - self._given / SAMPLE_RATE

    def push(self, pcm: bytes) -> bytes:
        """What there is at 16 kHz once this is known too."""
        if self._resampler is None:
            return pcm
        import av

        frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // BYTES_PER_SAMPLE)
        frame.sample_rate = self.rate
        frame.planes[0].update(pcm)
        self._taken += frame.samples
        return self._out(frame)

    def rest(self) -> bytes:
        """What was held, when nothing more will come."""
        return b"" if self._resampler is None else self._out(None)

    def _out(self, frame: "av.AudioFrame | None") -> bytes:
        assert self._resampler is not None
        pcm = b"".join(_pcm(out) for out in self._resampler.resample(frame))
        self._given += len(pcm) // BYTES_PER_SAMPLE
        return pcm


def _pcm(frame: "av.AudioFrame") -> bytes:
    """A plane may be padded beyond its samples."""
    return bytes(frame.planes[0])[: frame.samples * BYTES_PER_SAMPLE]


def gathered(pieces: Iterator[bytes], size: int = AT_ONCE) -> Iterator[bytes]:
    """Small pieces joined until there are `size` bytes."""
    heap = bytearray()
    for piece in pieces:
        heap += piece
        if len(heap) >= size:
            yield bytes(heap)
            heap.clear()
    if heap:
        yield bytes(heap)


async def raw(pipe: IO[bytes], rate: int = SAMPLE_RATE) -> AsyncIterator[bytes]:
    """Raw little-endian 16-bit mono PCM as it arrives on a pipe, brought to 16 kHz."""
    chunks = _odd_bytes_kept(_arriving(pipe))
    converter = Converter(rate)
    async for chunk in chunks:
        yield converter.push(chunk)
    yield converter.rest()


async def _odd_bytes_kept(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Whole samples only: half a sample waits for its other half."""
    rest = b""
    async for chunk in chunks:
        rest += chunk
        whole = len(rest) - len(rest) % BYTES_PER_SAMPLE
        if whole:
            yield rest[:whole]
        rest = rest[whole:]


async def _arriving(pipe: IO[bytes]) -> AsyncIterator[bytes]:
    """Bytes as they come, without holding up the loop where they come slowly."""
    if os.isatty(pipe.fileno()):
        raise AudioError(
            "standard input is this terminal: pipe 16-bit PCM into it,"
            " as in `arecord -f S16_LE -r 16000 -t raw | surtitle captions - --from en`"
        )
    mode = os.fstat(pipe.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):  # a file has it all already
        while chunk := pipe.read(AT_ONCE):
            yield chunk
        return
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        while chunk := await reader.read(AT_ONCE):
            yield chunk
    finally:
        transport.close()


class Pace:
    """When each frame goes: by the time of its audio, never by when the one before was sent.

    `speed` 1 is real time; None is as fast as a server lets anybody go. A frame that is late goes
    at once and those after it keep their times. Times are seconds of `clock`.
    """

    def __init__(
        self,
        speed: float | None = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self.speed, self.ahead = (FASTEST, AHEAD) if speed is None else (speed, 0.0)
        self.clock = clock
        self.sleep = sleep
        self.begun: float | None = None

    def begin(self) -> None:
        """Position 0 is now; without this, it is when the first frame is asked for."""
        self.begun = self.clock()

    def captured(self, position: int) -> float:
        """When a microphone would have captured the sample before this position."""
        assert self.begun is not None, "captured before it began"
        return self.begun + max(0.0, position / SAMPLE_RATE - self.ahead) / self.speed

    async def __call__(self, frames: AsyncIterable[AudioFrame]) -> AsyncIterator[AudioFrame]:
        """The same frames, each when its time has come."""
        if self.begun is None:
            self.begin()
        async for frame in frames:
            early = self.captured(frame.end) - self.clock()
            if early > 0:
                await self.sleep(early)
            yield frame
