"""What a run came to: one value that is JSON in a file, a page, and lines of text."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
from msgspec import Struct

from clients.console import Problem
from streaming.measures import percentiles

from .load import Load
from .speech import OPUS_MS
from .tally import Tally, Times
from .verdict import Bars, Health, Verdict

FORMAT = "surtitle.loadtest/1"
NAMES = {
    "chunk_to_caption": "chunk to caption",
    "caption_age": "caption age",
    "server_added": "added by the server",
    "answer": "frame to answer",
    "first_display": "first display of a word",
    "finalisation": "a word's last change",
    "speech_to_final": "end of speech to final",
    "cut_to_final": "end of segment to final",
}
KINDS = ("transcript", "translation")


class Figure(Struct, frozen=True):
    """Times in ms, and the whole of their distribution for other tools (HdrHistogram, us)."""

    count: int
    p50: float
    p90: float
    p95: float
    p99: float
    max: float
    hdr: str = ""

    @classmethod
    def of(cls, times: Times) -> "Figure | None":
        """None of none."""
        found = times.percentiles()
        if found is None:
            return None
        p50, p90, p95, p99, most = (
            round(ms, 3) for ms in (found.p50, found.p90, found.p95, found.p99, found.max)
        )
        return cls(found.count, p50, p90, p95, p99, most, times.encoded())


class Moment(Struct, frozen=True):
    """About a second of the run; times in ms, None of no sample."""

    at: float
    """Seconds after the first sample."""
    speaking: int
    captions: int
    shown_p50: float | None
    shown_p95: float | None
    age_p95: float | None
    late: float
    """Of the tester's latest frame so far."""
    tester_cpu: float
    backlog: int = 0
    server_cpu: float | None = None
    memory_mb: float | None = None
    stages: dict[str, float] = {}
    """The median of each."""


class Erased(Struct, frozen=True):
    """Of one kind of line: units that readers saw taken back, over units of the final texts."""

    erased: int
    written: int
    visible: float | None
    raw: None = None
    """What was taken back of the models' own words is never on the wire, so it cannot be seen from
    outside: see `python -m bench policies`."""


class ServerSaid(Struct, frozen=True):
    """From its /metrics and from the operating system; None: cannot be known."""

    cpu: float | None = None
    """Percent of a core, engines in processes of their own included."""
    loop_cpu: float | None = None
    """Of its first thread."""
    memory_mb: float | None = None
    skipped: float | None = None
    """Hops replaced by newer ones before a recognizer saw them."""
    lag_p99_at_most: float | None = None
    """Of its event loop: the bucket in ms that p99 lies in."""
    hypothesis_offered: float | None = None
    """Tokens of last answers, offered to verify."""
    hypothesis_accepted: float | None = None


class Soak(Struct, frozen=True):
    """Whether the end was as the beginning; slopes are by least squares over the whole."""

    memory_mb_per_hour: float | None
    age_ms_per_hour: float | None
    shown_p95: tuple[float | None, float | None]
    """Of the first tenth and of the last."""
    age_p95: tuple[float | None, float | None]
    lag_p99_at_most: tuple[float | None, float | None] = (None, None)


class Result(Struct, frozen=True):
    """All of it."""

    format: str
    when: str
    surtitle: str
    machine: dict[str, str | int | float | None]
    server: str
    """Its engine, or its address."""
    protocol: str
    load: dict[str, str | int | float | list[str] | None]
    name: str
    """The load in words."""
    bars: Bars
    verdicts: list[Verdict]
    times: dict[str, Figure]
    counts: dict[str, int]
    erasure: dict[str, Erased]
    bytes_per_reader_hour: float | None
    """All that comes, as it comes from the socket."""
    caption_bytes_per_reader_hour: float | None
    """Of that, captions."""
    said: ServerSaid
    tester: Health
    timeline: list[Moment]
    broken: list[str] = []
    """Why connections ended that should not have."""
    soak: Soak | None = None

    def time(self, name: str) -> Figure | None:
        """One figure."""
        return self.times.get(name)


