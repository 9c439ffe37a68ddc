"""What surtitle.toml and the environment say to a command, as words put before its command line.

    default < surtitle.toml < SURTITLE_SERVE_PORT and the like < --port

The last word counts, so a command knows nothing of settings. One file counts, the first there is:
the one $SURTITLE_CONFIG names, ./surtitle.toml, the user's, the machine's.
"""

import argparse
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from clients.plain import clean

from .options import Argument, hidden, settable

NAME = "surtitle.toml"
CONFIG = "SURTITLE_CONFIG"
ROOT = 0
SHOWN = 200  # characters of a value that is wrong
MACHINE = Path("/etc") / NAME
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class SettingsError(Exception):
    """A setting is wrong; the sentence names where it is, and what is allowed."""


@dataclass(frozen=True, slots=True)
class File:
    """The file of settings in force; an empty one where there is none."""

    path: Path | None = None
    sections: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def section(self, name: str) -> Mapping[str, object]:
        """What it says to one command."""
        return self.sections.get(name, {})


@dataclass(frozen=True, slots=True)
class Setting:
    """What an option is set to before the command line is read."""

    argument: Argument
    value: object
    word: str | None
    """As on a command line; None for a switch."""
    origin: str

    def words(self) -> list[str]:
        """The same on a command line."""
        flag = f"--{self.argument.name}"
        if self.word is not None:
            return [f"{flag}={self.word}"]
        if self.value:
            return [flag]
        return [self.argument.off] if self.argument.off else []


def current() -> Path:
    """The current folder; one without a path if it has been removed."""
    try:
        return Path.cwd()
    except OSError:
        return Path()


def places(environ: Mapping[str, str], here: Path) -> list[Path]:
    """Where the file is looked for, in order."""
    if environ.get(CONFIG):
        return [Path(environ[CONFIG])]
    return [here / NAME, *([user] if (user := users(environ)) else []), MACHINE]


def users(environ: Mapping[str, str]) -> Path | None:
    """The user's own file; None for a user without a home."""
    configs = environ.get("XDG_CONFIG_HOME", "")
    if not configs.startswith("/"):  # the specification: what is relative is ignored
        if not environ.get("HOME", "").startswith("/"):
            return None
        configs = f"{environ['HOME']}/.config"
    return Path(configs, "surtitle", NAME)


def file(commands: Sequence[str], environ: Mapping[str, str], here: Path) -> File:
    """Read it. SettingsError: it cannot be read, or has sections other than `commands`."""
    for path in places(environ, here):
        named = bool(environ.get(CONFIG))
        if named or os.path.exists(path):  # False where it cannot be known, too
            if not named and path == here / NAME:
                _ours(path)
            return File(path, _read(path, commands))
    return File()


def _ours(path: Path) -> None:
    """A file that happens to be in the current folder is obeyed if nobody else can have put it
    there: it says which server gets the microphone."""
    if (owner := path.stat().st_uid) not in (ROOT, os.getuid()):
        raise SettingsError(
            f"{path} belongs to another user ({owner}), so it is not obeyed:"
            f" set {CONFIG} to its path if you trust it, or to /dev/null to do without"
        )


def _read(path: Path, commands: Sequence[str]) -> dict[str, Mapping[str, object]]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {(error.strerror or '').lower()}") from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, UnicodeDecodeError
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    allowed = ", ".join(f"[{name}]" for name in commands)
    for name, section in found.items():
        if name not in commands:
            raise SettingsError(
                f"{path}: {name[:40]!r} is no section{like(name, commands)}: there are {allowed}"
            )
        if not isinstance(section, dict):
            raise SettingsError(
                f"{path}: {name[:40]!r} must be a section, [{name[:40]}], with its settings below"
            )
    return found


