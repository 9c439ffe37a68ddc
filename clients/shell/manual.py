"""What is true of every command, for its help; and all of the help as one page for `man`."""

import argparse
from collections.abc import Sequence
from textwrap import dedent

from clients import arguments

from .options import Argument, Parsers
from .options import arguments as taken
from .settings import CONFIG, MACHINE, NAME, variable

EXAMPLES = """\
  surtitle manual | man -l -
  surtitle manual > /usr/local/share/man/man1/surtitle.1"""

ABOUT = "Print the manual of every command as one page, in the form that `man` reads."

COLOURS = "NO_COLOR", "if it is set: no colours"
FILES = f"./{NAME}, $XDG_CONFIG_HOME/surtitle/{NAME} (~/.config), {MACHINE}"


def page(name: str, parser: argparse.ArgumentParser, settings: bool) -> str:
    """The parser's own help, and after it what all commands have in common."""
    shown = parser.format_help().rstrip()
    if "exit codes:" not in shown:
        shown += f"\n\n{arguments.EXIT_CODES}"
    rows = environment(name, parser, settings)
    width = max(len(row[0]) for row in rows)
    shown += "\n\nenvironment:\n" + "\n".join(f"  {key:<{width}}  {text}" for key, text in rows)
    if settings:
        shown += (
            f"\n\nfiles, of which the first there is counts:\n  {FILES}\n"
            f"  Options without their dashes, below [{name}]; `surtitle config` shows what is in\n"
            "  force. A file's settings give way to the environment, and that to options."
        )
    return shown


def environment(
    name: str, parser: argparse.ArgumentParser, settings: bool
) -> list[tuple[str, str]]:
    """The variables it obeys."""
    options = [argument for argument in taken(parser) if argument.flags]
    if not settings or not options:
        return [COLOURS]
    example = next((option for option in options if not option.switch), options[0])
    return [
        (variable(name, example.name), f"what --{example.name} is if it is not given; likewise"),
        ("", "every option above; true or false for one without a value"),
        (CONFIG, "the file of settings, instead of those below"),
        COLOURS,
    ]


def main(argv: Sequence[str], parsers: Parsers) -> int:
    """Print the page; see --help."""
    parser().parse_args(argv)
    print(roff(parsers))
    return 0


def parser() -> argparse.ArgumentParser:
    """It takes no arguments."""
    return arguments.parser("manual", ABOUT, EXAMPLES)


HEAD = r"""
.TH SURTITLE 1 "" Surtitle "User commands"
.SH NAME
surtitle \- caption and translate a conversation while it is spoken
.SH SYNOPSIS
.B surtitle
.I COMMAND
.RI [ OPTIONS ]
.SH DESCRIPTION
A server of your own that hears a conversation and shows everyone, in their own language, what is
being said while it is said.
""".strip()


def roff(parsers: Parsers) -> str:
    """One page for all commands that are installed."""
    lines = [HEAD, ".SH COMMANDS"]
    for name, known in parsers.items():
        try:
            lines += _command(name, known.parser())
        except ModuleNotFoundError as error:
            lines += [f".SS {_roff(name)}", _roff(f"Not installed here: it needs {error.name}.")]
    lines += [".SH ENVIRONMENT", ".TP", ".B SURTITLE_COMMAND_OPTION"]
    lines += [_roff("What an option of serve, join or captions is if it is not given:")]
    lines += [_roff("SURTITLE_SERVE_PORT=9000.")]
    for variable_, text in ((CONFIG, "The file of settings."), COLOURS):
        lines += [".TP", f".B {variable_}", _roff(text)]
    lines += [".SH FILES", _roff(f"{FILES}; the first there is counts.")]
    lines += [_roff("A section for each command, as [serve], with its options without dashes.")]
    return "\n".join([*lines, ".SH EXIT STATUS", _roff(arguments.EXIT_CODES)])


def _command(name: str, its: argparse.ArgumentParser) -> list[str]:
    """Its part of the page."""
    head = its.format_usage().removeprefix("usage: ")
    lines = [f".SS {_roff(name)}", ".nf", _roff(dedent(head).rstrip()), ".fi", ".PP"]
    lines.append(_roff(" ".join((its.description or "").split())))
    for argument in taken(its):
        lines += [".TP", f".B {_roff(_called(argument))}", _roff(argument.help or "\N{EM DASH}")]
    examples = (its.epilog or "").partition("examples:\n")[2].partition("\n\n")[0]
    if examples:
        lines += [".PP", "Examples:", ".nf", _roff(examples), ".fi"]
    return lines


def _called(argument: Argument) -> str:
    """How it is written: --port N."""
    return f"{', '.join(argument.flags)} {argument.takes}".strip()


def _roff(text: str) -> str:
    """Text that means nothing to roff."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\n".join(f"\\&{line}" if line[:1] == "." else line for line in safe.splitlines())
