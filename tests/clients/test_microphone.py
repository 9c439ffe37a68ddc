"""A microphone, with a sound system that does what the test says."""

import asyncio
import sys
import time
from threading import Event

import pytest

from clients import capture
from clients.audio import Converter
from clients.capture import Block, age
from clients.devices import DeviceError
from clients.microphone import Capture, Timeline, listening
from streaming.values import SAMPLE_RATE, AudioFrame
from tests.clients.fake_sound import PortAudioError, Sound, Stream, microphone, tone

BLOCK = 320  # samples: 20 ms


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> Sound:
    """One microphone that can do any rate; retries are quick."""
    made = Sound(microphone("Yeti Stereo Microphone"))
    monkeypatch.setitem(sys.modules, "sounddevice", made)
    monkeypatch.setattr(capture, "RETRY", (0.01, 0.02))
    monkeypatch.setattr(capture, "LOOK", 0.01)
    return made


def block(value: int = 1, count: int = BLOCK) -> bytes:
    return value.to_bytes(2, "little") * count


async def frames(heard: Capture, stream: Stream, *blocks: bytes) -> list[AudioFrame]:
    """What comes of these blocks, one at a time."""
    found, coming = [], aiter(heard)
    for pcm in blocks:
        waiting = asyncio.ensure_future(anext(coming))
        await asyncio.sleep(0)  # it has been asked for
        await asyncio.to_thread(stream.give, pcm)
        found.append(await waiting)
    return found


async def settled() -> None:
    """What other threads have told has arrived."""
    for _ in range(3):  # a thread's answer comes behind what was told before
        await asyncio.to_thread(int)


async def test_blocks_from_another_thread_are_frames_with_positions(sound: Sound) -> None:
    async with listening() as heard:
        stream = sound.opened()
        assert heard.device == "Yeti Stereo Microphone"
        found = await frames(heard, stream, block(1), block(2))
    assert found == [AudioFrame(0, block(1)), AudioFrame(BLOCK, block(2))]
    how = {name: stream.how[name] for name in ("samplerate", "blocksize", "channels", "dtype")}
    assert how == {"samplerate": 16_000, "blocksize": 320, "channels": 1, "dtype": "int16"}
    assert stream.closed


async def test_position_0_is_when_the_first_frame_is_asked_for(sound: Sound) -> None:
    async with listening() as heard:
        stream = sound.opened()
        for _ in range(3):
            await asyncio.to_thread(stream.give, tone(0.02, SAMPLE_RATE))
        await settled()
        assert heard.level().peak > -7  # its level was there before
        assert (await frames(heard, stream, block()))[0].start == 0


@pytest.mark.parametrize("rate", [44_100, 48_000])
async def test_a_device_that_cannot_do_16_khz_is_converted(sound: Sound, rate: int) -> None:
    sound.rows = [microphone("Yeti", float(rate))]
    sound.refuse = lambda hz: PortAudioError("Invalid sample rate", -9997) if hz != rate else None
    size = rate // 50
    async with listening() as heard:
        stream = sound.opened()
        assert stream.how["blocksize"] == size
        pcm = tone(1.0, rate)
        blocks = [pcm[at : at + 2 * size] for at in range(0, len(pcm), 2 * size)]
        found = await frames(heard, stream, *blocks)
    assert [frame.start for frame in found[1:]] == [frame.end for frame in found[:-1]]
    assert abs(found[-1].end - SAMPLE_RATE) < 40
    assert abs(max(memoryview(found[25].pcm).cast("h")) - 16_384) < 300


async def test_capture_time_is_by_the_streams_clock_whichever_that_is(sound: Sound) -> None:
    async with listening() as heard:
        stream = sound.opened()
        coming = asyncio.ensure_future(anext(aiter(heard)))
        await asyncio.sleep(0)
        before = time.monotonic()
        await asyncio.to_thread(stream.give, block(), 0.12)
        after = time.monotonic()
        await coming
        assert before - 0.12 <= heard.captured(0) <= after - 0.12
        assert heard.captured(BLOCK) == pytest.approx(heard.captured(0) + 0.02)


@pytest.mark.parametrize(
    ("now", "captured", "told"),
    [
        (9.0, 8.9, 0.1),
        (9.0, 8.995, 0.02),  # its last sample cannot be from the future
        (9.0, 9.5, 0.02),
        (9.0, 0.0, 0.02),  # it does not say
        (9.0, 2.0, 0.02),  # it says nonsense
    ],
)
def test_how_old_a_block_is(now: float, captured: float, told: float) -> None:
    assert age(now, captured, 0.02) == pytest.approx(told)


async def test_a_device_that_vanishes_is_said_and_tried_until_it_is_back(sound: Sound) -> None:
    said: list[str] = []
    async with listening("yeti", said.append) as heard:
        first = sound.opened()
        await frames(heard, first, block())
        row = sound.rows.pop()
        first.vanish()
        await asyncio.to_thread(sound.until, lambda: sound.restarts > 1)  # looked for, and again
        assert first.closed
        assert said == [
            "the microphone Yeti Stereo Microphone is gone: listening again as soon as it is back"
        ]
        assert heard.device == ""
        sound.rows.append(row)
        second = await asyncio.to_thread(sound.opened, 2)
        gone = time.monotonic() - heard.captured(BLOCK)
        back = (await frames(heard, second, block(2)))[0]
        assert back.start / SAMPLE_RATE == pytest.approx(gone, abs=0.05)
        assert said[1:] == ["the microphone Yeti Stereo Microphone is back"]
        assert heard.device == "Yeti Stereo Microphone"


