"""What goes wrong, and when: the same for the same seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

Kind = Literal["kill", "stop", "deaf", "hang", "mute", "cut", "hold", "leave"]

EVERY_S: dict[Kind, float] = {
    "kill": 75.0,  # the server, without a word
    "stop": 110.0,  # the server, asked to
    "deaf": 8.0,  # a recognizer's process is killed
    "hang": 40.0,  # a recognizer's process answers no more
    "mute": 30.0,  # the translator is killed
    "cut": 2.0,  # a connection breaks
    "hold": 15.0,  # nothing passes on a connection
    "leave": 4.0,  # a client is killed
}
LASTS_S: dict[Kind, tuple[float, float]] = {
    "kill": (0.2, 3.0),
    "stop": (0.2, 3.0),
    "mute": (0.3, 6.0),
    "hold": (1.0, 18.0),  # beyond 15 s a client gives the connection up
    "leave": (0.1, 2.0),
}
BEFORE_S = 5.0  # everybody gets to know each other


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing that goes wrong."""

    at: float
    """Seconds from the beginning."""
    kind: Kind
    which: float
    """Of those that it may hit, as a share: 0 the first, almost 1 the last."""
    lasts: float = 0.0
    """Seconds until what was taken away is given back."""


def blows(seed: int, seconds: float) -> list[Blow]:
    """All of them, in order. Each kind comes at random, so often on average."""
    random = Random(seed)
    found = [blow for kind in EVERY_S for blow in _of(kind, random, seconds)]
    return sorted(found, key=lambda blow: blow.at)


def _of(kind: Kind, random: Random, seconds: float) -> Iterator[Blow]:
    at = BEFORE_S + random.uniform(0, min(EVERY_S[kind], seconds / 3))  # each at least once
    while at < seconds:
        yield Blow(at, kind, random.random(), random.uniform(*LASTS_S.get(kind, (0.0, 0.0))))
        at += random.expovariate(1 / EVERY_S[kind])
