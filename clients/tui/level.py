"""How loud one's own microphone is, as a bar."""

from typing import Protocol

QUIETEST = -60.0  # dBFS: below, a bar shows nothing
LOUD = -6.0  # dBFS: above, clipping is near


class Level(Protocol):
    """What a microphone measures a few times a second."""

    @property
    def rms(self) -> float:
        """dBFS: 0 is the loudest there is, -60 is a quiet room."""

    @property
    def clipping(self) -> bool:
        """Whether it was too loud for the microphone lately."""


def bar(level: Level, width: int) -> str:
    """So many columns, filled by how loud it is in eighths of a column."""
    share = (min(level.rms, 0.0) - QUIETEST) / -QUIETEST
    eighths = round(max(0.0, share) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width, "·")


def said(level: Level | None, muted: bool, width: int = 12) -> str:
    """The microphone in a few words: muted, its level, or that it is too loud."""
    if muted:
        return "MUTED · m to speak"
    if level is None:
        return ""
    if level.clipping:
        return f"mic {bar(level, width)} too loud"
    return f"mic {bar(level, width)}"
