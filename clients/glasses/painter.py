"""A screen as an image, for displays that know pixels and no letters."""

from collections.abc import Iterator
from math import ceil

from PIL import Image, ImageDraw

from .fonts import Font
from .profiles import Profile
from .screen import Row, Screen
from .scripts import leftwards

SURE, DRAFT, SOURCE = 255, 130, 170  # brightness on eight bits; black is glass


class Painter:
    """Paints for one display. Without grey, what may change is on a dotted line."""

    def __init__(self, profile: Profile, font: Font) -> None:
        self.profile = profile
        self.font = font
        self.pitch = profile.height // profile.lines
        ascent, descent = font.drawn.getmetrics()
        self._baseline = (self.pitch - ascent - descent) // 2 + ascent

    def paint(self, screen: Screen) -> Image.Image:
        """Mode "1" or "L", in the profile's size."""
        profile = self.profile
        mode = "1" if profile.bits == 1 else "L"
        image = Image.new(mode, (profile.width, profile.height), 0)
        draw = ImageDraw.Draw(image)
        draw.fontmode = "1" if profile.bits == 1 else "L"
        for place, row in enumerate(screen.rows):
            top = place * self.pitch
            self._row(draw, row, top)
            if row.tone != "source" and "source" in [one.tone for one in screen.rows[:place]][-1:]:
                self._dots(draw, 0, profile.width, top - self.pitch)  # between the two zones
        return image

    def _row(self, draw: ImageDraw.ImageDraw, row: Row, top: int) -> None:
        if row.tone == "state":  # as a sign, so that nobody takes it for speech
            right = sum(self.font.widths(row.text)) - 1
            draw.rectangle((0, top, right, top + self.pitch - 1), fill=SURE)
            self._words(draw, row.text, 0, top, 0)
            return
        for text, left, certain in self._pieces(row):
            fill = SOURCE if row.tone == "source" else SURE if certain else DRAFT
            whole = leftwards(row.text)
            self._words(draw, text, left, top, fill if self.profile.bits == 8 else SURE, whole)
            if not certain and self.profile.dim == "underline":
                self._dots(draw, left, sum(self.font.widths(text.rstrip())), top)

    def _pieces(self, row: Row) -> Iterator[tuple[str, int, bool]]:
        """Text, where it begins, and whether it is certain. Some lines run leftwards, from the
        right edge."""
        sure, draft = row.halves
        if self.font.shapes and leftwards(row.text):
            right = self.profile.width
            for text, certain in ((sure, True), (draft, False)):
                right -= ceil(self.font.drawn.getlength(text, direction="rtl")) if text else 0
                if text:
                    yield text, right, certain
            return
        if sure:
            yield sure, 0, True
        if draft:
            yield draft, sum(self.font.widths(sure)), False

    def _words(
        self,
        draw: ImageDraw.ImageDraw,
        text: str,
        left: int,
        top: int,
        fill: int,
        from_the_right: bool = False,
    ) -> None:
        at = left, top + self._baseline
        direction = "rtl" if self.font.shapes and from_the_right else None
        draw.text(at, text, fill, self.font.drawn, anchor="ls", direction=direction)

    def _dots(self, draw: ImageDraw.ImageDraw, left: int, width: int, top: int) -> None:
        below = top + self.pitch - 1
        draw.point([(x, below) for x in range(left, left + width, 3)], fill=SURE)
