"""`surtitle join`: a seat in a room, in this terminal."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from msgspec.structs import replace

from clients import arguments
from clients.audio import Pace, opened, source
from clients.console import run
from clients.link import Link
from clients.microphone import Microphone
from streaming.messages import Hello, Pcm16, ServerMessage
from streaming.values import SAMPLE_RATE, AudioFrame

from .app import RoomApp
from .status import Status

EXAMPLES = """\
  surtitle join kitchen --reads es
  surtitle join kitchen --name Ana --reads es,en --source
  surtitle join kitchen --name Alan --hears en --reads es --audio alan.flac"""


class Options(argparse.Namespace):
    """What the command line said."""

    room: str
    server: str
    name: str
    hears: list[str]
    reads: list[str]
    audio: str
    stability: str
    source: bool


def main(argv: Sequence[str]) -> int:
    """Join a room; see --help."""
    options = parser().parse_args(argv, Options())
    if not options.reads and not options.source:
        parser().error("say what to read: --reads es, or --source for everybody's own words")
    if options.audio != "none" and not options.hears:
        parser().error("--audio needs --hears: the language spoken in it")
    if not sys.stdout.isatty():
        parser().error("there is no terminal here: `surtitle captions` prints lines instead")
    return run(joined(options))


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    about = "Join a room on a server: read its captions, and speak into it."
    it = arguments.parser("join", about, EXAMPLES)
    it.add_argument("room", metavar="ROOM", help="which room; it is made if nobody is in it yet")
    it.add_argument("--server", default="http://127.0.0.1:8765", metavar="URL", help="%(default)s")
    it.add_argument("--name", default=user(), help="what the others see (%(default)s)")
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
        default="none",
        metavar="FILE|none",
        help="a file to speak as if it were your microphone (none)",
    )
    it.add_argument("--source", action="store_true", help="also show everybody's own words")
    it.add_argument(
        "--stability",
        choices=["live", "steady", "final"],
        default="live",
        help="live words soonest, steadier ones, or finished lines only (live)",
    )
    return it


def user() -> str:
    """The name of whoever is logged in here."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "reader"


class Seat:
    """What the keys do to a connection."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.microphone = Microphone(link)

    async def mute(self, on: bool) -> None:
        """Keep what we say to ourselves."""
        await self.microphone.mute(on)

    async def show_source(self, on: bool) -> None:
        """Ask for the speakers' own words, or no longer."""
        await self.link.change(replace(self.link.hello, source=on))


async def joined(options: Options) -> int:
    """Take the seat and read until the reader leaves."""
    frames = None if options.audio == "none" else await opened(source(options.audio))
    hello = Hello(
        name=options.name,
        hears=options.hears if frames else [],
        reads=options.reads,
        source=options.source,
        audio=Pcm16(SAMPLE_RATE) if frames else None,
        stability=options.stability,  # type: ignore[arg-type]  # argparse knows the choices
        trace=True,
    )
    pace = Pace()
    async with Link(options.server, options.room, hello) as link:
        seat = Seat(link)
        app = RoomApp(
            messages(link),
            Status(options.room, hears=hello.hears or (), reads=options.reads),
            source=options.source,
            controls=seat,
            captured=pace.captured if frames else None,
        )
        async with speaking(seat.microphone, frames, pace):
            await app.run_async()
    return 0


async def messages(link: Link) -> AsyncIterator[ServerMessage]:
    """Everything the server says, its welcome first."""
    yield link.welcome
    async for message in link:
        yield message


@asynccontextmanager
async def speaking(
    microphone: Microphone, frames: AsyncIterator[AudioFrame] | None, pace: Pace
) -> AsyncIterator[None]:
    """Speak for as long as the block lasts, if there is anything to say."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(microphone.speak(pace(frames))) if frames else None
        yield
        if task is not None:
            task.cancel()
