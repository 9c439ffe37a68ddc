"""The command line: which command is which function. Nothing is imported before it is chosen."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version

OURS = ("streaming", "models", "server", "clients", "loadtest")


@dataclass(frozen=True, slots=True)
class Command:
    """`target` is "module:function", which takes the arguments and returns the exit code."""

    target: str
    help: str
    extra: str
    """The optional dependencies it needs."""
    hidden: bool = False


COMMANDS = {
    "demo": Command("loadtest.demo:main", "watch a spoken conversation being captioned", "demo"),
    "serve": Command("server.main:main", "run a server for others to join", "server"),
    "join": Command("clients.tui.main:main", "read, and speak in, a room in this terminal", "tui"),
    "captions": Command("clients.captions:main", "caption an audio file or a pipe", "tui"),
    "offline": Command("server.offline:main", "the engines' result, unstreamed", "server", True),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command named first; the exit code is 2 for a wrong call, 130 for Ctrl-C."""
    words = list(sys.argv[1:] if argv is None else argv)
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
    module, _, function = command.target.partition(":")
    try:
        called: Callable[[Sequence[str]], int] = getattr(import_module(module), function)
        return called(words)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does; Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ModuleNotFoundError as error:
        print(missing(name, command, error.name or ""), file=sys.stderr)
        return 1


def usage() -> str:
    """What there is, and where to begin."""
    shown = {name: command for name, command in COMMANDS.items() if not command.hidden}
    lines = "\n".join(f"  {name:<10}{command.help}" for name, command in shown.items())
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
