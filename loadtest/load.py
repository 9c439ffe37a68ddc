"""What a run asks of a server: who sits in which room, speaks and reads, and from when."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from streaming.messages import Stability
from streaming.values import SAMPLE_RATE, samples

from .script import CONVERSATION
from .speech import OPUS_MS, Transport

Kind = Literal["stall", "kill", "loss"]
STALL_S = 2.0  # seconds that a stall lasts, if it is not said
APART_S = 1.0  # within which speakers begin: within a frame, all their windows would end together


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong on purpose, so many seconds after everybody speaks."""

    kind: Kind
    at: float
    lasts: float = STALL_S
    """Of a stall: the server is stopped and goes on after so many seconds."""


@dataclass(frozen=True, slots=True)
class Load:
    """All that decides a run; the same load is the same work, to the millisecond."""

    speakers: int
    seconds: float = 30.0
    """That are counted. Before them everybody begins (`ramp`) and warms up; after them all finals
    come."""
    rooms: int | None = None
    """That the speakers share; None: one each."""
    readers: int = 0
    """Who only read; dealt to the rooms."""
    hears: str = "en"
    reads: tuple[str, ...] = ()
    """Languages, dealt to speakers and readers."""
    ramp: float = 0.0
    warm: float = 5.0
    cool: float = 1.0
    """After what is counted: the end of the audio ends every line at once, as no conversation."""
    frame_ms: int = 100
    transport: Transport = "ws"
    stability: Stability = "live"
    audio: Path = CONVERSATION
    faults: tuple[Fault, ...] = ()
    prefix: str = "load"
    token: str | None = None
    """For a server that asks for one."""
    speed: float = 1.0
    """Times real time: for a server whose clock runs as fast."""

    @property
    def frame(self) -> int:
        """Samples in one binary frame."""
        return samples(self.frame_ms if self.transport == "ws" else OPUS_MS)

    @property
    def period(self) -> float:
        """Seconds from one frame of a speaker to the next."""
        return self.frame / SAMPLE_RATE / self.speed

    @property
    def lasts(self) -> float:
        """Seconds from the first frame to the last."""
        return self.ramp + self.warm + self.seconds + self.cool

    @property
    def counted(self) -> tuple[float, float]:
        """Seconds after the first frame between which frames count."""
        begin = self.ramp + self.warm
        return begin, begin + self.seconds

    @property
    def name(self) -> str:
        """In words."""
        rooms = self.rooms or self.speakers
        said = [f"{self.speakers} speaker{'s' * (self.speakers != 1)}"]
        said += [f"{self.readers} reader{'s' * (self.readers != 1)}"] if self.readers else []
        said += [f"{rooms} room{'s' * (rooms != 1)}"] if rooms != self.speakers else []
        said += [f"{len(self.reads)} language{'s' * (len(self.reads) != 1)}"] if self.reads else []
        return ", ".join(said)


@dataclass(frozen=True, slots=True)
class Seat:
    """One connection of it."""

    room: str
    name: str
    hears: str
    """What it speaks; '' for a reader."""
    reads: tuple[str, ...]
    begins: float = 0.0
    """Seconds from the common start to the first sample it speaks."""
    first: float = 0.0
    """Which share of the speech it begins after, 0 to 1."""


def seats(load: Load) -> list[Seat]:
    """Everybody. Phases and beginnings are drawn, the same in every run: as people are, some speak
    in the same millisecond."""
    drawn = Random(1)
    rooms = [f"{load.prefix}-{n}" for n in range(load.rooms or load.speakers)]
    found = []
    apart = max(load.period, min(APART_S, load.seconds / 40) / load.speed)
    for n in range(load.speakers):
        phase = drawn.random() * apart
        begins = phase + load.ramp * n / load.speakers
        reads = dealt(load.reads, n)
        name, room = f"voice {n + 1}", rooms[n % len(rooms)]
        found.append(Seat(room, name, load.hears, reads, begins, drawn.random()))
    for n in range(load.readers):
        room = rooms[n % len(rooms)]
        found.append(Seat(room, f"reader {n + 1}", "", dealt(load.reads, n // len(rooms))))
    return found


def dealt(languages: tuple[str, ...], n: int) -> tuple[str, ...]:
    """The language of the n-th."""
    return (languages[n % len(languages)],) if languages else ()


def shared(everybody: Iterable[Seat], processes: int) -> list[list[Seat]]:
    """Whole rooms for each process, as evenly as they come: whoever reads a speaker must know when
    he spoke."""
    rooms: dict[str, list[Seat]] = {}
    for seat in everybody:
        rooms.setdefault(seat.room, []).append(seat)
    parts: list[list[Seat]] = [[] for _ in range(max(1, min(processes, len(rooms))))]
    for room in sorted(rooms.values(), key=len, reverse=True):
        min(parts, key=len).extend(room)
    return parts
