"""One caption as the rows of a display: pure, and the same rows for the same words.

Rows are filled from the front, so words that come later move none of the rows before the last: what
a reader has begun to read stays where it is.
"""

import unicodedata
from collections.abc import Sequence

from clients import plain
from streaming.messages import Caption

from .faces import Face
from .profiles import Profile
from .screen import Row, Tone
from .scripts import leftwards, named

TIE = "\N{NO-BREAK SPACE}"  # a mark stays with the first word
FROM_THE_RIGHT = "\N{RIGHT-TO-LEFT MARK}"  # or else the mark's letter would turn the row around
MISSING = "\N{REPLACEMENT CHARACTER}"


class Layout:
    """Lays out captions for one display, and remembers which letters it lacked."""

    def __init__(self, profile: Profile, face: Face) -> None:
        self.profile = profile
        self.face = face
        self.lacking: dict[str, None] = {}
        """The characters that could not be shown so far, in the order they came."""

    def caption(self, caption: Caption, mark: str = "", tone: Tone = "caption") -> tuple[Row, ...]:
        """Its rows; of no words, none. `mark` says who speaks, before the first word."""
        stable = self._words(caption.stable).lstrip()
        draft = self._words(caption.draft)
        words = (stable + draft).strip()
        if not words:
            return ()
        before = f"{mark}:{TIE}" if mark else ""
        if before and leftwards(words):
            before = FROM_THE_RIGHT + before
        sure = len(words) if caption.final else len(stable)
        return self.rows(before + words, len(before) + sure, tone)

    def rows(self, text: str, sure: int, tone: Tone = "caption") -> tuple[Row, ...]:
        """These words, of which so many characters are certain."""
        text = self._shown(text)
        shown = text.replace(TIE, " ")
        measured, width = self._measured(shown)
        return tuple(
            Row(shown[start:end], min(max(sure - start, 0), end - start), tone)
            for start, end in plain.rows(text, width, measured)
        )

    def state(self, sentences: Sequence[str]) -> Row:
        """The first of these that fits in a row; of the last as much as does."""
        laid = [self.rows(sentence, len(sentence), "state") for sentence in sentences]
        return next((rows[0] for rows in laid if len(rows) == 1), laid[-1][0])

    def _measured(self, text: str) -> tuple[Sequence[int], int]:
        """How much of a row each character takes, and how much there is.

        Where bytes are limited too, whichever takes more counts.
        """
        widths, limit = self.face.widths(text), self.profile.row_bytes
        if limit is None:
            return widths, self.profile.width
        taken = [
            max(width * limit, len(character.encode()) * self.profile.width)
            for width, character in zip(widths, text, strict=True)
        ]
        return taken, self.profile.width * limit

    def _shown(self, text: str) -> str:
        """With a sign where the display lacks a letter."""
        lacking = {one for one in set(text) - {TIE} if self.face.lacks(one)}
        if not lacking:
            return text
        self.lacking |= dict.fromkeys(sorted(lacking))
        sign = "?" if self.face.lacks(MISSING) else MISSING
        return "".join(sign if one in lacking else one for one in text)

    def _words(self, text: str) -> str:
        """Harmless, with accents in one character with their letters where there is one."""
        text = unicodedata.normalize("NFC", plain.clean(text))
        return text if self.profile.shapes and self.face.shapes else named(text)