def assembled(
    load: Load,
    bars: Bars,
    tally: Tally,
    verdicts: list[Verdict],
    tester: Health,
    *,
    server: str,
    protocol: str,
    machine: Mapping[str, str | int | float | None],
    said: ServerSaid,
    timeline: list[Moment],
    broken: list[str],
    soak: Soak | None,
) -> Result:
    """The result of a run from all its parts."""
    found = {name: Figure.of(times) for name, times in sorted(tally.times.items())}
    erasure = {
        kind: Erased(it.erased, it.written, None if it.ratio is None else round(it.ratio, 4))
        for kind, it in tally.erasure.items()
    }
    return Result(
        FORMAT,
        datetime.now(UTC).isoformat(timespec="seconds"),
        installed(),
        dict(machine),
        server,
        protocol,
        described(load),
        load.name,
        bars,
        verdicts,
        {name: figure for name, figure in found.items() if figure is not None},
        {name: count for name, count in tally.counts.items() if not name.endswith("_bytes")},
        erasure,
        per_hour(load, tally, "bytes"),
        per_hour(load, tally, "caption_bytes"),
        said,
        tester,
        timeline,
        broken,
        soak,
    )


def described(load: Load) -> dict[str, str | int | float | list[str] | None]:
    """A load as it is kept: the sound by its folder's name only."""
    return {
        "speakers": load.speakers,
        "rooms": load.rooms or load.speakers,
        "readers": load.readers,
        "hears": load.hears,
        "reads": list(load.reads),
        "seconds": load.seconds,
        "ramp": load.ramp,
        "warm": load.warm,
        "transport": load.transport,
        "frame_ms": load.frame_ms if load.transport == "ws" else OPUS_MS,
        "stability": load.stability,
        "audio": load.audio.name,
        "faults": [f"{fault.kind}@{fault.at:g}" for fault in load.faults],
    }


def per_hour(load: Load, tally: Tally, what: str) -> float | None:
    """Bytes that a reader gets in an hour of this; of speakers, if nobody only reads."""
    whose, people = ("reader", load.readers) if load.readers else ("speaker", load.speakers)
    took = tally.counts[f"{whose}_{what}"]
    return round(took / people / load.seconds * 3600) if took else None


def installed() -> str:
    """The version of this program."""
    try:
        return version("surtitle")
    except PackageNotFoundError:
        return ""


def save(result: Result, path: Path) -> None:
    """As JSON. Problem if it cannot be written."""
    write(path, msgspec.json.format(msgspec.json.encode(result), indent=1))


def write(path: Path, data: bytes) -> None:
    """Problem if it cannot be written."""
    try:
        path.write_bytes(data + b"\n")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Problem(f"{path} cannot be written: {why}") from error


def writable(path: Path) -> None:
    """Problem if no file can be written there."""
    try:
        path.open("ab").close()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Problem(f"{path} cannot be written: {why}") from error


def load(path: Path) -> Result:
    """A result that was saved. Problem if there is none, or it is none of ours."""
    try:
        data = path.read_bytes()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Problem(f"{path} cannot be read: {why}") from error
    try:
        result = msgspec.json.decode(data, type=Result)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Problem(f"{path} holds no result of `surtitle loadtest --json`: {error}") from error
    if result.format != FORMAT:
        raise Problem(f"{path} is of another version ({result.format[:40]}): {FORMAT} is read here")
    return result


def slope(points: Iterable[tuple[float, float | None]]) -> float | None:
    """Growth an hour of (second, value), by least squares; None of less than three."""
    known = [(at / 3600, value) for at, value in points if value is not None]
    if len(known) < 3:
        return None
    middle = sum(at for at, _ in known) / len(known)
    mean = sum(value for _, value in known) / len(known)
    spread = sum((at - middle) ** 2 for at, _ in known)
    if not spread:
        return None
    return round(sum((at - middle) * (value - mean) for at, value in known) / spread, 3)


def median(times: Iterable[float]) -> float | None:
    """None of none."""
    found = percentiles(times)
    return None if found is None else round(found.p50, 2)


def p95(times: Iterable[float]) -> float | None:
    """None of none."""
    found = percentiles(times)
    return None if found is None else round(found.p95, 2)
