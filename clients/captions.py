"""`surtitle captions`: a file or a microphone goes into a room, its captions come out as text."""

import argparse
import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from streaming.messages import (
    Ack,
    Hello,
    Pcm16,
    State,
    decode_server,
)
from streaming.values import SAMPLE_RATE

from . import arguments, child
from .audio import Pace, opened, source
from .console import Problem, run, say
from .devices import ECHO, devices, hushed, listing, named
from .link import Link
from .microphone import Capture, Microphone, listening
from .output import Output
from .srt import srt

CHILD_AT_MOST = 8.0  # times real time for "max": what the embedded recognizer keeps up with

EXAMPLES = (
    """\
  surtitle captions talk.mp3 --from en --to es
  surtitle captions talk.mp3 --from en --to es --speed max --srt talk.es.srt
  surtitle captions mic --from en --to es
  surtitle captions "mic:yeti" --from en --server http://127.0.0.1:8765 --room kitchen
  surtitle captions mic --list
  arecord -f S16_LE -r 16000 -t raw | surtitle captions - --from en --to es
  surtitle captions talk.mp3 --from en --server http://127.0.0.1:8765 --room kitchen --jsonl

Ctrl-C ends a microphone's captions: the last lines still come. A second one stops at once.

"""
    + ECHO
)


class Options(argparse.Namespace):
    """What the command line said."""

    file: str
    hears: list[str]
    to: str | None
    speed: float | None
    rate: int
    jsonl: bool
    srt: Path | None
    offline: bool
    server: str | None
    room: str
    name: str
    engine: str
    stability: str
    list: bool


def main(argv: Sequence[str]) -> int:
    """Caption one file, pipe or microphone; see --help."""
    options = parser().parse_args(argv, Options())
    microphone = named(options.file) is not None
    if options.list:
        return run(listed())
    if not options.hears:
        parser().error("the following arguments are required: --from")
    if options.offline and (options.server or microphone or options.file == "-"):
        parser().error("--offline is for a file and starts its own engines")
    if options.offline and len(options.hears) > 1:
        parser().error("--offline hears one language: name one with --from")
    if microphone and options.speed != 1:
        parser().error("--speed is for files: nobody speaks faster into a microphone")
    return run(captioned(options))


async def listed() -> int:
    """Print the microphones there are."""
    print(listing(await asyncio.to_thread(devices)))
    return 0


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    about = (
        "Caption an audio file, a microphone, or raw 16-bit mono PCM on standard input, and"
        " translate it."
        " Without --server it starts a server of its own for as long as it takes."
    )
    it = arguments.parser("captions", about, EXAMPLES)
    it.add_argument(
        "file",
        metavar="FILE|mic",
        help="any file with sound in it (./mic if it is called that), - for a pipe,"
        " mic for the microphone, mic:NAME for one with that in its name",
    )
    it.add_argument("--list", action="store_true", help="print the microphones' names and leave")
    it.add_argument(
        "--from",
        dest="hears",
        type=arguments.several,
        default=[],
        metavar="LANG",
        help="the language spoken, such as en; several with commas between them",
    )
    it.add_argument("--to", type=arguments.language, metavar="LANG", help="the language to read")
    it.add_argument(
        "--speed",
        type=arguments.speed,
        default=1.0,
        metavar="N|max",
        help="times real time (1); above 1 a server named by --server must allow it",
    )
    it.add_argument(
        "--rate",
        type=arguments.rate,
        default=SAMPLE_RATE,
        metavar="HZ",
        help="samples a second of raw PCM on standard input (16000)",
    )
    it.add_argument("--jsonl", action="store_true", help="print every message as it was received")
    it.add_argument("--srt", type=Path, metavar="FILE", help="also write subtitles there")
    it.add_argument("--offline", action="store_true", help="the engines' result, not streamed")
    it.add_argument("--server", metavar="URL", help="join a room there instead")
    it.add_argument("--room", default="captions", help="which room there (captions)")
    it.add_argument("--name", default="captions", help="what others there see (captions)")
    it.add_argument("--engine", default="auto", help="engines of its own server (auto)")
    it.add_argument(
        "--stability",
        choices=["live", "steady", "final"],
        default="live",
        help="live words soonest, steadier ones, or finished lines only (live)",
    )
    return it


