"""Who is let in: new ones are refused before those who are in have to suffer."""

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from streaming.allowance import Allowance

from .refused import Refused

ARRIVALS = 2.0  # a second, of one address, after twice as many at once as it may have
REMEMBERED = 10_000  # addresses
FULL_MS = 5_000  # whoever is refused may ask again then


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one server."""

    rooms: int = 500
    speakers: int = 500
    readers: int = 5_000
    """Connections in all, those of speakers included."""
    address: int = 64
    """Connections of one address. This machine's own has no limit: it may be a proxy's."""


class Admission:
    """One per server."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.addresses = Counter[str]()
        self.arrivals: dict[str, Allowance] = {}

    @contextmanager
    def connected(self, address: str, now: float) -> Iterator[None]:
        """A connection of this address, for as long as it lasts. Refused: it has too many, or has
        come too often by `now`."""
        if not _ours(address) and not self._arrives(address, now):
            raise _full("your address connects too often: wait")
        if self.addresses[address] >= self.limits.address and not _ours(address):
            raise _full(f"your address has {self.limits.address} connections: close one")
        self.addresses[address] += 1
        try:
            yield
        finally:
            self.addresses[address] -= 1
            if not self.addresses[address]:
                del self.addresses[address]

    def _arrives(self, address: str, now: float) -> bool:
        if len(self.arrivals) >= REMEMBERED:
            self.arrivals.clear()
        burst = 2 * self.limits.address
        return self.arrivals.setdefault(address, Allowance(burst, ARRIVALS, now)).take(now)

    def check(
        self, rooms: int, speakers: int, readers: int, opens: bool = False, speaks: bool = False
    ) -> None:
        """One more, where there are so many now. Refused: that is too many."""
        limits = self.limits
        if opens and rooms >= limits.rooms:
            raise _full(f"this server has {limits.rooms} rooms open, and opens no more")
        if speaks and speakers >= limits.speakers:
            raise _full(f"this server hears {limits.speakers} speakers, and no more: come to read")
        if readers >= limits.readers:
            raise _full(f"this server has {limits.readers} connections, and takes no more")


def _full(what: str) -> Refused:
    return Refused(4429, what, FULL_MS)


def _ours(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
