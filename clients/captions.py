"""`surtitle captions`: a file goes into a room at its pace, its captions come out as text."""

import argparse
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from streaming.messages import (
    Caption,
    Hello,
    Pcm16,
    ServerMessage,
    State,
    Welcome,
    decode_server,
)
from streaming.values import SAMPLE_RATE

from . import arguments, child
from .audio import Pace, opened, source
from .console import Problem, run, say
from .lines import Lines
from .link import Link
from .pages import Growing, Page
from .srt import srt
from .words import Troubles, sentence, untranslated

CHILD_AT_MOST = 8.0  # times real time for "max": what the embedded recognizer keeps up with

EXAMPLES = """\
  surtitle captions talk.mp3 --from en --to es
  surtitle captions talk.mp3 --from en --to es --speed max --srt talk.es.srt
  arecord -f S16_LE -r 16000 -t raw | surtitle captions - --from en --to es
  surtitle captions talk.mp3 --from en --server http://127.0.0.1:8765 --room kitchen --jsonl"""


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


def main(argv: Sequence[str]) -> int:
    """Caption one file; see --help."""
    options = parser().parse_args(argv, Options())
    if options.offline and (options.server or options.file == "-"):
        parser().error("--offline is for a file and starts its own engines")
    return run(captioned(options))


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    about = (
        "Caption an audio file, or raw 16-bit mono PCM on standard input, and translate it."
        " Without --server it starts a server of its own for as long as it takes."
    )
    it = arguments.parser("captions", about, EXAMPLES)
    it.add_argument("file", metavar="FILE", help="any file with sound in it, or - for a pipe")
    it.add_argument(
        "--from",
        dest="hears",
        type=arguments.several,
        required=True,
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
    """Stream the file, print what comes back, write the subtitles."""
    if options.srt is not None:
        writable(options.srt)
    output = Output(options)
    try:
        await (offline if options.offline else streamed)(options, output)
    finally:
        if options.srt is not None:
            options.srt.write_text(srt(output.wanted()), encoding="utf-8")
    if not output.lines.finals():
        say(f"no words were heard in {'what came' if options.file == '-' else options.file}")
    return 0


async def streamed(options: Options, output: "Output") -> None:
    """Speak the file into a room and show its messages until the last is final."""
    frames = await opened(source(options.file, options.rate))
    hello = Hello(
        name=options.name,
        hears=options.hears,
        reads=[options.to] if options.to else [],
        source=True,
        audio=Pcm16(SAMPLE_RATE),
        stability=options.stability,  # type: ignore[arg-type]  # argparse knows the choices
    )
    async with served(options) as (url, pace), Link(url, options.room, hello, output.tap) as link:
        output.push(link.welcome)
        async with link.speaking(pace(frames)):
            async for message in link:
                output.push(message)
                if isinstance(message, State) and message.level == "drained":
                    return


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


async def offline(options: Options, output: "Output") -> None:
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


class Output:
    """Where messages go: the page, or as they are; remarks on standard error, each once."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lines = Lines(kept=100_000)
        self.me = ""
        self.troubles = Troubles()
        self.said: set[str] = set()
        growing = sys.stdout.isatty() and shutil.get_terminal_size()[0] >= 20
        self.page = (Growing if growing else Page)(sys.stdout, self.name)

    def tap(self, frame: str) -> None:
        """A message as it was received."""
        if self.options.jsonl:
            print(frame, flush=True)

    def push(self, message: ServerMessage) -> None:
        """A message as it was meant."""
        change = self.lines.push(message)
        match message:
            case Welcome(participant=me):
                self.me = me
            case State() if self.troubles.push(message):
                self.remark(sentence(message))
            case Caption(degraded="untranslated") if self.options.to and not list(self.troubles):
                self.remark(untranslated(message, [self.options.to]))
        if change is not None and not self.options.jsonl:
            self.page.show(change)

    def remark(self, sentence: str) -> None:
        """Say it, the first time."""
        if sentence not in self.said:
            self.said.add(sentence)
            say(sentence)

    def name(self, speaker: str) -> str:
        """Others in the room are named; the file is not."""
        return "" if speaker == self.me or not self.me else self.lines.name(speaker)

    def wanted(self) -> list[Caption]:
        """The lines for the subtitles: the file's own, in the language to read."""
        return [caption for caption in self.lines.finals() if self.titles(caption)]

    def titles(self, caption: Caption) -> bool:
        """Whether it is the file's, and what a reader of the target language gets to read."""
        if self.me and caption.speaker != self.me:
            return False
        if self.options.to is None or caption.degraded == "untranslated":
            return caption.kind == "transcript"
        return caption.language == self.options.to
