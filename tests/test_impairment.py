"""The bad network that other tests stand on: what packets meet there, and what it leaves."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.impairment import Crossing, Impossible, Weather, network, networked

PACKET = b"\x45" + bytes(8) + b"\x06" + bytes(10)
DATAGRAM = b"\x45" + bytes(8) + b"\x11" + bytes(10)
MANY = 2000


def fates(weather: Weather, seed: str = "1") -> list[float | None]:
    crossing = Crossing(seed)
    crossing.change(weather, 0.0)
    return [crossing.push(PACKET, 1.0) for _ in range(MANY)]


def test_about_so_many_packets_are_lost_and_the_same_ones_every_time() -> None:
    lost = [fate is None for fate in fates(Weather(loss=0.05))]
    assert 0.03 < sum(lost) / MANY < 0.07
    assert lost == [fate is None for fate in fates(Weather(loss=0.05, delay_ms=10, jitter_ms=5))]
    assert lost != [fate is None for fate in fates(Weather(loss=0.05), seed="2")]


def test_packets_are_late_within_what_was_said() -> None:
    late = [fate - 1.0 for fate in fates(Weather(delay_ms=10, jitter_ms=20)) if fate is not None]
    assert len(late) == MANY
    assert 0.010 <= min(late) < 0.011 and 0.029 < max(late) <= 0.030


def test_in_the_dark_nothing_arrives_and_afterwards_everything() -> None:
    crossing = Crossing("1")
    crossing.change(Weather(dark_s=10), 5.0)
    moments = [5.0, 10.0, 14.9, 15.0]
    assert [crossing.push(PACKET, now) for now in moments] == [None, None, None, 15.0]


def test_a_wall_lets_no_datagram_through() -> None:
    crossing = Crossing("1")
    crossing.change(Weather(udp=False), 0.0)
    assert crossing.push(DATAGRAM, 1.0) is None
    assert crossing.push(PACKET, 1.0) == 1.0


@contextmanager
def post(place: socket.socket, seconds: float = 5.0) -> Iterator[socket.socket]:
    with place:
        place.settimeout(seconds)
        yield place


@pytest.mark.socket
def test_what_is_sent_in_one_place_comes_to_the_other() -> None:
    with networked() as net:
        with net.far:
            there = socket.socket(type=socket.SOCK_DGRAM)
            there.bind((net.far.address, 4000))
        with net.near:
            here = socket.socket(type=socket.SOCK_DGRAM)
        with post(there), post(here):
            here.sendto(b"hello", (net.far.address, 4000))
            said, whence = there.recvfrom(100)
            assert (said, whence[0]) == (b"hello", net.near.address)
            net.near.move()
            with net.near:
                moved = socket.socket(type=socket.SOCK_DGRAM)
            with post(moved):
                moved.sendto(b"again", (net.far.address, 4000))
                said, now = there.recvfrom(100)
            assert (said, now[0]) == (b"again", net.near.address)
            assert now[0] != whence[0]


@pytest.mark.socket
def test_a_process_that_is_started_there_is_there() -> None:
    with networked() as net, net.far:
        told = subprocess.run(["ip", "addr"], capture_output=True, text=True, check=True)
    assert net.far.address in told.stdout and net.near.address not in told.stdout


@pytest.mark.socket
def test_nothing_is_left_of_it() -> None:
    here = os.readlink("/proc/thread-self/ns/net")
    files = set(os.listdir("/proc/self/fd"))
    with networked() as net, net.near, net.far:
        carrier = net._carrier
    assert carrier.returncode == 0
    assert os.readlink("/proc/thread-self/ns/net") == here
    assert set(os.listdir("/proc/self/fd")) == files


@pytest.mark.socket
def test_after_its_time_it_carries_nothing_more() -> None:
    with networked(longest=0.0) as net:
        assert net._carrier.wait(5) == 0


def test_where_it_cannot_be_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Impossible, match="need root"), network():
        pass
    monkeypatch.setenv("SURTITLE_NETWORK", "short")
    with pytest.raises(pytest.skip.Exception, match="need root"), networked():
        pass
    monkeypatch.delenv("SURTITLE_NETWORK")
    with pytest.raises(pytest.skip.Exception, match="make test-network"), networked():
        pass
