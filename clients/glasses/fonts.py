"""A font of this machine: found by name or path, measured, and asked which letters it has."""

import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont, features

from clients import plain
from clients.console import Problem

from .profiles import Profile

NOBODY = "\U0010ffff"  # a character that no font has: what is drawn for it means "missing"
UNIFONT = "as root, apt-get install fonts-unifont"


class Font:
    """One font at one size, as a `Face`."""

    def __init__(self, profile: Profile) -> None:
        self.path = found(profile.font)
        shaping = profile.shapes and all(map(features.check, ("raqm", "fribidi")))
        engine = ImageFont.Layout.RAQM if shaping else ImageFont.Layout.BASIC
        self.shapes = shaping
        try:
            self.drawn = ImageFont.truetype(str(self.path), profile.font_px, layout_engine=engine)
        except OSError as error:
            raise Problem(f"{self.path} is no font that can be drawn with: {error}") from error
        self._missing = self._look(NOBODY)
        self._width = lru_cache(maxsize=8192)(self._measured)
        self.lacks = lru_cache(maxsize=8192)(self._lacks)

    def widths(self, text: str) -> Sequence[int]:
        """Pixels, rounded up."""
        return [self._width(character) for character in text]

    def _measured(self, character: str) -> int:
        if plain.columns(character) == 0:
            return 0
        return -int(-self.drawn.getlength(character) // 1)

    def _lacks(self, character: str) -> bool:
        if character.isspace() or plain.columns(character) == 0:
            return False
        return self._look(character) == self._missing

    def _look(self, character: str) -> tuple[float, bytes]:
        return self.drawn.getlength(character), bytes(self.drawn.getmask(character))


def found(name: str) -> Path:
    """The file of a font, by its path or by what fontconfig calls it. A Problem if it is not here.

    fontconfig answers with another font where it has not the one that is meant: that is refused.
    """
    if "/" in name or Path(name).suffix in (".ttf", ".otf", ".ttc", ".pcf", ".bdf"):
        path = Path(name).expanduser()
        if not path.is_file():
            raise Problem(f"there is no font file {name}")
        return path
    try:
        asked = ["fc-match", "--format=%{family}\n%{file}", name]
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True)
    except FileNotFoundError as error:
        raise Problem(
            f"the font {name} cannot be looked for without fc-match: as root, apt-get install"
            " fontconfig; or name the font's file in the profile"
        ) from error
    except subprocess.SubprocessError as error:
        raise Problem(f"fc-match does not answer about the font {name}") from error
    families, _, path_ = answer.stdout.partition("\n")
    if name.casefold() not in (one.strip().casefold() for one in families.split(",")):
        how = UNIFONT if name == "Unifont" else "install it, or name another one in the profile"
        raise Problem(f"the font {name} is not installed: {how}")
    return Path(path_)
