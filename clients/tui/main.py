"""`surtitle join`: a seat in a room, in this terminal."""

import argparse
import asyncio
import dataclasses
import getpass
import math
import os
import sys
from collections.abc import Sequence

from clients import arguments, lobby
from clients.console import Problem, run, say
from clients.devices import ECHO, devices, hushed
from clients.link import Link
from streaming.messages import Hello, Pcm16, Stability
from streaming.values import SAMPLE_RATE

from . import remembered
from .app import RoomApp
from .first import First
from .printed import printed, unable
from .remembered import Remembered
from .seat import Seat
from .sound import Remarks, Sound
from .status import Status

EXAMPLES = (
    """\
  surtitle join --reads es             choose a room, or make one
  surtitle join kitchen --reads es
  surtitle join kitchen --name Ana --reads es,en --source
  surtitle join kitchen --name Ben --hears en --reads es --audio mic
  surtitle join kitchen --name Ben --hears en --reads es --audio "mic:yeti"
  surtitle join kitchen --name Alan --hears en --reads es --audio alan.flac

"""
    + ECHO
)


class Options(argparse.Namespace):
    """What the command line said."""

    room: str | None
    server: str
    name: str | None
    hears: list[str]
    reads: list[str]
    audio: str | None
    stability: Stability
    source: bool
    ask: bool


def main(argv: Sequence[str]) -> int:
    """Join a room; see --help."""
    options = parser().parse_args(argv, Options())
    terminal = sys.stdout.isatty()
    if options.room is None and not terminal:
        return run(listed(options.server))
    if terminal and not introduced(options):
        return 0
    options.name, options.audio = options.name or user(), options.audio or "none"
    if not options.reads and not options.source:
        parser().error("say what to read: --reads es, or --source for everybody's own words")
    if options.audio != "none" and not options.hears:
        parser().error("--audio needs --hears: the language spoken in it")
    if not terminal:
        parser().error("there is no terminal here: `surtitle captions` prints lines instead")
    try:
        room = found(options)
    except Problem as problem:
        say(str(problem))
        return 1
    return 0 if room is None else run(joined(options, room))


async def listed(server: str) -> int:
    """Print the open rooms and how to join one."""
    print(lobby.listing(server, await asyncio.to_thread(lobby.rooms, server)))
    return 0


def found(options: Options) -> str | None:
    """The room named, by a link too, or one chosen in the lobby; None if none was wanted."""
    if options.room is None:
        return lobby.entered(options.server, lobby.rooms(options.server))
    options.server, room = lobby.followed(options.room, options.server)
    return room


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    about = "Join a room on a server: read its captions, and speak into it."
    it = arguments.parser("join", about, EXAMPLES)
    it.add_argument(
        "room",
        nargs="?",
        metavar="ROOM|LINK",
        help="which room; it is made if nobody is in it yet; without one, choose from a list",
    )
    it.add_argument("--server", default="http://127.0.0.1:8765", metavar="URL", help="%(default)s")
    it.add_argument("--name", help="what the others see (the name you gave once, or your login)")
    it.add_argument(
        "--reads",
        type=arguments.several,
        default=[],
        metavar="LANG",
        help="the language to read, such as es; several with commas between them",
    )
    it.add_argument(
        "--hears",
        type=arguments.several,
        default=[],
        metavar="LANG",
        help="the language you speak; several are told apart",
    )
    it.add_argument(
        "--audio",
        metavar="mic|mic:NAME|FILE|none",
        help="your microphone, or the one with NAME in its name (`surtitle captions mic --list`),"
        " or a file to speak as if it were one (none)",
    )
    it.add_argument("--source", action="store_true", help="also show everybody's own words")
    it.add_argument(
        "--stability",
        choices=["live", "steady", "final"],
        default="live",
        help="live words soonest, steadier ones, or finished lines only (live)",
    )
    it.add_argument(
        "--ask",
        action="store_true",
        help="ask for name, languages and microphone again, and remember them",
    )
    return it


def introduced(options: Options) -> bool:
    """Fill in what is remembered of this person, asking once; whether he wants to go on."""
    if options.name and not options.ask:
        return True
    kept = remembered.load()
    if (options.ask or not kept.name) and not unable():
        with hushed():
            answer = First(kept, user(), microphones, options.audio not in (None, "none")).run()
        if answer is None:
            return False
        kept = answer
        if not remembered.save(kept):
            say(f"{remembered.path()} cannot be written: you will be asked again")
    if kept.name:
        remind(options, kept)
    return True


def remind(options: Options, kept: Remembered) -> None:
    """What was not said on the command line is as it was answered before."""
    options.name = options.name or kept.name
    options.reads = options.reads or list(kept.reads)
    options.source = options.source or not options.reads
    if options.audio is None and (options.hears or kept.hears):
        options.audio = kept.microphone
    if options.audio not in (None, "none"):
        options.hears = options.hears or list(kept.hears)


def microphones() -> list[str]:
    """The names of those there are; a Problem says why there are none."""
    return [device.name for device in devices()]


def user() -> str:
    """The name of whoever is logged in here."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "reader"


async def joined(options: Options, room: str) -> int:
    """Take the seat and read until the reader leaves."""
    remarks, kept = Remarks(), remembered.load()
    usual = kept.microphone if kept.microphone != "none" else "mic"
    with hushed():
        async with (
            Sound(options.audio or "none", usual, remarks) as sound,
            Link(
                options.server, room, hello(options, sound.said is not None), patience=math.inf
            ) as link,
        ):
            await seated(options, Seat(link, sound), kept)
    return 0


async def seated(options: Options, seat: Seat, kept: Remembered) -> None:
    """Show the room until the reader leaves, and speak into it meanwhile."""
    if why := unable():
        say(f"{why}: finished lines are printed instead")
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # it is a terminal
        async with seat.speaking():
            await printed(seat.messages(), options.reads, options.source, sys.stdout)
        return
    app = RoomApp(
        seat.messages(),
        Status(
            seat.link.room,
            hears=options.hears if seat.sound.said else (),
            reads=options.reads,
            stability=options.stability,
        ),
        source=options.source,
        controls=seat,
        captured=seat.sound.captured,
        level=seat.level,
        colours="NO_COLOR" not in os.environ,
    )
    app.dress(kept.theme, kept.density)
    async with seat.speaking():
        seat.sound.remarks.show = app.say
        await app.run_async()
    looks = {"theme": app.palette.called, "density": app.captions.density}
    if {"theme": kept.theme, "density": kept.density} != looks:
        remembered.save(dataclasses.replace(remembered.load(), **looks))  # type: ignore[arg-type]


def hello(options: Options, speaks: bool) -> Hello:
    """What we ask of the room."""
    return Hello(
        name=remembered.tidy(options.name or "") or "reader",
        hears=options.hears if speaks else [],
        reads=options.reads,
        source=options.source,
        audio=Pcm16(SAMPLE_RATE) if speaks else None,
        stability=options.stability,
        trace=True,
    )
