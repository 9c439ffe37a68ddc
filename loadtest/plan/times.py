"""The table of service times: how long each step takes on which card, and where that is from.

A *pass* serves a batch: whoever waits when it begins, up to the largest batch there is a time for.
Times of a pass are known at some sizes of the batch and read linearly between them.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from clients.console import Problem

FORMAT = "surtitle.service-times/1"
TABLE = Path(__file__).parents[2] / "bench" / "service_times.json"

Origin = Literal["measured", "published", "estimated"]
"""Measured: by us, with the commands in bench/README.md. Published: somebody else's figure.
Estimated: arithmetic or an assumption; nobody has seen it happen."""


def between(known: Sequence[tuple[float, float]], at: float) -> float:
    """The value at a place, on the line between the nearest two of those that are known, in order;
    flat outside of them."""
    place = bisect_left(known, at, key=lambda pair: pair[0])
    if place in (0, len(known)):
        return known[min(place, len(known) - 1)][1]
    (low, before), (high, after) = known[place - 1 : place + 1]
    return before + (after - before) * (at - low) / (high - low)


class Pass(Struct, frozen=True):
    """One engine on one card."""

    role: Literal["recognition", "translation"]
    card: str
    model: str
    ms: list[tuple[int, float]]
    """(batch, ms of a pass), growing in both; the last batch is the largest."""
    passes: list[int]
    """How many one request takes: one of these, all equally likely."""
    spread: float
    """Standard deviation of a pass, over its mean."""
    origin: Origin
    source: str

    @property
    def most(self) -> int:
        """The largest batch."""
        return self.ms[-1][0]

    @property
    def each_ms(self) -> float:
        """The least that one request can cost: in full batches."""
        return sum(self.passes) / len(self.passes) * self.ms[-1][1] / self.most

    def lasts(self, batch: int) -> float:
        """ms of a pass of so many."""
        assert batch <= self.most, f"a batch of {batch} is more than {self.most}"
        return between(self.ms, batch)


class Server(Struct, frozen=True):
    """One process of `surtitle serve`, on one core; shares are percent of that core."""

    full: float
    """The share in use at which it still adds no more than `added_ms`."""
    speaker: float
    """What finding one speaker's speech takes."""
    stream: float
    """What each stream of his captions takes: his own words, and every language."""
    added_ms: list[tuple[float, float]]
    """(percentile, ms) of what it adds to its engines; the first at 0."""
    origin: Origin
    source: str

    def speakers(self, languages: int) -> int:
        """How many it carries who are translated into so many languages; 0: not one."""
        return int(self.full / (self.speaker + self.stream * (1 + languages)))


class Way(Struct, frozen=True):
    """From a microphone to the server, and from there to the eye."""

    frame_ms: float
    """Of sound in one frame: its first sample waits so long."""
    up_ms: float
    down_ms: float
    origin: Origin
    source: str


class Price(Struct, frozen=True):
    """Of an hour, in dollars."""

    what: str
    """A card, or "core"."""
    hour: float
    origin: Origin
    source: str


class Times(Struct, frozen=True):
    """The whole table."""

    format: str
    passes: list[Pass]
    server: Server
    way: Way
    prices: list[Price]

    @property
    def cards(self) -> list[str]:
        """Those that both recognition and translation have times of."""
        roles = {role: {it.card for it in self.passes if it.role == role} for role in ROLES}
        return [it for it in dict.fromkeys(one.card for one in self.passes) if _in_all(it, roles)]

    def on(self, card: str, role: str) -> Pass:
        """An engine on a card. Problem: that card is not in the table."""
        for one in self.passes:
            if (one.card, one.role) == (card, role):
                return one
        raise Problem(f"no times of {card!r} are known: there are {', '.join(self.cards)}")

    def price(self, what: str) -> Price:
        """Of an hour. Problem: it is not in the table."""
        for one in self.prices:
            if one.what == what:
                return one
        raise Problem(f"no price of {what!r} is known: name one with --price")


ROLES = ("recognition", "translation")


def _in_all(card: str, roles: dict[str, set[str]]) -> bool:
    return all(card in cards for cards in roles.values())


def read(path: Path = TABLE) -> Times:
    """A table in a file. Problem, in words: there is none, or it is not one."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Times)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Problem(f"the service times in {path} cannot be read: {why}") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Problem(f"{path} is no table of service times: {error}") from error
    if found.format != FORMAT:
        raise Problem(f"{path} is of another version ({found.format[:40]}): {FORMAT} is read here")
    for one in found.passes:
        _check(path, f"{one.role} on {one.card}: `ms`", one.ms)
        if not one.passes or min(one.passes) < 1 or not 0 <= one.spread < 2:
            raise Problem(f"{path}: {one.role} on {one.card} needs passes, and a spread of 0 to 2")
    _check(path, "server: `added_ms`", found.server.added_ms)
    if min(found.server.full, found.server.speaker, found.server.stream) <= 0:
        raise Problem(f"{path}: server: shares of a core must be more than 0")
    if found.way.frame_ms <= 0 or min(found.way.up_ms, found.way.down_ms) < 0:
        raise Problem(f"{path}: way: no frame is shorter than nothing, and no way either")
    return found


def _check(path: Path, what: str, pairs: Sequence[tuple[float, float]]) -> None:
    grows = all(low[0] < high[0] and low[1] <= high[1] for low, high in pairwise(pairs))
    if not pairs or not grows or pairs[0][0] < 0 or pairs[0][1] < 0:
        raise Problem(f"{path}: {what} must be pairs that grow, none below 0")
