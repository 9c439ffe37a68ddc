"""What was said and has not arrived is kept for half a minute, by position."""

from random import Random

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.backoff import FIRST, LONGEST, SOON, STEADY, Backoff
from clients.ring import Piece, Ring, kept, packet_samples
from streaming.messages import Opus, Pcm16, WebRtc

FRAME = 320


def frame(n: int) -> bytes:
    return (n % 1000).to_bytes(2, "little") * FRAME


def resent(ring: Ring, position: int) -> list[Piece]:
    """All that is sent to a server that stopped hearing there."""
    found = []
    while (piece := ring.after(position)) is not None:
        assert piece.start == position < piece.end
        found.append(piece)
        position = piece.end
    return found


def test_what_has_arrived_is_forgotten_and_the_rest_is_sent_again() -> None:
    ring = Ring(Pcm16(16_000))
    for n in range(10):
        ring.push(frame(n))
    ring.acknowledged(4 * FRAME)
    assert [piece.start for piece in ring] == [n * FRAME for n in range(4, 10)]
    assert [piece.data for piece in resent(ring, 4 * FRAME)] == [frame(n) for n in range(4, 10)]


def test_a_frame_that_arrived_in_part_is_sent_from_there() -> None:
    ring = Ring(Pcm16(16_000))
    ring.push(frame(1))
    (piece,) = resent(ring, 100)
    assert piece == Piece(100, FRAME, frame(1)[200:])


def test_time_that_was_never_sent_stays_a_gap() -> None:
    ring = Ring(Pcm16(16_000))
    ring.push(frame(1))
    ring.skip(5_000)
    ring.push(frame(2))
    assert resent(ring, 0) == [
        Piece(0, FRAME, frame(1)),
        Piece(FRAME, 5_000),
        Piece(5_000, 5_000 + FRAME, frame(2)),
    ]


def test_what_is_older_than_it_keeps_is_a_gap() -> None:
    ring = Ring(Pcm16(16_000), keep=10 * FRAME)
    for n in range(100):
        ring.push(frame(n))
    gap, *rest = resent(ring, 3 * FRAME)
    assert gap == Piece(3 * FRAME, 90 * FRAME)
    assert [piece.data for piece in rest] == [frame(n) for n in range(90, 100)]


def test_a_server_that_knows_nothing_is_told_where_we_are() -> None:
    ring = Ring(Pcm16(16_000))
    for n in range(10):
        ring.push(frame(n))
    ring.acknowledged(10 * FRAME)
    assert resent(ring, 0) == [Piece(0, 10 * FRAME)]


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_positions_are_those_of_16_khz_whatever_the_rate(rate: int) -> None:
    ring = Ring(Pcm16(rate))
    for _ in range(50):
        ring.push(bytes(2 * rate // 50))
    assert ring.end == 16_000
    assert resent(ring, 15_900) == [Piece(15_900, 16_000)]  # part of a frame is not cut out


def test_opus_packets_say_how_long_they_last() -> None:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 16_000, "mono", "s16"
    ring = Ring(Opus())
    for _ in range(50):
        sound = av.AudioFrame(format="s16", layout="mono", samples=320)
        sound.sample_rate = 16_000
        sound.planes[0].update(bytes(640))
        for packet in encoder.encode(sound):
            ring.push(bytes(packet))
    assert ring.end == 16_000 and packet_samples(b"") == 0
    assert kept(WebRtc()) is None and kept(None) is None


@given(st.integers(0, 2**32))
def test_whatever_happens_each_position_is_sent_once_or_told_as_a_gap(seed: int) -> None:
    random, ring = Random(seed), Ring(Pcm16(16_000), keep=20 * FRAME)
    truth: dict[int, bytes] = {}
    for n in range(random.randrange(60)):
        if random.random() < 0.2:
            ring.skip(ring.end + random.randrange(2_000))
        else:
            truth[ring.end] = frame(n)
            ring.push(frame(n))
    arrived = random.randrange(ring.end + 1)
    ring.acknowledged(arrived)
    for piece in resent(ring, arrived):
        if piece.data:
            start = max(at for at in truth if at <= piece.start)
            assert truth[start][2 * (piece.start - start) :] == piece.data
    sent = {piece.start for piece in resent(ring, arrived) if piece.data}
    recent = {max(at, arrived) for at in truth if at + FRAME > max(arrived, ring.end - ring.keep)}
    assert sent == recent


def test_waits_double_to_five_seconds_a_random_part_of_it() -> None:
    longest = [max(Backoff(seed=seed).next() for seed in range(50))]
    backoffs = [Backoff(seed=seed) for seed in range(200)]
    waits = [[one.next() for one in backoffs] for _ in range(8)]
    bounds = [min(LONGEST, FIRST * 2**n) for n in range(8)]
    for bound, found in zip(bounds, waits, strict=True):
        assert max(found) <= bound
        assert 0.4 < sum(found) / len(found) / bound < 0.6
    assert longest[0] <= FIRST


def test_a_server_that_stops_is_asked_for_every_second() -> None:
    backoff = Backoff(seed=1)
    assert SOON <= backoff.next(stopping=True, at_least=5.0) <= SOON + FIRST
    assert all(backoff.next() <= SOON for _ in range(20))
    backoff.lost(STEADY)
    assert max(backoff.next() for _ in range(20)) > SOON


def test_a_server_that_says_when_is_not_asked_sooner() -> None:
    assert Backoff(seed=1).next(at_least=3.0) >= 3.0
