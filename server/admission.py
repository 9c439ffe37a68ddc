"""Who is let in: new ones are refused before those who are in have to suffer."""

import ipaddress
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from streaming.allowance import Allowance

from .carrying import Load
from .refused import Refused

ARRIVALS = 2.0  # a second, of one address, after twice as many at once as it may have
REMEMBERED = 10_000  # addresses
FULL_MS = 5_000  # whoever is refused may ask again then
DOES = {"hears": "hears {} speakers", "translates": "translates {} lines"}

Reason = Literal["rooms", "speakers", "readers", "address", "arrivals", "models"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one server."""

    rooms: int = 500
    speakers: int = 500
    readers: int = 5_000
    """Connections in all, those of speakers included."""
    address: int = 64
    """Connections of one address. This machine's own has no limit: it may be a proxy's."""
    per_slot: float = 1.0
    """Questions that may be open for each that a model server takes at a time. With one, nobody's
    waits there though all speak at once; where they take turns, more are carried."""


class Admission:
    """One per server."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.on_refused: Callable[[Reason], None] = lambda reason: None
        self.addresses = Counter[str]()
        self.arrivals: dict[str, Allowance] = {}

    @contextmanager
    def connected(self, address: str, now: float) -> Iterator[None]:
        """A connection of this address, for as long as it lasts. Refused: it has too many, or has
        come too often by `now`."""
        if not _ours(address) and not self._arrives(address, now):
            raise self._full("arrivals", "your address connects too often: wait")
        if self.addresses[address] >= self.limits.address and not _ours(address):
            what = f"your address has {self.limits.address} connections: close one"
            raise self._full("address", what)
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
            what = f"this server has {limits.rooms} rooms open, and opens no more"
            raise self._full("rooms", what)
        if speaks and speakers >= limits.speakers:
            what = f"this server hears {limits.speakers} speakers, and no more: come to read"
            raise self._full("speakers", what)
        if readers >= limits.readers:
            what = f"this server has {limits.readers} connections, and takes no more"
            raise self._full("readers", what)

    def carry(self, loads: Collection[Load]) -> None:
        """One more speaks. Refused: it would be more than models carry. Who would be the only one
        is heard, whatever that takes."""
        for load in loads:
            most = self.most(load)
            if load.more > 0 and 0 < load.asked > most - load.more:
                does = DOES[load.does].format(most)
                what = f"the models are full: {load.engine} {does} at a time: come to read, or wait"
                raise self._full("models", what)

    def most(self, load: Load) -> int:
        """Questions that may be open there."""
        return max(1, int(self.limits.per_slot * load.slots))

    def _full(self, reason: Reason, what: str) -> Refused:
        self.on_refused(reason)
        return Refused(4429, what, FULL_MS)


def _ours(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
