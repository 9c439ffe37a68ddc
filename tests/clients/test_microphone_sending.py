"""How loud a microphone is, and what of it is sent when."""

from collections.abc import AsyncIterator

import pytest

from clients.microphone import Level, Loudness, Microphone
from streaming.values import SAMPLE_RATE, AudioFrame
from tests.clients.fake_sound import tone

BLOCK = 320  # samples: 20 ms


def block(value: int = 1, count: int = BLOCK) -> bytes:
    return value.to_bytes(2, "little") * count


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_level_and_clipping() -> None:
    clock = Clock()
    loudness = Loudness(clock)
    assert loudness.level() == Level(-96.0, -96.0, False)
    loudness.push(tone(0.1, SAMPLE_RATE, 16_384))
    assert loudness.level().peak == pytest.approx(-6.02, abs=0.1)
    assert loudness.level().rms == pytest.approx(-9.03, abs=0.1)
    assert loudness.level().level == loudness.level().peak
    loudness.push(block(32_767, 10))
    assert loudness.level().clipping and loudness.level().peak == pytest.approx(0, abs=0.01)
    clock.now += 1
    assert loudness.level() == Level(-96.0, -96.0, True)  # seen for a while
    clock.now += 1.5
    assert loudness.level() == Level()


def test_silence_has_a_floor_and_the_lowest_sample_clips() -> None:
    loudness = Loudness()
    loudness.push(bytes(640))
    assert loudness.level() == Level(-96.0, -96.0, False)
    loudness.push((0x8000).to_bytes(2, "little") * 4)
    assert loudness.level().clipping


class Wire:
    """Remembers what a link was asked to send."""

    connected = True

    def __init__(self) -> None:
        self.sent: list[object] = []

    async def send_audio(self, audio: bytes) -> None:
        self.sent.append(len(audio) // 2)

    async def gap(self, start: int, end: int) -> None:
        self.sent.append((start, end))

    async def mute(self, on: bool) -> None:
        self.sent.append(on)


async def spoken(microphone: Microphone, seconds: list[float], clock: Clock) -> None:
    """Frames of 20 ms, each at its second."""

    async def coming() -> AsyncIterator[AudioFrame]:
        for second in seconds:
            clock.now = 100 + second
            yield AudioFrame(round(second * SAMPLE_RATE), block())

    await microphone.speak(coming())


async def test_while_the_network_holds_it_up_sound_is_dropped_and_told_as_a_gap() -> None:
    clock, wire = Clock(), Wire()
    microphone = Microphone(wire, clock)  # type: ignore[arg-type]
    microphone.arrived(0)
    await spoken(microphone, [0.0, 1.0, 2.6, 3.0], clock)
    assert wire.sent == [BLOCK, (320, 16_000), BLOCK]
    microphone.arrived(16_320)
    await spoken(microphone, [4.0], clock)
    assert wire.sent[3:] == [(16_320, 64_000), BLOCK]


async def test_a_server_that_acknowledges_nothing_is_sent_everything() -> None:
    clock, wire = Clock(), Wire()
    microphone = Microphone(wire, clock)  # type: ignore[arg-type]
    await spoken(microphone, [0.0, 5.0], clock)
    assert wire.sent == [BLOCK, (320, 80_000), BLOCK]


async def test_a_long_mute_holds_nothing_up_and_the_level_stays() -> None:
    clock, wire = Clock(), Wire()
    microphone = Microphone(wire, clock)  # type: ignore[arg-type]
    await spoken(microphone, [0.0], clock)
    microphone.arrived(BLOCK)
    await microphone.mute(True)
    await spoken(microphone, [1.0, 60.0], clock)
    assert microphone.level().peak > -96
    await microphone.mute(False)
    await spoken(microphone, [61.0, 61.02], clock)
    assert wire.sent == [BLOCK, True, False, (320, 976_000), BLOCK, BLOCK]


async def test_what_a_codec_holds_back_of_the_last_frame_silences_nobody_for_good() -> None:
    clock, wire = Clock(), Wire()
    microphone = Microphone(wire, clock)  # type: ignore[arg-type]
    microphone.arrived(0)
    await spoken(microphone, [0.0], clock)
    microphone.arrived(BLOCK - 32)  # a resampler at the other end has the rest
    await microphone.mute(True)
    await microphone.mute(False)
    await spoken(microphone, [60.0], clock)
    assert wire.sent[-1] == BLOCK
