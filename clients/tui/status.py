"""The status line in words: where, with whom, in which languages, how late."""

from collections.abc import Sequence
from dataclasses import dataclass

from clients.latency import BUDGET_MS
from clients.plain import clean, columns
from streaming import languages


@dataclass(frozen=True, slots=True)
class Status:
    """Everything the line says."""

    room: str
    connection: str = "connecting"
    hears: Sequence[str] = ()
    reads: Sequence[str] = ()
    muted: bool = False
    late_ms: float | None = None
    """95th percentile of chunk-to-caption."""
    end_to_end: bool = True
    """Whether that is from microphone to screen, or only inside the server."""


def status_line(status: Status, width: int) -> str:
    """The line at `width` columns: what is on the right gives way first, then long words."""
    for left, right in (
        (full(status), lateness(status)),
        (full(status), short_lateness(status)),
        (brief(status), short_lateness(status)),
        (brief(status), ""),
    ):
        room = width - columns(left) - columns(right)
        if room >= (2 if right else 0):
            return left + " " * room + right
    return brief(status)[:width]


def full(status: Status) -> str:
    """Room, connection and languages by name."""
    parts = [clean(status.room), status.connection]
    if status.hears:
        parts.append("speaking " + _named(status.hears) + (" (muted)" if status.muted else ""))
    if status.reads:
        parts.append("reading " + _named(status.reads))
    return " · ".join(parts)


def brief(status: Status) -> str:
    """The same with language codes."""
    way = f"{','.join(status.hears) or '–'} → {','.join(status.reads) or 'source'}"
    muted = ["muted"] if status.muted and status.hears else []
    return " · ".join([clean(status.room), status.connection, way, *muted])


def lateness(status: Status) -> str:
    """How late captions are, beside the budget."""
    if status.late_ms is None:
        return ""
    where = "95 % of captions within" if status.end_to_end else "server: 95 % within"
    return f"{where} {status.late_ms:.0f} ms (budget {BUDGET_MS})"


def short_lateness(status: Status) -> str:
    """The same in few columns."""
    return "" if status.late_ms is None else f"p95 {status.late_ms:.0f}/{BUDGET_MS} ms"


def _named(codes: Sequence[str]) -> str:
    return ", ".join(languages.name(code) for code in codes)
