"""What a display can show: sections of `profiles.toml`, or of a file of one's own."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from clients.console import Problem
from clients.plain import clean
from streaming.messages import Stability

Driver = Literal["terminal", "png", "svg", "luma", "page", "g1"]
Positive = Annotated[int, Meta(ge=1, le=10_000)]

WIDEST = 4  # bytes of a character: a row has room for one at least


class Luma(Struct, frozen=True, forbid_unknown_fields=True):
    """How an OLED is connected: names as in luma.oled and luma.core."""

    device: str
    """A class of luma.oled.device; `dummy`; or `emulator:` and a class of luma.emulator.device."""
    interface: Literal["spi", "i2c"] = "spi"
    bus: Annotated[int, Meta(ge=0, le=99)] = 0
    address: Annotated[int, Meta(ge=0, le=127)] = 0x3C
    """On I2C."""
    chip: Annotated[int, Meta(ge=0, le=9)] = 0
    """Chip select on SPI."""
    hertz: Positive | Annotated[int, Meta(ge=10_000, le=64_000_000)] = 8_000_000
    rotate: Annotated[int, Meta(ge=0, le=3)] = 0


class Profile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One display. Lengths are pixels where `measure` is not `cells`."""

    about: str
    driver: Driver
    lines: Annotated[int, Meta(ge=2, le=40)]
    """Rows of text; at least two, so that the state of the connection has a place too."""
    columns: Annotated[int, Meta(ge=4, le=400)]
    """About so many characters in a row, a Han character counting two: what the server is told."""
    measure: Literal["cells", "g1", "font"]
    """How wide a character is: columns of a terminal, the G1's own font, or `font`."""
    width: Positive
    """Of a row."""
    height: Annotated[int, Meta(ge=0, le=10_000)] = 0
    font: str = "Unifont"
    """A name for fc-match, or the path of a file."""
    font_px: Annotated[int, Meta(ge=6, le=400)] = 16
    bits: Literal[1, 8] = 1
    """Of a pixel."""
    max_bytes: Annotated[int, Meta(ge=16)] | None = None
    """Of one screen of text."""
    interval_ms: Annotated[int, Meta(ge=10, le=10_000)]
    """Between two screens, at least."""
    hold_ms: Annotated[int, Meta(ge=0, le=10_000)] = 1000
    """A row stays so long, at least."""
    clear_ms: Annotated[int, Meta(ge=1000, le=600_000)] = 6000
    """After so much silence nothing is shown."""
    dim: Literal["grey", "underline", "none"]
    """How words look that may still change."""
    stability: Stability = "live"
    """What is asked of the server unless the command line says otherwise."""
    shapes: bool
    """It can join letters and write from right to left."""
    luma: Luma | None = None

    @property
    def row_bytes(self) -> int | None:
        """So many in each row keep a full screen within `max_bytes`, its line feeds included."""
        if self.max_bytes is None:
            return None
        return (self.max_bytes - (self.lines - 1)) // self.lines

    def __post_init__(self) -> None:
        if self.row_bytes is not None and self.row_bytes < WIDEST:
            raise ValueError(f"max_bytes leaves less than {WIDEST} bytes for each of its lines")
        if self.measure == "cells" and self.width < 4:
            raise ValueError("width is less than 4 columns")
        if self.measure == "g1" and self.width < 48:
            raise ValueError("width is less than 48 pixels: not two characters")
        if self.measure == "font" and self.width < 2 * self.font_px:
            raise ValueError("width holds less than two characters of font_px")
        if self.measure == "font" and self.height < self.lines * self.font_px:
            raise ValueError(f"height holds less than {self.lines} lines of font_px")
        if self.driver in ("png", "luma") and self.measure != "font":
            raise ValueError(f'the driver {self.driver} draws: it needs measure = "font"')
        if self.driver == "luma" and self.luma is None:
            raise ValueError("the driver luma needs a section [NAME.luma]")


def names() -> list[str]:
    """The profiles that come with us."""
    return list(_ours())


def profile(name: str) -> Profile:
    """One of ours, or the one in a file (NAME ends with .toml). A Problem says what is wrong."""
    if name.endswith(".toml"):
        return _only(Path(name))
    found = _ours().get(name)
    if found is None:
        known = ", ".join(names())
        raise Problem(f"there is no profile {name!r}: there are {known}, or name a .toml file")
    return _checked(found, f"the profile {name}")


def _ours() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("profiles.toml").read_text(encoding="utf-8"))


def _only(path: Path) -> Profile:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Problem(f"{path} cannot be read: {(error.strerror or '').lower()}") from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, UnicodeDecodeError
        raise Problem(f"{path} is not valid TOML: {error}") from error
    if len(found) != 1 or not isinstance(next(iter(found.values())), dict):
        raise Problem(f"{path} must have one section, the profile, as in [my-glasses]")
    name, section = next(iter(found.items()))
    return _checked(section, f"{path}: [{clean(name)[:40]}]")


def _checked(found: object, where: str) -> Profile:
    try:
        return msgspec.convert(found, Profile)
    except (msgspec.ValidationError, ValueError) as error:
        raise Problem(f"{where} is wrong: {clean(str(error))[:300]}") from error
