"""Sources of sound, and the pace they are spoken at."""

import asyncio
import math
import os
import struct
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import av
import pytest

from clients.audio import (
    AHEAD,
    AudioError,
    Pace,
    framed,
    opened,
    raw,
    resampled,
    silence,
    source,
)
from streaming.values import SAMPLE_RATE, AudioFrame


def tone(path: Path, seconds: float, rate: int = SAMPLE_RATE, channels: int = 1) -> Path:
    """A file with a hum in it."""
    count = int(seconds * rate)
    hum = [int(9000 * math.sin(440 * math.tau * n / rate)) for n in range(count)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) * channels for sample in hum))
    return path


async def heard(frames: AsyncIterator[AudioFrame]) -> list[AudioFrame]:
    return [frame async for frame in frames]


async def test_a_file_comes_in_frames_of_one_length_with_positions(tmp_path: Path) -> None:
    frames = await heard(source(str(tone(tmp_path / "hum.wav", 0.25))))
    assert [frame.start for frame in frames] == [0, 1600, 3200]
    assert [len(frame.pcm) for frame in frames] == [3200, 3200, 1600]


async def test_other_rates_and_channels_are_brought_to_16_khz_mono(tmp_path: Path) -> None:
    frames = await heard(source(str(tone(tmp_path / "hum.wav", 1.0, 44_100, 2)), ms=20))
    assert abs(frames[-1].end - SAMPLE_RATE) <= 20
    loudest = max(abs(sample) for sample in struct.unpack("<320h", frames[25].pcm))
    assert 8000 < loudest < 10_000


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "there is no file"), (b"", "cannot be read as audio"), (b"words", "cannot be read")],
)
async def test_what_holds_no_sound_is_said(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "talk.mp3"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioError, match=sentence):
        await opened(source(str(path)))


async def test_a_file_without_a_sample_is_empty(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="it is empty"):
        await opened(source(str(tone(tmp_path / "none.wav", 0))))


async def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="is a folder"):
        await opened(source(str(tmp_path)))


async def test_opening_loses_nothing() -> None:
    frames = await heard(await opened(silence(0.35)))
    assert [frame.end for frame in frames] == [1600, 3200, 4800, 5600]


async def test_a_half_sample_at_the_end_is_left_out() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"\1\0\2"

    assert await heard(framed(chunks(), "it", 100)) == [AudioFrame(0, b"\1\0")]


@pytest.mark.parametrize(("rate", "samples"), [(16_000, 1600), (8000, 3200)])
async def test_a_pipe_of_raw_samples(rate: int, samples: int) -> None:
    inlet, outlet = os.pipe()
    os.write(outlet, bytes(1601))
    os.write(outlet, bytes(1599))
    os.close(outlet)
    with os.fdopen(inlet, "rb") as pipe:
        length = sum([len(chunk) // 2 async for chunk in raw(pipe, rate)])
    assert abs(length - samples) < 20


async def test_raw_samples_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(3200))
    with (tmp_path / "raw").open("rb") as pipe:
        assert b"".join([chunk async for chunk in raw(pipe)]) == bytes(3200)


async def test_a_terminal_is_not_listened_to() -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "rb", buffering=0) as terminal, pytest.raises(AudioError, match="pipe"):
        await anext(raw(terminal))
    os.close(ours)


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def times(pace: Pace, clock: Clock, seconds: float, busy: float = 0.0) -> list[float]:
    """When each frame went, in seconds, if sending one takes `busy`."""
    found = []
    async for _ in pace(silence(seconds)):
        found.append(round(clock.now - 100, 3))
        clock.now += busy
    return found


async def test_a_frame_goes_when_its_last_sample_was_captured() -> None:
    clock = Clock()
    assert await times(Pace(1.0, clock, clock.sleep), clock, 0.3) == [0.1, 0.2, 0.3]


async def test_twice_the_speed_is_half_the_time() -> None:
    clock = Clock()
    assert await times(Pace(2.0, clock, clock.sleep), clock, 0.3) == [0.05, 0.1, 0.15]


async def test_a_slow_send_does_not_delay_the_frames_after_it() -> None:
    clock = Clock()
    assert await times(Pace(1.0, clock, clock.sleep), clock, 0.4, 0.15) == [0.1, 0.25, 0.4, 0.55]
    assert await times(Pace(1.0, clock, clock.sleep), clock, 0.3, 0.05)


async def test_no_speed_is_as_fast_as_a_server_allows() -> None:
    clock = Clock()
    gone = await times(Pace(None, clock, clock.sleep), clock, 60)
    for number, when in enumerate(gone, 1):
        assert number * 0.1 <= 30 + 1.1 * when
    assert gone[int(AHEAD * 10) - 1] == 0.0
    assert 30 < gone[-1] < 35


async def test_when_a_position_was_captured() -> None:
    clock = Clock()
    pace = Pace(2.0, clock, clock.sleep)
    pace.begin()
    assert pace.captured(SAMPLE_RATE) == 100.5


async def test_decoding_leaves_the_loop_alone(tmp_path: Path) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    waiting = asyncio.create_task(others())
    await heard(source(str(tone(tmp_path / "hum.wav", 3.0))))
    waiting.cancel()
    assert turns > 3


def test_a_resampler_that_refused_its_first_frame_is_never_asked_for_a_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """FFmpeg may end the process: its filters were not set up."""
    asked: list[object] = []

    class Refusing:
        def resample(self, frame: object) -> list[object]:
            asked.append(frame)
            raise ValueError("127 channels")

    monkeypatch.setattr("clients.audio._to_16_khz", Refusing)
    with pytest.raises(ValueError, match="127 channels"):
        list(resampled(iter([av.AudioFrame(format="s16", layout="mono", samples=160)])))
    assert None not in asked
