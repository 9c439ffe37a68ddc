"""Two places of this machine with a bad network between them: loss, delay, jitter, darkness.

    with network(Weather(loss=0.05, delay_ms=10, jitter_ms=10)) as net:
        with net.far:       # what is opened or started here is there: a server
            ...
        with net.near:      # and here on the other side: a client
            ...
        net.change(Weather(dark_s=10.0))
        net.near.move()     # it has another address, as in another network

Each place is a network namespace without a name, which the kernel takes away with the last who is
in it. A process of our own carries the packets from one TUN device to the other, and the weather is
decided by a machine with a seed: the n-th packet has the same fate in every run. It needs root and
/dev/net/tun, and neither netem nor iptables. `Impossible` says what is missing; in a test, call
`networked`, which skips it then.
"""

import ctypes
import fcntl
import heapq
import json
import os
import selectors
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

LONGEST = 240.0  # seconds, after which no packet is carried, whatever became of the test
MTU = 1400
AT_ONCE = 64  # packets read in one visit
UDP = 17  # IPv4's number for it (RFC 768)

CLONE_NEWNET = 0x40000000  # sched.h
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
DEVICE = "tun0"
HERE = "/proc/thread-self/ns/net"
NO_IPV6 = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")  # of whoever opens it


class Impossible(RuntimeError):
    """There can be no such network here; the text says why."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to packets, each way alike."""

    loss: float = 0.0
    """The share that never arrives."""
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """Up to so much more, each packet for itself: some overtake others."""
    udp: bool = True
    """False: a wall that lets none of it through."""
    dark_s: float = 0.0
    """From now on for so long nothing arrives."""


class Crossing:
    """One direction. A machine: seconds are passed in."""

    def __init__(self, seed: str) -> None:
        self._chance = Random(seed)
        self._weather, self._since = Weather(), 0.0

    def change(self, weather: Weather, now: float) -> None:
        """From now on it is so."""
        self._weather, self._since = weather, now

    def push(self, packet: bytes, now: float) -> float | None:
        """The second at which an IPv4 packet arrives; None: it never does."""
        weather = self._weather
        lost, late = self._chance.random() < weather.loss, self._chance.random()
        blocked = not weather.udp and packet[9:10] == bytes([UDP])
        if lost or blocked or now < self._since + weather.dark_s:
            return None
        return now + (weather.delay_ms + weather.jitter_ms * late) / 1000


class Place:
    """One end. While the block lasts, this thread is there, and what it starts."""

    def __init__(self, net: str, number: int) -> None:
        """`net`: the first three numbers of its addresses."""
        self._net, self._number = net, number
        self._spaces: list[int] = []  # whence the thread came, for blocks within blocks
        there = os.open(HERE, os.O_RDONLY)
        try:
            _checked(_libc().unshare(CLONE_NEWNET), "no network namespace")
            self.space = os.open(HERE, os.O_RDONLY)
            try:
                self.device = self._furnished()
            except BaseException:
                os.close(self.space)
                raise
        finally:
            _checked(_libc().setns(there, CLONE_NEWNET), "no way back")
            os.close(there)

    @property
    def address(self) -> str:
        """The one it has now."""
        return f"{self._net}.{self._number}"

    def move(self) -> None:
        """Another address: whoever holds a connection from the old one notices nothing but
        silence."""
        with self:
            _ip("addr", "del", f"{self.address}/24", "dev", DEVICE)
            self._number += 2
            self._settle()

    def close(self) -> None:
        """Give it back."""
        os.close(self.device)
        os.close(self.space)

    def __enter__(self) -> "Place":
        self._spaces.append(os.open(HERE, os.O_RDONLY))
        _checked(_libc().setns(self.space, CLONE_NEWNET), "no way there")
        return self

    def __exit__(self, *_: object) -> None:
        back = self._spaces.pop()
        _checked(_libc().setns(back, CLONE_NEWNET), "no way back")
        os.close(back)

    def _furnished(self) -> int:
        """A TUN device with an address, and loopback; by this thread, which is there."""
        with suppress(OSError):  # no IPv6 in this kernel is as good
            NO_IPV6.write_text("1", encoding="ascii")  # its announcements would cross too
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        try:
            named = struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI)
            fcntl.ioctl(device, TUNSETIFF, named)
            _ip("link", "set", "lo", "up")
            _ip("link", "set", DEVICE, "up", "mtu", str(MTU))
            self._settle()
        except BaseException:
            os.close(device)
            raise
        return device

    def _settle(self) -> None:
        """Everything else is reached from this address: browsers look for that."""
        _ip("addr", "add", f"{self.address}/24", "dev", DEVICE)
        _ip("route", "add", "default", "dev", DEVICE)


