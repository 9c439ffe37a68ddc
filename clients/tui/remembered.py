"""What a person once said of himself, for the next time: `join.toml` in the user's config folder.

A file that is missing, broken or not ours is as if there were none; a folder that cannot be
written to is no reason not to join.
"""

import json
import os
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from streaming import languages

NAME = "join.toml"
LONGEST_NAME = 64  # characters, by the protocol


@dataclass(frozen=True, slots=True)
class Remembered:
    """The answers of the first-run screen, and how the reader likes to read."""

    name: str = ""
    hears: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    microphone: str = "none"
    """As in --audio: none, mic, mic:NAME."""
    theme: str = "dark"
    density: int = 2


def path() -> Path:
    """Where it is kept."""
    return user_config_path("surtitle") / NAME


def load(file: Path | None = None) -> Remembered:
    """What is remembered; what cannot be understood is left out."""
    try:
        read = tomllib.loads((file or path()).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return Remembered()
    kept = {field.name: read[field.name] for field in fields(Remembered) if field.name in read}
    good = {name: value for name, raw in kept.items() if (value := _good(name, raw)) is not None}
    return Remembered(**good)


def save(kept: Remembered, file: Path | None = None) -> bool:
    """Keep it; whether that was possible."""
    target = file or path()
    lines = [f"{name} = {_toml(value)}\n" for name, value in asdict(kept).items()]
    text = "# What `surtitle join` remembers; delete it to be asked again.\n" + "".join(lines)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(target)
    except OSError:
        return False
    return True


def _toml(value: Any) -> str:
    """JSON's strings, numbers and arrays of strings are TOML's too, but for DEL."""
    return json.dumps(list(value) if isinstance(value, tuple) else value).replace("\x7f", "")


def _good(name: str, value: Any) -> Any:
    """The value if it can be one of this field, else None."""
    match name, value:
        case "name", str():
            return tidy(value) or None
        case "hears" | "reads", list():
            return tuple(code for code in value if isinstance(code, str) and known(code))
        case "microphone" | "theme", str():
            return tidy(value, 200) or None
        case "density", int() if value in (1, 2, 3):
            return int(value)
    return None


def known(code: str) -> bool:
    """Whether this is a language's code."""
    try:
        languages.check(code)
    except ValueError:
        return False
    return True


def tidy(name: str, longest: int = LONGEST_NAME) -> str:
    """A name as the protocol wants it: visible characters, of bounded length; "" if none is left.

    Looks at no more than it needs, whatever was pasted.
    """
    seen = name[: longest * 4]
    return " ".join("".join(c if c.isprintable() else " " for c in seen).split())[:longest].strip()