def like(name: str, known: Sequence[str]) -> str:
    """What may have been meant, if anything is similar."""
    near = get_close_matches(name.replace("_", "-"), known, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def variable(command: str, name: str) -> str:
    """The environment variable of an option."""
    return f"SURTITLE_{command}_{name}".replace("-", "_").upper()


def settings(
    command: str, parser: argparse.ArgumentParser, said: File, environ: Mapping[str, str]
) -> dict[str, Setting]:
    """What is set, by the option's name. SettingsError: something in either is wrong."""
    options = settable(parser)
    return _from_file(command, options, said) | _from_environment(command, options, environ)


def before(
    command: str, parser: argparse.ArgumentParser, words: Sequence[str], commands: Sequence[str]
) -> list[str]:
    """The command line with the settings put before it. SettingsError: one is wrong.

    A call with hidden options comes from a program, which says all it wants: nothing is added.
    """
    if {word.partition("=")[0] for word in words} & hidden(parser):
        return list(words)
    said = file(commands, os.environ, current())
    found = settings(command, parser, said, os.environ)
    return [word for setting in found.values() for word in setting.words()] + list(words)


def _from_file(command: str, options: dict[str, Argument], said: File) -> dict[str, Setting]:
    found = {}
    for name, value in said.section(command).items():
        if name not in options:
            raise SettingsError(
                f"{said.path}: [{command}] has no {name[:40]!r}{like(name, list(options))}:"
                f" it may have {', '.join(options)}"
            )
        assert said.path is not None
        where = f"{said.path}: {name!r} in [{command}]"
        found[name] = _setting(options[name], value, where, str(said.path), said.path.parent)
    return found


def _from_environment(
    command: str, options: dict[str, Argument], environ: Mapping[str, str]
) -> dict[str, Setting]:
    variables = {variable(command, name): name for name in options}
    found = {}
    for key, value in sorted(environ.items()):
        if not key.startswith(variable(command, "")) or not value:
            continue
        if key not in variables:
            raise SettingsError(
                f"{key} in the environment is no setting{like(key, list(variables))}:"
                f" there are {', '.join(variables)}"
            )
        option = options[variables[key]]
        known = _switched(value) if option.switch else value
        found[option.name] = _setting(option, known, f"{key} in the environment", key, None)
    return found


def _switched(word: str) -> object:
    """What the environment says to a switch; the word itself if that is unclear."""
    if word.lower() in TRUE:
        return True
    return False if word.lower() in FALSE else word


def _setting(
    option: Argument, value: object, where: str, origin: str, folder: Path | None
) -> Setting:
    """Checked. Paths in a file are meant from the folder it is in; the environment has none."""
    if option.switch:
        if not isinstance(value, bool):
            raise SettingsError(f"{where} is {_shown(value)}: it must be true or false")
        return Setting(option, value, None, origin)
    word = str(value) if folder is None else _word(option, value, where)
    if option.choices and word not in option.choices:
        raise SettingsError(f"{where} is {word!r}: it must be one of {', '.join(option.choices)}")
    if option.check is Path and folder is not None:
        word = str(folder / Path(word).expanduser())
    try:
        return Setting(option, option.check(word), word, origin)
    except argparse.ArgumentTypeError as error:
        raise SettingsError(f"{where} is wrong: {error}") from error
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{where} is {_shown(value)}: it must be {_kind(option)}") from error


def _word(option: Argument, value: object, where: str) -> str:
    """A value of TOML as on a command line, if it is of the right type."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, int) and value.bit_length() > 64:  # Python may not even write it
        raise SettingsError(f"{where} is a larger number than anything here takes")
    if option.check is int:
        right = number and not isinstance(value, float)
    elif option.check is float:
        right = number
    elif option.check in (str, Path):
        right = isinstance(value, str)
    else:  # checked by its own words
        right = number or isinstance(value, str)
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return ",".join(value) or "none"
    if not right:
        raise SettingsError(f"{where} is {_shown(value)}: it must be {_kind(option)}")
    return str(value)


def _shown(value: object) -> str:
    """A value as it stands in a file, more or less."""
    try:
        return clean(json.dumps(value, ensure_ascii=False, default=str)[:SHOWN])
    except ValueError:  # a number of thousands of digits
        return "a number beyond all measure"


def _kind(option: Argument) -> str:
    """What a setting takes, in words."""
    numbers: dict[object, str] = {int: "a whole number", float: "a number"}
    return numbers.get(option.check, 'text in quotes, such as "…"')
