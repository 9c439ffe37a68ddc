"""What a command's parser takes, as values: the one place here that looks inside argparse.

Argparse has no public list of its arguments; everything else asks for an `Argument`.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Known:
    """A command that others are about."""

    help: str
    """What it does, in a few words."""
    parser: Callable[[], argparse.ArgumentParser]
    """Makes its parser. ModuleNotFoundError: it is not installed."""


Parsers = Mapping[str, Known]


@dataclass(frozen=True, slots=True)
class Argument:
    """One option or place of a command line."""

    dest: str
    flags: tuple[str, ...]
    """Its spellings, as --port; none for a place, as FILE."""
    takes: str
    """What it is called in usages, as N or FILE; '' for a switch, which takes nothing."""
    choices: tuple[str, ...]
    default: object
    required: bool
    help: str
    check: Callable[[str], object]
    """Makes a value of a word. argparse.ArgumentTypeError or ValueError: it is none."""

    @property
    def name(self) -> str:
        """Its name in a file of settings: metrics-port."""
        long = [flag for flag in self.flags if flag.startswith("--")]
        return (long or [*self.flags, self.dest])[0].lstrip("-")

    @property
    def switch(self) -> bool:
        """It is there or not, and takes no value."""
        return bool(self.flags) and not self.takes

    @property
    def off(self) -> str | None:
        """The flag that takes it back, if there is one: --no-source."""
        return next((flag for flag in self.flags if flag == f"--no-{self.name}"), None)

    @property
    def kinds(self) -> tuple[str, ...]:
        """What may be completed: capitals for a kind (FILE, LANG), small letters for a word."""
        if self.check is Path:
            return ("FILE",)
        return self.choices or tuple(self.takes.split("|"))


def arguments(parser: argparse.ArgumentParser) -> list[Argument]:
    """What a person may give it, in its order, without --help and what is hidden."""
    return [
        _argument(parser, action)
        for action in parser._actions
        if action.help != argparse.SUPPRESS and action.dest != "help"
    ]


def settable(parser: argparse.ArgumentParser) -> dict[str, Argument]:
    """The options that a setting can stand for, by name: switches, and those with one value."""
    found = [argument for argument in arguments(parser) if argument.flags]
    return {argument.name: argument for argument in found}


def hidden(parser: argparse.ArgumentParser) -> set[str]:
    """Flags that only programs use."""
    hid = (action for action in parser._actions if action.help == argparse.SUPPRESS)
    return {flag for action in hid for flag in action.option_strings}


def given(parser: argparse.ArgumentParser, words: list[str]) -> dict[str, object]:
    """What a command line says itself, by dest: no defaults, and nothing is required.

    Argparse leaves the program with a sentence, exit code 2, if it says something wrong. The
    parser is spent: it has forgotten its defaults.
    """
    for action in parser._actions:
        action.required = False
        action.default = argparse.SUPPRESS
    return vars(parser.parse_args(words))


def _argument(parser: argparse.ArgumentParser, action: argparse.Action) -> Argument:
    metavar = action.metavar if isinstance(action.metavar, str) else None
    name = metavar or ("" if action.choices else action.dest.upper())
    choices = tuple(str(choice) for choice in action.choices or ())
    return Argument(
        dest=action.dest,
        flags=tuple(action.option_strings),
        takes="" if action.nargs == 0 else name or "|".join(choices),
        choices=choices,
        default=action.default,
        required=action.required,
        help=parser._get_formatter()._expand_help(action) if action.help else "",
        check=action.type if callable(action.type) else str,
    )
