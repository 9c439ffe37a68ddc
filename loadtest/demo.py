"""`surtitle demo`: two people talk in a room of a server of our own, and somebody reads along."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from clients import arguments, child
from clients.audio import Pace, opened, source
from clients.console import run
from clients.latency import Meter
from streaming import languages

from . import script
from .people import Reader, Talker
from .show import Show, picture, plain, terminal
from .summary import Outcome, summary

ROOM = "demo"
EXAMPLES = """\
  surtitle demo                 about a minute, in this terminal
  surtitle demo --plain         the same as lines of text
  surtitle demo --seconds 20    the beginning of it"""


class Options(argparse.Namespace):
    """What the command line said."""

    plain: bool
    seconds: float | None
    engine: str
    script: Path
    picture: Path | None


def main(argv: Sequence[str]) -> int:
    """Play the conversation; exit code 1 if a line of it got no final caption."""
    began = time.monotonic()
    return run(demo(parser().parse_args(argv, Options()), began))


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    about = (
        "Start a server, play a conversation between two people into a room at real time, show it"
        " with captions and translations, and say how good they were."
    )
    it = arguments.parser("demo", about, EXAMPLES)
    it.add_argument("--plain", action="store_true", help="lines of text, as without a terminal")
    it.add_argument("--seconds", type=arguments.seconds, metavar="N", help="only the first N s")
    it.add_argument("--engine", default="auto", help="engines of its server (auto)")
    it.add_argument("--script", type=Path, default=script.CONVERSATION, help=argparse.SUPPRESS)
    it.add_argument("--picture", type=Path, help=argparse.SUPPRESS)
    return it


@dataclass
class Room:
    """The people in it, and the clock they share."""

    script: script.Script
    reader: Reader
    talkers: dict[str, Talker]
    pace: Pace = field(default_factory=Pace)
    late: Meter = field(default_factory=Meter)

    async def talk(self, seconds: float | None) -> None:
        """Everybody says his part; then the reader is told that this was all."""
        self.pace.begin()
        async with asyncio.TaskGroup() as group:
            for key, talker in self.talkers.items():
                group.create_task(
                    talker.talk(self.script.track(key), self.pace, seconds, self.late)
                )
        await self.reader.link.end()


async def demo(options: Options, began: float) -> int:
    """The whole of it, from the server's start to the summary."""
    played = script.read(options.script)
    for speaker in played.names:
        await opened(source(str(played.track(speaker))))
    lines = options.plain or not sys.stdout.isatty()
    show: Show = plain if lines else terminal
    print(f"Starting a server (engine {options.engine}) …", flush=True)
    async with AsyncExitStack() as stack:
        ready = await stack.enter_async_context(child.server(options.engine))
        print(f"It listens after {time.monotonic() - began:.1f} s. {told(played, ready)}")
        room = await gathered(stack, played, ready.url)
        over = await watched(room, options, picture(options.picture) if options.picture else show)
    if options.picture:
        print(f"The picture is in {options.picture}.")
        return 0
    if not over:
        print("You left before the end, so nothing is judged.")
        return 0
    outcome = judged(room, options.seconds, began)
    print(f"\nThe conversation is over.\n{summary(outcome)}")
    return 1 if outcome.missing() else 0


def told(played: script.Script, ready: child.Ready) -> str:
    """Which translations there will be, and what to do about those there will not."""
    engines = {(heard, into): engine for heard, into, engine in ready.pairs}
    said = []
    for target in targets(played):
        name = languages.name(target)
        engine = engines.get((played.language, target))
        said.append(
            f"{languages.name(played.language)} is translated to {name} by {engine}."
            if engine
            else f"Nothing here translates to {name}, so there are transcripts only"
            " (on Debian: apt install apertium apertium-eng-spa)."
        )
    return " ".join(said)


def targets(played: script.Script) -> list[str]:
    """The languages that there are references for."""
    return sorted({code for line in played.lines for code in line.translations})


async def gathered(stack: AsyncExitStack, played: script.Script, url: str) -> Room:
    """Everybody in the room, for as long as the stack lasts."""
    reader = Reader(url, ROOM, "Reader", targets(played))
    talkers = {
        key: Talker(url, ROOM, name, played.language, targets(played))
        for key, name in played.names.items()
    }
    for link in (reader.link, *(talker.link for talker in talkers.values())):
        await stack.enter_async_context(link)
    return Room(played, reader, talkers)


async def watched(room: Room, options: Options, show: Show) -> bool:
    """Let them talk while it is shown; whether it was watched to its end."""
    async with asyncio.TaskGroup() as group:
        talking = group.create_task(room.talk(options.seconds))
        over = await show(room.reader, room.late)
        if not over:
            talking.cancel()
    return over


def judged(room: Room, seconds: float | None, began: float) -> Outcome:
    """What there is to say about it."""
    speakers = {talker.id: key for key, talker in room.talkers.items()}
    first = room.reader.first
    return Outcome(
        room.script,
        room.script.until(seconds),
        room.reader.lines.finals(),
        speakers,
        room.late,
        None if first is None else first - began,
    )
