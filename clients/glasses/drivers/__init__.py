"""What shows a screen: one small class for each kind of display, imported when it is chosen."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from clients.console import Problem
from clients.glasses.faces import Face
from clients.glasses.profiles import Profile
from clients.glasses.screen import Screen


class DisplayError(Problem):
    """The display did not take it, and why: it is opened again after a moment."""


class Driver:
    """One display. Whatever it does may fail with a DisplayError: it is opened again then."""

    async def open(self) -> None:
        """Find it and make it ready."""

    async def show(self, screen: Screen) -> None:
        """Show this instead of what it shows; return when the display has taken it."""
        raise NotImplementedError

    async def check(self) -> None:
        """Called every two seconds while nothing is shown, and never beside `show`."""

    async def close(self) -> None:
        """Leave it dark. It may not be open."""


@dataclass(frozen=True, slots=True)
class Place:
    """What some drivers need to know beside the profile."""

    out: Path = Path("glasses")
    """The file or folder that pictures go to."""
    listen: tuple[str, int] = ("127.0.0.1", 8770)
    """Where the page is served."""


DRIVERS = {
    "terminal": "terminal:Terminal",
    "png": "pictures:Png",
    "svg": "pictures:Svg",
    "luma": "oled:Oled",
    "page": "page:Page",
    "g1": "g1:G1",
}


def driver(name: str, profile: Profile, face: Face, place: Place) -> Driver:
    """The one of that name, or a class of one's own as `module:Class`; not open yet.

    A Problem says what is missing for it.
    """
    if name not in DRIVERS and ":" not in name:
        known = ", ".join(DRIVERS)
        raise Problem(f"there is no driver {name!r}: there are {known}, or yours as module:Class")
    where = f"{__name__}.{DRIVERS[name]}" if name in DRIVERS else name
    module, _, made = where.partition(":")
    try:
        found = getattr(import_module(module), made)
        built: Driver = found(profile, face, place)
    except AttributeError as error:
        raise Problem(f"{module} has no {made!r}") from error
    except ModuleNotFoundError as error:
        raise Problem(
            f"the display {name} needs the package {error.name}, which is not installed:"
            " in Surtitle's folder run  pip install -e '.[glasses]'"
        ) from error
    return built
