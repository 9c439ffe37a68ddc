"""The command line: which command is which function. Nothing is imported before it is chosen."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from io import TextIOWrapper
from itertools import takewhile
from typing import Any

OURS = ("streaming", "models", "server", "clients", "loadtest")


@dataclass(frozen=True, slots=True)
class Command:
    """`target` is "module:function", which takes the arguments and returns the exit code."""

    target: str
    help: str
    extra: str
    """The optional dependencies it needs."""
    hidden: bool = False
    """For programs: another command runs it."""
    settings: bool = False
    """It has a section in surtitle.toml."""
    about: str = ""
    """Whose parsers it gets with its arguments: those of "all" commands, or of "settings"."""


COMMANDS = {
    "demo": Command("loadtest.demo:main", "watch a spoken conversation being captioned", "demo"),
    "serve": Command(
        "server.main:main", "run a server for others to join", "server", settings=True
    ),
    "join": Command(
        "clients.tui.main:main", "read, and speak in, a room in this terminal", "tui", settings=True
    ),
    "token": Command("server.tokens:main", "let somebody into a room of a server", "server"),
    "captions": Command(
        "clients.captions:main", "caption an audio file or a pipe", "tui", settings=True
    ),
    "glasses": Command(
        "clients.glasses.main:main", "read a room on glasses", "glasses", settings=True
    ),
    "loadtest": Command(
        "loadtest.main:main", "how many speakers a server carries, and how fast", "loadtest"
    ),
    "judge": Command(
        "loadtest.judge.main:main", "how good captions of known recordings are", "loadtest"
    ),
    "models": Command(
        "models.commands:main",
        "models: run them on a card, get them, try them",
        "server",
    ),
    "doctor": Command(
        "clients.shell.doctor:main", "what works here, what is missing, and how to get it", "tui"
    ),
    "config": Command(
        "clients.shell.config:main",
        "the settings in force, and from where",
        "tui",
        about="settings",
    ),
    "completions": Command(
        "clients.shell.completions:main", "what Tab needs to know in your shell", "tui", about="all"
    ),
    "manual": Command(
        "clients.shell.manual:main", "all of this as a page for `man`", "tui", about="all"
    ),
    "offline": Command("server.offline:main", "the engines' result, unstreamed", "server", True),
    "answers": Command("models.answers:main", "for judge: a translator", "server", True),
    "examine-engines": Command("server.doctor:main", "for doctor: the engines", "server", True),
    "examine-sound": Command("clients.shell.sound:main", "for doctor: microphones", "tui", True),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command named first; the exit code is 2 for a wrong call, 130 for Ctrl-C."""
    words = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.encoding != "utf-8":
        sys.stdout.reconfigure(errors="replace")  # a letter it has not becomes "?"
    match words:
        case [] | ["-h" | "--help" | "help"]:
            print(usage())
            return 0 if words else 2
        case ["--version" | "-V"]:
            print(f"surtitle {version()}")
            return 0
        case ["help", *named]:
            words = [named[0], "--help"]
    if words[0] not in COMMANDS:
        print(unknown(words[0]), file=sys.stderr)
        return 2
    return run(words[0], words[1:])


def run(name: str, words: Sequence[str]) -> int:
    """Import the command and call it. What is missing or interrupted is a sentence."""
    command = COMMANDS[name]
    try:
        return call(name, command, words)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does; Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ModuleNotFoundError as error:
        print(missing(name, command, error.name or ""), file=sys.stderr)
        return 1


def call(name: str, command: Command, words: Sequence[str]) -> int:
    """Its exit code. Help and settings are the same for all commands, so they are seen to here."""
    module, _, function = command.target.partition(":")
    found = import_module(module)
    main: Callable[..., int] = getattr(found, function)
    if command.hidden or not hasattr(found, "parser"):
        return main(words)
    if {"-h", "--help"} & set(takewhile(lambda word: word != "--", words)):
        from clients.shell import manual

        chosen = getattr(found, "subcommand", lambda word: None)(words[0])
        print(manual.page(name, chosen or found.parser(), command.settings))
        return 0
    if command.about:
        return main(words, parsers(command.about))
    return main(configured(name, found.parser(), words) if command.settings else words)


def configured(name: str, parser: argparse.ArgumentParser, words: Sequence[str]) -> list[str]:
    """The words with the settings before them; it ends here, exit code 2, if those are wrong."""
    from clients.shell import settings

    try:
        return settings.before(name, parser, words, list(parsers("settings")))
    except settings.SettingsError as error:
        print(f"surtitle {name}: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def parsers(which: str) -> dict[str, Any]:
    """The commands people use, as `clients.shell.options.Known`: all, or those with settings."""
    from clients.shell.options import Known

    def parser(module: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = import_module(module).parser()
        return made

    return {
        name: Known(command.help, partial(parser, command.target.partition(":")[0]))
        for name, command in COMMANDS.items()
        if not command.hidden and (which == "all" or command.settings)
    }


def usage() -> str:
    """What there is, and where to begin."""
    shown = {name: command for name, command in COMMANDS.items() if not command.hidden}
    lines = "\n".join(f"  {name:<13}{command.help}" for name, command in shown.items())
    return f"""\
surtitle captions and translates a conversation while it is spoken.

usage: surtitle COMMAND [OPTIONS]

{lines}

`surtitle COMMAND --help` explains one, with examples. To begin with, try `surtitle demo`."""


def unknown(name: str) -> str:
    """There is no such command; perhaps there is one like it."""
    if name.startswith("-"):
        return f"surtitle: {name} is no option here: `surtitle --help` lists what there is"
    known = [known for known, command in COMMANDS.items() if not command.hidden]
    like = get_close_matches(name, known, 1)
    hint = f"did you mean {like[0]}?" if like else f"there are {', '.join(known)}"
    return f"surtitle: there is no command {name!r}: {hint}"


def missing(name: str, command: Command, module: str) -> str:
    """A package is not installed, and what installs it."""
    if module.partition(".")[0] in OURS:
        return f"surtitle: {module} is missing from this installation, so `{name}` cannot run"
    return (
        f"surtitle: `{name}` needs the package {module}, which is not installed:"
        f" in Surtitle's folder run  pip install -e '.[{command.extra}]'"
    )


def version() -> str:
    """The installed version."""
    try:
        return installed_version("surtitle")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
