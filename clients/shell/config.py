"""`surtitle config`: what is in force, and where each value comes from."""

import argparse
import json
import os
import sys
from collections.abc import Sequence

from clients import arguments

from . import settings
from .options import Parsers, given, settable
from .settings import File, SettingsError

EXAMPLES = """\
  surtitle config                      everything, as a file that could be surtitle.toml
  surtitle config serve --port 9000    what `surtitle serve --port 9000` would obey
  surtitle config --json | jq .serve.port.value
  surtitle config > ~/.config/surtitle/surtitle.toml    a file to begin with"""

ABOUT = (
    "Print the settings in force as TOML, each with where it comes from: the default, a file, an"
    " environment variable or a flag. Exit code 2 if a setting is wrong."
)


class Options(argparse.Namespace):
    """What the command line said."""

    json: bool
    command: str | None
    options: list[str]


Row = tuple[object, str]
"""A value and its origin."""


def main(argv: Sequence[str], parsers: Parsers) -> int:
    """Print the settings of the commands of `parsers`; see --help."""
    options = parser().parse_args(argv, Options())
    if "--json" in options.options:  # no command has one of its own
        options.options.remove("--json")
        options.json = True
    if options.command is not None and options.command not in parsers:
        parser().error(f"{options.command} has no settings: there are {', '.join(parsers)}")
    try:
        said = settings.file(list(parsers), os.environ, settings.current())
        wanted = [options.command] if options.command else list(parsers)
        found = {name: _in_force(name, parsers, options.options, said) for name in wanted}
    except SettingsError as error:
        print(f"surtitle config: {error}", file=sys.stderr)
        return 2
    print(as_json(found, said) if options.json else as_toml(found, said))
    return 0


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    it = arguments.parser("config", ABOUT, EXAMPLES)
    it.add_argument("--json", action="store_true", help="for programs, with types kept")
    only = "only serve, join, captions or glasses"
    it.add_argument("command", nargs="?", metavar="COMMAND", help=only)
    it.add_argument(
        "options", nargs=argparse.REMAINDER, metavar="OPTION", help="flags to try with it"
    )
    return it


def _in_force(
    name: str, parsers: Parsers, words: list[str], said: File
) -> dict[str, Row] | ModuleNotFoundError:
    """Every option of a command; the error if it is not installed, which is no mistake here."""
    try:
        its = parsers[name].parser()
    except ModuleNotFoundError as error:
        return error
    found = settings.settings(name, its, said, os.environ)
    options = settable(its)
    flags = given(its, words)
    rows: dict[str, Row] = {}
    for key, option in options.items():
        if option.dest in flags:
            rows[key] = flags[option.dest], "flag"
        elif key in found:
            value = found[key].value
            rows[key] = found[key].word if value is None else value, found[key].origin
        else:
            rows[key] = option.default, "default"
    return rows


def as_toml(found: dict[str, dict[str, Row] | ModuleNotFoundError], said: File) -> str:
    """A file that would set the same; what is not set is a remark in it."""
    where = ", ".join(str(path) for path in settings.places(os.environ, settings.current()))
    lines = [f"# {said.path} is in force." if said.path else f"# There is none of {where}."]
    for name, rows in found.items():
        lines += ["", f"[{name}]"]
        if isinstance(rows, ModuleNotFoundError):
            lines.append(f"# not installed here: it needs {rows.name}")
            continue
        shown = {key: _toml(value) for key, (value, _) in rows.items()}
        set_ = [f"{key} = {text}" if text else f"# {key} =" for key, text in shown.items()]
        width = max(map(len, set_), default=0)
        for left, (_, origin) in zip(set_, rows.values(), strict=True):
            lines.append(f"{left:<{width}}  # {origin}")
    return "\n".join(lines)


def _toml(value: object) -> str:
    """A value as TOML; '' for one that is not set."""
    if value is None or value == []:
        return ""
    if isinstance(value, bool | int | float | list):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def as_json(found: dict[str, dict[str, Row] | ModuleNotFoundError], said: File) -> str:
    """The same for programs; null for a command that is not installed."""
    made: dict[str, object] = {"file": str(said.path) if said.path else None}
    for name, rows in found.items():
        made[name] = (
            None
            if isinstance(rows, ModuleNotFoundError)
            else {
                key: {"value": _plain(value), "from": origin}
                for key, (value, origin) in rows.items()
            }
        )
    return json.dumps(made, indent=2)


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | list | None) else str(value)
