"""Packets come out in order, at their true positions, and soon, whatever the network does."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.jitter import PATIENCE, TICKS_PER_SAMPLE, Frame, JitterBuffer, Packet
from streaming.measures import percentiles

PACKET = 320  # samples; 20 ms
EVERY = 0.02


def packet(number: int, first: int = 0) -> Packet:
    """The `number`th of an honest stream whose counters begin at `first` and wrap."""
    ticks = first + number * PACKET * TICKS_PER_SAMPLE
    return Packet((first + number) % 2**16, ticks % 2**32, str(number).encode())


def numbers(frames: list[Frame]) -> list[int]:
    return [int(frame.payload) for frame in frames]


class Network:
    """Delivers packets at their times and lets the buffer's own time pass in between."""

    def __init__(self) -> None:
        self.buffer = JitterBuffer()
        self.frames: list[Frame] = []
        self.arrived: dict[int, float] = {}
        self.waited: dict[int, float] = {}

    def deliver(self, arrivals: list[tuple[float, Packet]]) -> None:
        for now, one in sorted(arrivals, key=lambda arrival: arrival[0]):
            self.until(now)
            self.arrived.setdefault(int(one.payload), now)
            self._left(self.buffer.push(one, now), now)
        self.until(float("inf"))

    def until(self, now: float) -> None:
        while (due := self.buffer.due) is not None and due <= now:
            self._left(self.buffer.tick(due), due)

    def _left(self, frames: list[Frame], now: float) -> None:
        self.frames += frames
        for number in numbers(frames):
            self.waited[number] = now - self.arrived[number]


def test_packets_in_order_leave_as_they_come() -> None:
    buffer = JitterBuffer()
    for number in range(100):
        (frame,) = buffer.push(packet(number), number * EVERY)
        assert (frame.start, buffer.due) == (number * PACKET, None)


def test_two_packets_that_changed_places_change_back() -> None:
    buffer = JitterBuffer()
    assert numbers(buffer.push(packet(0), 0.0)) == [0]
    assert buffer.push(packet(2), 0.02) == []
    assert numbers(buffer.push(packet(1), 0.025)) == [1, 2]
    assert buffer.lost == 0


def test_a_lost_packet_is_given_up_when_two_behind_it_are_there_and_time_stays_true() -> None:
    buffer = JitterBuffer()
    buffer.push(packet(0), 0.0)
    assert buffer.push(packet(2), 0.04) == []
    frames = buffer.push(packet(3), 0.06)
    assert [frame.start for frame in frames] == [2 * PACKET, 3 * PACKET]
    assert buffer.lost == 1


def test_the_last_words_before_a_pause_do_not_wait_for_the_next() -> None:
    buffer = JitterBuffer()
    buffer.push(packet(0), 0.0)
    assert buffer.push(packet(2), 0.04) == []
    assert buffer.due == 0.04 + PATIENCE
    assert buffer.tick(0.09) == []
    assert numbers(buffer.tick(0.04 + PATIENCE)) == [2]
    assert buffer.due is None


def test_a_packet_that_comes_too_late_or_twice_is_not_heard_again() -> None:
    buffer = JitterBuffer()
    for number in (0, 2, 3):
        buffer.push(packet(number), number * EVERY)
    assert buffer.push(packet(1), 0.08) == []
    assert buffer.push(packet(3), 0.08) == []
    assert buffer.push(packet(5), 0.1) == []
    assert buffer.push(packet(5), 0.1) == []
    assert (buffer.late, buffer.doubled) == (2, 1)


def test_where_packets_come_late_more_are_waited_for_until_it_is_calm_again() -> None:
    buffer = JitterBuffer()
    for number in (0, 2, 3, 1):
        buffer.push(packet(number), number * EVERY)
    assert buffer.push(packet(5), 0.1) == []
    assert buffer.push(packet(6), 0.1) == []
    assert numbers(buffer.push(packet(7), 0.1)) == [5, 6, 7]
    for number in range(8, 1600):
        buffer.push(packet(number), number * EVERY)
    buffer.push(packet(1601), 40.0)
    assert numbers(buffer.push(packet(1602), 40.0)) == [1601, 1602]