async def test_another_device_takes_over_when_none_was_named(sound: Sound) -> None:
    said: list[str] = []
    async with listening("", said.append) as heard:
        first = sound.opened()
        await frames(heard, first, block())
        sound.rows[:] = [microphone("Laptop")]
        first.vanish()
        await frames(heard, await asyncio.to_thread(sound.opened, 2), block())
        assert said[1:] == ["listening to Laptop now"]


async def test_a_device_that_goes_silent_without_a_word_is_gone(
    sound: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "SILENT", 0.05)
    said: list[str] = []
    async with listening("", said.append):
        await asyncio.to_thread(sound.opened, 2)
        await settled()
        assert len(said) == 1 and "is gone" in said[0]


async def test_a_device_that_dies_while_it_is_opened_again_is_tried_again(sound: Sound) -> None:
    said: list[str] = []
    async with listening("", said.append) as heard:
        sound.refuse = lambda hz: PortAudioError("Device unavailable", -9985)
        sound.opened().vanish()
        await asyncio.to_thread(sound.until, lambda: sound.refusals > 0)
        sound.refuse = None
        await frames(heard, await asyncio.to_thread(sound.opened, 2), block())
    assert len(said) == 2


async def test_one_that_cannot_be_opened_is_said_at_once(sound: Sound) -> None:
    sound.refuse = lambda hz: PortAudioError(
        "Error opening RawInputStream: Device unavailable", -9985
    )
    with pytest.raises(DeviceError) as caught:
        async with listening():
            raise AssertionError
    assert str(caught.value) == (
        "the microphone Yeti Stereo Microphone cannot be opened: Device unavailable;"
        " another program may be using it"
    )


async def test_whatever_else_goes_wrong_is_a_sentence_too(
    sound: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(**_: object) -> Stream:
        raise KeyError("latency")

    monkeypatch.setattr(sound, "RawInputStream", breaks)
    with pytest.raises(DeviceError, match="the microphone does not work: latency"):
        async with listening():
            raise AssertionError


async def test_one_that_never_closes_keeps_nobody(
    sound: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "LEAVING", 0.05)
    released = Event()
    async with listening():
        monkeypatch.setattr(sound.opened(), "close", released.wait)
    released.set()


async def test_what_the_device_lost_is_a_gap_and_a_wrong_clock_is_none() -> None:
    line = Timeline()
    assert line.push(BLOCK, 10.0) == 0
    assert line.push(BLOCK, 10.12) == BLOCK  # 100 ms late, but it says that it lost nothing
    assert line.push(BLOCK, 10.34, lost=True) == pytest.approx(3 * BLOCK + 4500, abs=400)


def test_a_crystal_that_is_slow_makes_no_gap() -> None:
    line = Timeline()
    for number in range(50 * 3600):
        line.push(BLOCK, 10.0 + number * 0.02 * 1.0001)
    assert line.end == 50 * 3600 * BLOCK
    assert line.captured(line.end) == pytest.approx(10 + 3600 * 1.0001, abs=0.005)


def test_in_doubt_a_sample_was_captured_earlier() -> None:
    line = Timeline()
    line.push(BLOCK, 10.3)
    line.push(BLOCK, 10.02)
    assert line.captured(0) == pytest.approx(10.0)


def test_a_clock_that_was_wrong_at_first_is_forgotten() -> None:
    line = Timeline()
    line.push(BLOCK, 9.4)
    for number in range(1, 600):
        line.push(BLOCK, 10.0 + number * 0.02)
    assert line.captured(0) == pytest.approx(10.0)
    assert line.end == 600 * BLOCK


async def test_of_more_than_500_ms_unsent_the_oldest_go(sound: Sound) -> None:
    async with listening() as heard:
        stream = sound.opened()
        coming = aiter(heard)
        waiting = asyncio.ensure_future(anext(coming))
        await asyncio.sleep(0)
        for number in range(50):
            await asyncio.to_thread(stream.give, block(number))
        await settled()
        assert (await waiting).start == 0  # it went at once
        assert (await anext(coming)).start == 50 * BLOCK - SAMPLE_RATE // 2
        assert (await anext(coming)).start == 51 * BLOCK - SAMPLE_RATE // 2


async def test_a_microphone_that_is_switched_off_is_said_once() -> None:
    said: list[str] = []
    heard = Capture(said.append)
    heard.found("Yeti")
    for number in range(50 * 12):
        pcm = block(int(number == 100))
        heard.push(Block(pcm, SAMPLE_RATE, number * 0.02))
        assert bool(said) == (number > 350 - 1)
    assert len(said) == 1 and "the microphone Yeti gives nothing but silence" in said[0]


async def test_stopping_ends_it_after_what_was_captured(sound: Sound) -> None:
    async with listening() as heard:
        stream = sound.opened()
        coming = aiter(heard)
        waiting = asyncio.ensure_future(anext(coming))
        await asyncio.sleep(0)
        await asyncio.to_thread(stream.give, block(1))
        await asyncio.to_thread(stream.give, block(2))
        await waiting
        heard.stop()
        assert [frame.pcm async for frame in coming] == [block(2)]


async def test_a_block_for_a_loop_that_has_ended_goes_nowhere(sound: Sound) -> None:
    streams = []

    async def listens() -> None:
        async with listening():
            streams.append(sound.opened())

    await asyncio.to_thread(asyncio.run, listens())
    streams[0].give(block())


def test_a_converter_knows_how_much_it_holds() -> None:
    converter = Converter(48_000)
    out = converter.push(bytes(2 * 960))
    assert converter.held == pytest.approx(0.02 - len(out) / 2 / SAMPLE_RATE)
    out += converter.rest()
    assert abs(len(out) // 2 - 320) <= 20
