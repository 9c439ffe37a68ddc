"""The status line in words: where, with whom, in which languages, how late; and the notice below.

The notice is one row that is always there, so that nothing moves when there is something to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from clients.latency import BUDGET_MS
from clients.plain import clean, columns
from streaming import languages
from streaming.messages import Stability

from . import level
from .level import Level
from .panels import cut

DIALS = {"live": "live words", "steady": "steadier words", "final": "finished lines only"}


CONNECTION = {
    "ok": "connected",
    "degraded": "connection is slow",
    "down": "reconnecting",
    "draining": "ending",
    "drained": "ended",
}


@dataclass(frozen=True, slots=True)
class Status:
    """Everything the line says."""

    room: str
    connection: str = "connecting"
    hears: Sequence[str] = ()
    reads: Sequence[str] = ()
    muted: bool = False
    kept: bool = False
    """Somebody asked for this conversation to be kept."""
    late_ms: float | None = None
    """95th percentile of chunk-to-caption."""
    end_to_end: bool = True
    """Whether that is from microphone to screen, or only inside the server."""
    age_ms: float | None = None
    """95th percentile of the caption age."""
    stability: Stability = "live"


def status_line(status: Status, width: int) -> str:
    """The line at `width` columns: what is on the right gives way first, then long words."""
    for left, right in (
        (full(status), f"{lateness(status)}{older(status)}"),
        (full(status), f"{short_lateness(status)}{older(status)}"),
        (brief(status), f"{short_lateness(status)}{older(status)}"),
        (brief(status), short_lateness(status)),
        (brief(status), ""),
    ):
        room = width - columns(left) - columns(right)
        if room >= (2 if right else 0):
            return left + " " * room + right
    return cut(brief(status), width)


def full(status: Status) -> str:
    """Room, connection and languages by name."""
    parts = [clean(status.room), status.connection, *(["kept on the server"] * status.kept)]
    if status.hears:
        parts.append("speaking " + _named(status.hears) + (" (muted)" if status.muted else ""))
    parts.append("reading " + (_named(status.reads) or "all as spoken"))
    return " · ".join(parts + dial(status))


def brief(status: Status) -> str:
    """The same with language codes."""
    way = f"{','.join(status.hears) or '–'} → {','.join(status.reads) or 'source'}"
    muted = ["muted"] if status.muted and status.hears else []
    kept = ["kept"] if status.kept else []
    return " · ".join([clean(status.room), status.connection, *kept, way, *muted, *dial(status)])


def dial(status: Status) -> list[str]:
    """The stability, where it is not the usual one."""
    return [] if status.stability == "live" else [DIALS[status.stability]]


def lateness(status: Status) -> str:
    """How late captions are, beside the budget."""
    if status.late_ms is None:
        return ""
    where = "95 % of captions within" if status.end_to_end else "server: 95 % within"
    return f"{where} {status.late_ms:.0f} ms (budget {BUDGET_MS})"


def short_lateness(status: Status) -> str:
    """The same in few columns."""
    if status.late_ms is None:
        return ""
    where = "late" if status.end_to_end else "server"
    return f"{where} {status.late_ms:.0f}/{BUDGET_MS} ms"


def older(status: Status) -> str:
    """How old what is on the screen gets while one speaks."""
    return "" if status.age_ms is None else f" · age {status.age_ms:.0f} ms"


@dataclass(frozen=True, slots=True)
class Notice:
    """What the row above the keys may have to say, most pressing first."""

    said: str = ""
    """What a key has just done."""
    search: str = ""
    trouble: str = ""
    missed: int | None = None
    """Blocks that came since the reader went back; None while following."""
    speaking: str = ""
    level: Level | None = None
    muted: bool = False


def notice_row(notice: Notice, width: int) -> str:
    """One sentence, and on the right one's own microphone."""
    right = level.said(notice.level, notice.muted)
    room = max(0, width - columns(right) - 2)
    left = cut(notice_sentence(notice), room if right else width)
    return left + " " * max(0, width - columns(left) - columns(right)) + right


def notice_sentence(notice: Notice) -> str:
    """The one that matters now."""
    if notice.said:
        return notice.said
    if notice.search:
        return f"{notice.search} · n earlier, N later, Esc returns"
    if notice.missed is not None:
        below = f"{notice.missed} new below · " if notice.missed else ""
        more = f" · {notice.trouble}" if notice.trouble else ""
        return f"reading back · {below}End follows again{more}"
    return notice.trouble or notice.speaking


def _named(codes: Sequence[str]) -> str:
    return ", ".join(languages.name(code) for code in codes)
