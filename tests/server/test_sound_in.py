"""From what a client sends to windows with a likelihood: codecs, gaps, the detector's thread."""

import asyncio
import math
from array import array
from collections.abc import Sequence

import av
import pytest

from models.base import Ear as Memory
from models.detectors.energy import Energy
from server.arrivals import Arrivals
from server.detection import Beside, Between, Detection, detection
from server.ear import FORGET, Ear, Heard, Known, Pause, Skip
from server.intake import AudioError, intake
from server.mailbox import Mailbox
from streaming.messages import Opus, Pcm16
from streaming.values import WINDOW, AudioFrame
from tests.server.stage import loud, quiet


class Counting(Energy):
    """Notes how many windows each call had."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def probabilities(self, windows: Sequence[tuple[Memory, bytes]]) -> Sequence[float]:
        self.batches.append(len(windows))
        return super().probabilities(windows)


class Broken(Energy):
    def probabilities(self, windows: Sequence[tuple[Memory, bytes]]) -> Sequence[float]:
        raise RuntimeError("out of order")


def window(n: int, pcm: bytes) -> AudioFrame:
    return AudioFrame(n * WINDOW, pcm[: 2 * WINDOW])


KINDS = pytest.mark.parametrize("kind", [Between, Beside])


class Told:
    """An ear, and what it has told."""

    def __init__(self, looking: Detection) -> None:
        self.known: list[tuple[Heard, float]] = []
        self.ear = Ear(looking, self.known.extend)

    async def all(self) -> list[tuple[Heard, float]]:
        self.ear.close()
        await self.ear.done
        return self.known


@KINDS
async def test_every_microphone_gets_its_own_answers_in_order(kind: type[Detection]) -> None:
    looking = kind(Counting())
    microphones = [Told(looking) for _ in range(5)]
    for n in range(40):
        for m, told in enumerate(microphones):
            told.ear.push(window(n, loud(32) if n % (m + 2) == 0 else quiet(32)))
    for m, told in enumerate(microphones):
        found = await told.all()
        assert [heard.start for heard, _ in found if isinstance(heard, AudioFrame)] == [
            n * WINDOW for n in range(40)
        ]
        assert [speech > 0.5 for _, speech in found] == [n % (m + 2) == 0 for n in range(40)]
    await looking.close()
    assert not isinstance(looking, Beside) or not looking.thread.is_alive()


@KINDS
async def test_windows_of_many_microphones_are_looked_at_together(kind: type[Detection]) -> None:
    looking = kind(counting := Counting())
    microphones = [Told(looking) for _ in range(30)]
    for told in microphones:
        told.ear.push(window(0, loud(32)))
    for told in microphones:
        await told.all()
    assert max(counting.batches) > 10
    await looking.close()


@KINDS
async def test_what_was_asked_is_answered_before_the_end(kind: type[Detection]) -> None:
    looking = kind(Energy())
    told = Told(looking)
    for n in range(100):
        told.ear.push(window(n, loud(32)))
    told.ear.close()
    await looking.close()
    await told.ear.done
    assert len(told.known) == 100


def test_a_second_core_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def kind(cores: int) -> type[Detection]:
        monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
        looking = detection(Energy())
        await looking.close()
        return type(looking)

    assert (asyncio.run(kind(1)), asyncio.run(kind(2))) == (Between, Beside)


@KINDS
async def test_what_is_said_between_windows_stays_between_them(kind: type[Detection]) -> None:
    looking = kind(Energy())
    told = Told(looking)
    said: list[Heard] = [
        window(0, loud(32)),
        Skip(9_000),
        window(18, loud(32)),
        Pause(),
        window(19, loud(32)),
    ]
    for heard in said:
        told.ear.push(heard)
    assert [heard for heard, _ in await told.all()] == said
    await looking.close()


@KINDS
async def test_a_detector_that_fails_is_silence_and_not_the_end(kind: type[Detection]) -> None:
    looking = kind(Broken())
    told = Told(looking)
    told.ear.push(window(0, loud(32)))
    assert [likelihood for _, likelihood in await told.all()] == [0.0]
    await looking.close()


async def test_a_reader_that_fails_ends_its_microphone_and_no_other() -> None:
    def fail(known: Known) -> None:
        raise RuntimeError("a bug")

    looking = Between(Energy())
    broken, other = Ear(looking, fail), Told(looking)
    for ear in (broken, other.ear):
        ear.push(window(0, loud(32)))
    assert len(await other.all()) == 1
    with pytest.raises(RuntimeError, match="a bug"):
        await broken.done
    await looking.close()


async def test_a_detectors_memory_starts_afresh_after_a_long_silence() -> None:
    looking = Between(Energy())
    told = Told(looking)
    first = told.ear.memory
    for n in range(FORGET // WINDOW + 2):
        told.ear.push(window(n, quiet(32)))
    assert len(await told.all()) == FORGET // WINDOW + 2
    assert told.ear.memory is not first
    await looking.close()


def packets(pcm: bytes) -> list[bytes]:
    """20 ms Opus packets of 16 kHz samples."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 16_000, "mono", "s16"
    made = []
    for start in range(0, len(pcm), 640):
        frame = av.AudioFrame(format="s16", layout="mono", samples=320)
        frame.sample_rate = 16_000
        frame.planes[0].update(pcm[start : start + 640])
        made += [bytes(packet) for packet in encoder.encode(frame)]
    return made