def test_a_stream_that_begins_anew_is_followed_and_its_time_goes_on() -> None:
    buffer = JitterBuffer()
    for number in range(10):
        buffer.push(packet(number), number * EVERY)
    assert buffer.push(packet(0, first=2**31 + 30_000), 1.0) == []  # astray, as far as one can tell
    (frame,) = buffer.push(packet(1, first=2**31 + 30_000), 1.02)
    assert frame.start == 9 * PACKET + round((1.02 - 9 * EVERY) * 16_000)
    assert buffer.restarted == 1
    assert numbers(buffer.push(packet(2, first=2**31 + 30_000), 1.04)) == [2]


def test_a_single_packet_from_far_away_disturbs_nothing() -> None:
    buffer = JitterBuffer()
    buffer.push(packet(0), 0.0)
    assert buffer.push(Packet(40_000, 7, b"?"), 0.01) == []
    assert numbers(buffer.push(packet(1), 0.02)) == [1]


@pytest.mark.parametrize("ticks", [2**31, -960, 0, 960 * 1000])
def test_a_timestamp_that_cannot_be_moves_nobody_into_the_future(ticks: int) -> None:
    buffer = JitterBuffer()
    buffer.push(packet(0), 0.0)
    (frame,) = buffer.push(Packet(1, ticks % 2**32, b"1"), 0.02)
    assert frame.start == PACKET
    (frame,) = buffer.push(Packet(2, (ticks + 960) % 2**32, b"2"), 0.04)
    assert frame.start == 2 * PACKET


def test_the_counters_of_an_hour_and_more_wrap_unnoticed() -> None:
    network = Network()
    count = 66_000
    network.deliver([(n * EVERY, packet(n, first=2**32 - 5)) for n in range(count) if n % 97])
    starts = [frame.start for frame in network.frames]
    assert starts == [n * PACKET - PACKET for n in range(count) if n % 97]


delays = st.floats(0, 0.3)
fates = st.lists(st.one_of(st.none(), delays, st.tuples(delays, delays)), max_size=80)


@given(fates, st.integers(0, 2**16))
def test_every_frame_once_in_order_at_its_position_and_none_waits_long(
    fates: list[float | tuple[float, float] | None], first: int
) -> None:
    """A packet is lost, delayed, or delayed and doubled; the first one is not lost."""
    network = Network()
    arrivals = [(0.0, packet(0, first))]
    for number, fate in enumerate(fates, 1):
        for delay in () if fate is None else fate if isinstance(fate, tuple) else (fate,):
            arrivals.append((number * EVERY + delay, packet(number, first)))
    network.deliver(arrivals)
    heard = numbers(network.frames)
    assert all(a < b for a, b in pairwise(heard))
    assert [frame.start for frame in network.frames] == [number * PACKET for number in heard]
    assert all(wait <= PATIENCE + 1e-9 for wait in network.waited.values())
    came = len(network.arrived)
    buffer = network.buffer
    assert len(heard) + buffer.late + buffer.doubled == len(arrivals)
    assert came - len(heard) <= buffer.late


@pytest.mark.parametrize("loss", [0.0, 0.01, 0.02, 0.05, 0.1])
@pytest.mark.parametrize("jitter", [0.0, 0.01, 0.02, 0.04, 0.06])
def test_on_a_bad_network_nearly_all_that_arrives_is_heard_and_soon(
    loss: float, jitter: float
) -> None:
    """Delivered, of what arrived, and the delay added; with stock aiortc at 5 % it is 76 % and
    280 ms. The network of this test decides both, so they are the same in every run."""
    chance = random.Random(7)
    network = Network()
    network.deliver(
        [
            (number * EVERY + 0.02 + chance.random() * jitter, packet(number))
            for number in range(5_000)
            if chance.random() >= loss
        ]
    )
    waited = percentiles(network.waited.values())
    assert waited is not None
    assert len(network.frames) / len(network.arrived) >= 0.98
    assert waited.p95 <= PATIENCE
    if not loss and jitter <= EVERY:
        assert waited.max <= 0.005 + jitter