class Network:
    """Two places, and who carries packets between them."""

    def __init__(self, near: Place, far: Place, carrier: "subprocess.Popen[bytes]") -> None:
        self.near, self.far = near, far
        self._carrier = carrier

    def change(self, weather: Weather) -> None:
        """From now on it is so."""
        assert self._carrier.stdin is not None
        self._carrier.stdin.write(json.dumps(asdict(weather)).encode() + b"\n")
        self._carrier.stdin.flush()
        assert self._carrier.stdout is not None
        self._carrier.stdout.readline()  # it is so


@contextmanager
def network(
    weather: Weather | None = None, seed: int = 1, longest: float = LONGEST
) -> Iterator[Network]:
    """A near and a far place, for at most `longest` seconds. Impossible."""
    if why := missing():
        raise Impossible(why)
    with ExitStack() as stack:
        places = []
        for number in (1, 2):
            try:
                places.append(Place("10.97.0", number))
            except (OSError, subprocess.CalledProcessError) as error:
                raise Impossible(f"no network namespaces with TUN devices here: {error}") from error
            stack.callback(places[-1].close)
        near, far = places
        words = [sys.executable, __file__, str(near.device), str(far.device), str(seed)]
        carrier = subprocess.Popen(
            [*words, str(longest)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(near.device, far.device),
            start_new_session=True,  # Ctrl-C ends the test, which ends this
        )
        stack.callback(_end, carrier)
        joined = Network(near, far, carrier)
        joined.change(weather or Weather())
        yield joined


@contextmanager
def networked(
    weather: Weather | None = None, seed: int = 1, longest: float = LONGEST
) -> Iterator[Network]:
    """The same for a test, which is skipped where it is impossible, and where nobody asks for it:
    such tests take real minutes."""
    import pytest  # who measures has none

    if "SURTITLE_NETWORK" not in os.environ:
        pytest.skip("`make test-network` tries it, and takes minutes")
    with ExitStack() as stack:
        try:
            net = stack.enter_context(network(weather, seed, longest))
        except Impossible as why:
            pytest.skip(str(why))
        yield net


def missing() -> str:
    """What such a network lacks here; nothing if it can be tried."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "there is no /dev/net/tun here"
    if shutil.which("ip") is None:
        return "there is no `ip` here: apt-get install iproute2"
    return ""


def _end(carrier: "subprocess.Popen[bytes]") -> None:
    assert carrier.stdin is not None and carrier.stdout is not None
    carrier.stdin.close()  # which it takes as the end
    try:
        carrier.wait(5)
    except subprocess.TimeoutExpired:
        carrier.kill()
        carrier.wait()
    carrier.stdout.close()


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(returned: int, what: str) -> None:
    if returned != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def carry(near: int, far: int, seed: str, longest: float) -> None:
    """Carry packets between two TUN devices until standard input ends, or it was `longest`.

    A line of JSON on standard input is the weather from then on, and is answered by one.
    """
    crossings = {near: Crossing(f"{seed} up"), far: Crossing(f"{seed} down")}
    other = {near: far, far: near}
    chosen = selectors.DefaultSelector()
    for device in (near, far, 0):
        chosen.register(device, selectors.EVENT_READ)
    on_the_way: list[tuple[float, int, int, bytes]] = []
    number, until = 0, time.monotonic() + longest
    while time.monotonic() < until:
        soonest = on_the_way[0][0] if on_the_way else until
        for key, _ in chosen.select(max(0.0, soonest - time.monotonic())):
            if key.fd == 0:
                if not (line := sys.stdin.buffer.readline()):
                    return
                for crossing in crossings.values():
                    crossing.change(Weather(**json.loads(line)), time.monotonic())
                os.write(1, b"so it is\n")
                continue
            with suppress(BlockingIOError):
                for _ in range(AT_ONCE):
                    packet = os.read(key.fd, 2 * MTU)
                    moment = crossings[key.fd].push(packet, time.monotonic())
                    if moment is not None:
                        number += 1
                        heapq.heappush(on_the_way, (moment, number, other[key.fd], packet))
        while on_the_way and on_the_way[0][0] <= time.monotonic():
            _, _, device, packet = heapq.heappop(on_the_way)
            with suppress(OSError):  # that place takes none now, as a full queue would
                os.write(device, packet)


if __name__ == "__main__":
    carry(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