def test_an_opus_packet_of_20_ms_is_320_samples() -> None:
    ear = intake(Opus())
    hum = [round(8_000 * math.sin(n / 10)) for n in range(16_000)]
    sent = packets(array("h", hum).tobytes())
    heard = b"".join(ear.push(packet) for packet in sent) + ear.flush()
    assert abs(len(heard) // 2 - 320 * len(sent)) <= 8
    assert 7_000 < max(array("h", heard)) < 9_000


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_no_time_is_lost_between_rates_and_little_is_held_back(rate: int) -> None:
    ear, sent, got = intake(Pcm16(rate)), 0, 0
    for count in (rate // 10, 7, rate // 50) * 20:
        sent += count
        got += len(ear.push(bytes(2 * count))) // 2
        assert 0 <= sent * 16_000 / rate - got <= 16_000 * 0.006
    got += len(ear.flush()) // 2
    assert abs(got - sent * 16_000 / rate) <= 4


@pytest.mark.parametrize("audio", [Pcm16(16_000), Pcm16(8_000)])
def test_half_a_sample_is_no_audio(audio: Pcm16) -> None:
    with pytest.raises(AudioError, match="3 bytes"):
        intake(audio).push(b"\0\0\0")


def test_noise_is_no_opus() -> None:
    with pytest.raises(AudioError, match="Opus"):
        intake(Opus()).push(b"\xff" * 30)


def test_arrival_times_belong_to_positions() -> None:
    arrivals = Arrivals()
    for n in range(10_000):
        arrivals.push((n + 1) * 1_600, n / 10)
    assert arrivals.at(9_999 * 1_600) == pytest.approx(999.8)
    assert arrivals.at(9_999 * 1_600 + 1) == pytest.approx(999.9)
    assert arrivals.at(10**9) == arrivals.last
    assert len(arrivals.ends) < 10_000


async def test_a_mailbox_keeps_the_newest_of_each_segment_in_their_order() -> None:
    mailbox = Mailbox[str]()
    for key, value in ((1, "a"), (2, "b"), (1, "A")):
        mailbox.put(key, value)
    mailbox.close()
    assert [value async for value in mailbox] == ["A", "b"]
    assert mailbox.skipped == 1


async def test_a_mailbox_waits_for_its_next_value() -> None:
    mailbox = Mailbox[int]()

    async def read() -> list[int]:
        return [value async for value in mailbox]

    reading = asyncio.create_task(read())
    for n in range(3):
        await asyncio.sleep(0)
        mailbox.put(n, n)
        await asyncio.sleep(0)
    mailbox.close()
    assert await reading == [0, 1, 2]
