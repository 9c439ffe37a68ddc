"""`surtitle doctor`: what works here, what is missing, and the command that gets it.

What could hang, crash or is not installed is looked at by processes of its own, which say a
Finding a line. A check that fails is a finding too.
"""

import argparse
import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TextIO

from clients import arguments, child
from clients.console import Problem, run
from streaming.findings import Finding, State, healthy

from . import checks, report

EXAMPLES = """\
  surtitle doctor                      look at everything; 10 seconds or so
  surtitle doctor --quick              without trying the engines; a second or two
  surtitle doctor --json | jq -r '.findings[] | select(.state == "wrong").fix'
  surtitle doctor >/dev/null && surtitle serve"""

ABOUT = (
    "Look at what is installed, at ports, sound and terminal; have every engine do three seconds"
    " of work; and print the command that gets what is missing. Exit code 0 if transcripts and"
    " translation work here, 1 if something that is needed does not."
)
SPEECH = "loadtest/conversation/alan.flac"
SOUND_S, SETTINGS_S, ENGINES_S = 15.0, 30.0, 240.0
ENGINES = "Engines"
SERVING = (  # settings of `serve` that decide what it would do here
    *("host", "port", "metrics-port"),
    *("engine", "translator-url", "recognizer-url", "pairs", "models"),
)
Usual = dict[str, Any]


class Options(argparse.Namespace):
    """What the command line said."""

    json: bool
    quick: bool


def main(argv: Sequence[str]) -> int:
    """Examine this machine; see --help."""
    return run(examined(parser().parse_args(argv, Options())))


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    it = arguments.parser("doctor", ABOUT, EXAMPLES)
    it.add_argument("--json", action="store_true", help="for programs, with the figures measured")
    it.add_argument("--quick", action="store_true", help="do not try the engines")
    return it


async def examined(options: Options) -> int:
    """Show each finding as it comes; the exit code says what they mean."""
    found = []
    out = sys.stdout or io.StringIO()  # None: closed by who only wants the exit code
    page = report.Page(out, os.environ)
    if not options.json:
        page.line(f"Surtitle {ours()} in {checks.folder()}")
    async for finding in findings(options.quick, out):
        finding = replace(finding, fix=checks.command(finding.fix))
        found.append(finding)
        if not options.json:
            page.show(finding)
    if options.json:
        page.line(report.as_json(found, ours()))
    else:
        page.line(f"\n{report.verdict(found)}")
    return 0 if healthy(found) else 1


async def findings(quick: bool, out: TextIO) -> AsyncIterator[Finding]:
    """Everything there is to look at, what is quick to see first."""
    for check in (checks.python, checks.packages):
        for finding in survived(check.__name__, check):
            yield finding
    usual: Usual = {}
    async for finding in settings(usual):
        yield finding
    for finding in survived("terminal", lambda: checks.terminal(out, os.environ)):
        yield finding
    async for finding in told("Sound", "microphone", SOUND_S, "examine-sound"):
        yield finding
    for finding in checks.privacy():
        yield finding
    async for finding in told(ENGINES, "engines", ENGINES_S, *engines(quick, usual)):
        yield finding


def survived(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What a check finds; if it fails, that."""
    try:
        yield from check()
    except Exception as error:  # whatever it is, the rest is to be looked at
        yield Finding("Checks", name, "note", f"this check itself failed: {error!r}")


def engines(quick: bool, usual: Usual) -> list[str]:
    """The command that looks at engines, and at the ports a server would take here."""
    words = ["examine-engines", *(["--quick"] if quick else [])]
    for name in SERVING:
        value = usual[name]["value"] if name in usual else ()
        several = value if isinstance(value, list | tuple) else [value]
        words += [f"--{name}={one}" for one in several if one not in ("", None)]
    speech = checks.folder() / SPEECH
    return [*words, "--speech", str(speech)] if speech.exists() else words


async def settings(usual: Usual) -> AsyncIterator[Finding]:
    """Whether the settings in force are right; puts what a server gets of them into `usual`."""
    group, name = "Settings", "surtitle.toml"
    try:
        said = json.loads("\n".join([line async for line in lines(SETTINGS_S, "config", "--json")]))
    except (Problem, ValueError) as error:
        yield Finding(group, name, "wrong", str(error))
        return
    usual |= said["serve"] or {}
    yield Finding(group, name, "ok", said["file"] or "there is none: defaults are in force")
    for command in ("serve", "join", "captions"):
        for key, value in (said[command] or {}).items():
            if value["from"].startswith("SURTITLE_"):
                says = f"{value['from']}: {command} --{key} is {value['value']}"
                yield Finding(group, "environment", "ok", says)


async def told(group: str, name: str, within_s: float, *words: str) -> AsyncIterator[Finding]:
    """The findings that a command of ours prints; how it ended, if that was not well."""
    try:
        async for line in lines(within_s, *words):
            yield Finding(**json.loads(line))
    except (Problem, ValueError, TypeError) as error:
        state: State = "wrong" if group == ENGINES else "note"
        yield Finding(group, name, state, f"looking at this failed: {error}")


async def lines(within_s: float, *words: str) -> AsyncIterator[str]:
    """What a command of ours prints. Problem: it failed, in its words, or was too slow."""
    try:
        async with asyncio.timeout(within_s), child.process(child.surtitle(*words)) as running:
            assert running.process.stdout is not None
            async for line in running.process.stdout:
                yield line.decode(errors="replace")
            if await running.process.wait():
                raise Problem(last(str(await running.failed("it ended"))))
    except TimeoutError:
        raise Problem(f"no answer within {within_s:.0f} s") from None


def last(said: str) -> str:
    """The error itself, if a program's last words are a traceback."""
    return said.rpartition(" / ")[2] if 'File "' in said else said.removeprefix("it ended: ")


def ours() -> str:
    """The installed version."""
    try:
        return version("surtitle")
    except PackageNotFoundError:
        return "(not installed)"