async def captioned(options: Options) -> int:
    """Stream the sound, print what comes back, write the subtitles."""
    if options.srt is not None:
        writable(options.srt)
    output = Output(options.to, options.jsonl)
    try:
        await (offline if options.offline else streamed)(options, output)
    finally:
        if options.srt is not None:
            options.srt.write_text(srt(output.wanted()), encoding="utf-8")
    if not output.lines.finals():
        heard = options.file if Path(options.file).exists() else "what came"
        say(f"no words were heard in {heard}")
    return 0


async def streamed(options: Options, output: Output) -> None:
    """Speak the sound into a room and show the messages until the last is final."""
    name = named(options.file)
    if name is not None:
        with hushed():
            async with listening(name, say) as capture:
                await live(options, output, capture)
        return
    frames = await opened(source(options.file, options.rate))
    async with (
        served(options) as (url, pace),
        seat(options, output, url) as link,
        link.speaking(pace(frames)),
    ):
        await shown(link, output)


async def live(options: Options, output: Output, capture: Capture) -> None:
    """The same with a microphone, until Ctrl-C."""
    async with served(options) as (url, _), seat(options, output, url) as link:
        microphone = Microphone(link)
        if sys.stderr.isatty():
            say(f"listening to {capture.device}; Ctrl-C ends it")
        with once(signal.SIGINT, capture.stop), once(signal.SIGTERM, capture.stop):
            async with asyncio.TaskGroup() as group:
                task = group.create_task(spoken(microphone, capture))
                await shown(link, output, microphone.arrived)
                task.cancel()


async def spoken(microphone: Microphone, capture: Capture) -> None:
    """All of it, and that it is all."""
    await microphone.speak(capture)
    await microphone.link.end()


def seat(options: Options, output: Output, url: str) -> Link:
    """A seat in the room."""
    hello = Hello(
        name=options.name,
        hears=options.hears,
        reads=[options.to] if options.to else [],
        source=True,
        audio=Pcm16(SAMPLE_RATE),
        stability=options.stability,  # type: ignore[arg-type]  # argparse knows the choices
    )
    return Link(url, options.room, hello, output.tap)


async def shown(
    link: Link, output: Output, arrived: Callable[[int], None] = lambda position: None
) -> None:
    """Every message, until the last line is final."""
    output.push(link.welcome)
    async for message in link:
        output.push(message)
        if isinstance(message, Ack):
            arrived(message.samples)
        if isinstance(message, State) and message.level == "drained":
            return


@contextmanager
def once(number: signal.Signals, stop: Callable[[], None]) -> Iterator[None]:
    """The first such signal calls `stop`; a second does what it always does."""
    loop = asyncio.get_running_loop()

    def first() -> None:
        loop.remove_signal_handler(number)
        stop()

    loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)


@asynccontextmanager
async def served(options: Options) -> AsyncIterator[tuple[str, Pace]]:
    """The server named, or one of our own; and how fast it may be spoken to."""
    if options.server:
        yield options.server, Pace(options.speed)
        return
    if sys.stderr.isatty():
        say(f"starting a server of its own (engine {options.engine})")
    speed = CHILD_AT_MOST if options.speed is None else options.speed
    async with child.server(options.engine, max(1.0, speed)) as ready:
        yield ready.url, Pace(speed)


async def offline(options: Options, output: Output) -> None:
    """Show the caption messages that the engines print for the whole file."""
    await opened(source(options.file))  # an unreadable file is said in our words
    words = child.surtitle("offline", options.file, "--from", ",".join(options.hears))
    words += ["--to", options.to] if options.to else []
    words += ["--engine", options.engine]
    async with child.process(words) as engines:
        assert engines.process.stdout is not None
        async for line in engines.process.stdout:
            output.tap(line.decode().rstrip("\n"))
            if (message := decode_server(line)) is not None:
                output.push(message)
        if await engines.process.wait():
            raise await engines.failed("the engines failed")


def writable(path: Path) -> None:
    """Problem if no file can be written there: better now than after an hour."""
    try:
        path.open("a", encoding="utf-8").close()
    except OSError as error:
        raise Problem(f"{path} cannot be written: {(error.strerror or '').lower()}") from error
