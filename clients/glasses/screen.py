"""What a display shows at one moment: rows of text, of which the tail may still change."""

from dataclasses import dataclass
from typing import Literal

Tone = Literal["caption", "source", "state"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a display."""

    text: str = ""
    sure: int = 0
    """So many characters at its beginning are certain; the rest is shown dim."""
    tone: Tone = "caption"
    """`source`: the speaker's own words beside a translation. `state`: not speech at all."""

    @property
    def halves(self) -> tuple[str, str]:
        """What is certain, and what may still change."""
        return self.text[: self.sure], self.text[self.sure :]


@dataclass(frozen=True, slots=True)
class Screen:
    """All of it, from top to bottom; empty rows at the end are left out."""

    rows: tuple[Row, ...] = ()

    @property
    def text(self) -> str:
        """As a display that knows only text gets it."""
        return "\n".join(row.text for row in self.rows)

    @property
    def size(self) -> int:
        """Bytes of that text."""
        return len(self.text.encode())
