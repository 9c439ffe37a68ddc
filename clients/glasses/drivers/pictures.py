"""Every screen as a picture: to look at, to test with, or for a program that shows files."""

import asyncio
import os
from pathlib import Path
from xml.sax.saxutils import escape

from clients.console import Problem
from clients.glasses.faces import Face
from clients.glasses.painter import Painter
from clients.glasses.profiles import Profile
from clients.glasses.screen import Screen

from . import DisplayError, Driver, Place

GREEN = {"caption": "#7dff9b", "source": "#5fae77", "state": "#ffd75f"}
DRAFT = "#3f8f58"


class _Pictures(Driver):
    """Into a folder, numbered; or into one file, replaced by each that follows."""

    suffix = ""

    def __init__(self, profile: Profile, face: Face, place: Place) -> None:
        self.profile = profile
        self.out = place.out
        self.taken = 0

    async def open(self) -> None:
        """Make the folder."""
        try:
            if not self._single:
                self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritten(self.out, error) from error

    async def show(self, screen: Screen) -> None:
        """Write it; whoever reads the file sees the old picture or the new one, whole."""
        self.taken += 1
        name = self.out if self._single else self.out / f"{self.taken:05}{self.suffix}"
        await asyncio.to_thread(self._write, name, screen)

    async def close(self) -> None:
        """The last picture stays."""

    @property
    def _single(self) -> bool:
        return self.out.suffix == self.suffix

    def _write(self, name: Path, screen: Screen) -> None:
        beside = name.with_name(f".{name.name}.new")
        try:
            beside.write_bytes(self._picture(screen))
            os.replace(beside, name)
        except OSError as error:
            raise _unwritten(name, error) from error

    def _picture(self, screen: Screen) -> bytes:
        raise NotImplementedError


class Png(_Pictures):
    """As the display's pixels."""

    suffix = ".png"

    def __init__(self, profile: Profile, face: Face, place: Place) -> None:
        super().__init__(profile, face, place)
        from clients.glasses.fonts import Font

        if not isinstance(face, Font):
            raise Problem("this display has letters of its own and no pixels: use svg or terminal")
        self._painter = Painter(profile, face)

    def _picture(self, screen: Screen) -> bytes:
        from io import BytesIO

        out = BytesIO()
        self._painter.paint(screen).save(out, "PNG")
        return out.getvalue()


class Svg(_Pictures):
    """As text in the rows where the display would have it."""

    suffix = ".svg"

    def _picture(self, screen: Screen) -> bytes:
        profile = self.profile
        width, height = 11 * profile.columns + 20, 26 * profile.lines + 14
        rows = []
        for place, row in enumerate(screen.rows):
            sure, draft = (escape(half) for half in row.halves)
            rest = f'<tspan fill="{DRAFT}">{draft}</tspan>' if draft else ""
            rows.append(
                f'<text x="10" y="{26 * (place + 1)}" fill="{GREEN[row.tone]}" '
                f'xml:space="preserve">{sure}{rest}</text>'
            )
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                f'width="{width}" height="{height}" font-family="monospace" font-size="18">',
                '<rect width="100%" height="100%" rx="6" fill="#050805"/>',
                *rows,
                "</svg>\n",
            ]
        ).encode()


def _unwritten(path: Path, error: OSError) -> DisplayError:
    return DisplayError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}")
