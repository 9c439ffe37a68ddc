"""`surtitle glasses`: read a room on glasses, and speak into it."""

import argparse
import asyncio
import math
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from clients import arguments, child
from clients.console import Problem, run, say
from clients.devices import hushed, named
from clients.link import Link
from clients.tui.sound import Remarks, Sound
from streaming.messages import Display as Size
from streaming.messages import Hello, Opus, Pcm16, Stability, WebRtc
from streaming.values import SAMPLE_RATE

from .display import Display
from .drivers import DRIVERS, Place, driver
from .drivers.terminal import Terminal
from .faces import face
from .fallback import Fallback
from .figures import Figures
from .layout import Layout
from .profiles import Profile, names, profile
from .reader import Reader, Show
from .scripts import unshown
from .wearing import Wearing, on_signal

EXAMPLES = """\
  surtitle glasses lab --reads en                             a preview in this terminal
  surtitle glasses lab --profile even-g1 --hears zh,en --reads en
  surtitle glasses lab --profile ssd1309 --reads en --show both --audio mic:usb
  surtitle glasses lab --profile page --reads en --listen 0.0.0.0:8770
  surtitle glasses lab --profile hud-640x200 --driver png --out /tmp/hud.png --reads en
  surtitle glasses lab --profile ./mine.toml --reads en
  surtitle glasses lab --hears en --reads es --fallback local
  surtitle glasses lab --hears zh --reads en --fallback local --fallback-serve \
      '--translator-url http://127.0.0.1:8080 --pairs zh-en --models ~/paraformer-zh'

SIGUSR1 mutes the microphone and unmutes it: have a button do `kill -USR1 PID`."""
SERVER = "aiohttp", "numpy", "onnxruntime", "uvloop"  # what a server needs that glasses do not
NO_CALL = "no WebRTC: sound by WebSocket", "no WebRTC"  # for displays with no room for the reason


class Options(argparse.Namespace):
    """What the command line said."""

    room: str
    server: str
    name: str
    profile: str
    driver: str | None
    out: Path
    listen: tuple[str, int]
    hears: list[str]
    reads: list[str]
    audio: str | None
    codec: Literal["opus", "pcm"]
    transport: Literal["ws", "webrtc"]
    show: Show
    stability: Stability | None
    fallback: Literal["local", "none"]
    fallback_serve: str
    figures: bool


def main(argv: Sequence[str]) -> int:
    """Wear them; see --help."""
    options = parser().parse_args(argv, Options())
    if not options.reads and options.show != "source":
        parser().error("say what to read: --reads en, or --show source for everybody's own words")
    options.audio = options.audio or ("mic" if options.hears else "none")
    if options.audio != "none" and not options.hears:
        parser().error("--audio needs --hears: the languages spoken near it")
    if options.transport == "webrtc" and options.codec == "pcm":
        parser().error("--transport webrtc carries Opus: leave out --codec pcm")
    if options.fallback == "local" and options.audio == "none":
        parser().error("--fallback local captions what a microphone hears: it needs --hears")
    if options.fallback_serve and options.fallback != "local":
        parser().error("--fallback-serve is for --fallback local")
    try:
        extra = words_for_the_child(options.fallback_serve)
    except ValueError as error:
        parser().error(f"--fallback-serve cannot be taken apart: {error}")
    try:
        if options.fallback == "local" and any(find_spec(one) is None for one in SERVER):
            raise Problem(
                "--fallback local needs the server's parts: pip install -e '.[glasses,server]'"
            )
        if options.transport == "webrtc" and find_spec("aiortc") is None:
            raise Problem("--transport webrtc needs aiortc: pip install -e '.[glasses,webrtc]'")
        shown = profile(options.profile)
        return run(worn(options, shown, extra))
    except Problem as problem:
        say(str(problem))
        return 1


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    about = "Read a room's captions on glasses or any other small display, and speak into it."
    it = arguments.parser("glasses", about, EXAMPLES)
    it.add_argument("room", metavar="ROOM", help="which room; it is made if nobody is in it yet")
    it.add_argument("--server", default="http://127.0.0.1:8765", metavar="URL", help="%(default)s")
    it.add_argument("--name", default="glasses", help="what the others see (glasses)")
    it.add_argument(
        "--profile",
        default="terminal",
        metavar="|".join([*names(), "FILE"]),
        help="which display, or a file that describes one (terminal)",
    )
    it.add_argument(
        "--driver",
        metavar="|".join([*DRIVERS, "MODULE:CLASS"]),
        help="show it in another way than the profile's own, such as svg for pictures,"
        " or by a class of yours (as the profile says)",
    )
    it.add_argument(
        "--out",
        type=Path,
        default=Path("glasses"),
        metavar="FILE",
        help="where png and svg go: one file that is replaced, or a folder (glasses)",
    )
    it.add_argument(
        "--listen",
        type=listen,
        default="127.0.0.1:8770",
        metavar="HOST:PORT",
        help="where the driver page is served (127.0.0.1:8770)",
    )
    it.add_argument(
        "--reads",
        type=arguments.several,
        default=[],
        metavar="LANG",
        help="the language to read, such as en; several with commas between them",
    )
    it.add_argument(
        "--hears",
        type=arguments.several,
        default=[],
        metavar="LANG",
        help="the languages spoken near the microphone; several are told apart",
    )
    it.add_argument(
        "--audio",
        metavar="mic|mic:NAME|FILE|none",
        help="the microphone, or a file to speak as if it were one (mic with --hears, else none)",
    )
    it.add_argument(
        "--codec",
        choices=["opus", "pcm"],
        default="opus",
        help="how sound goes up: 24 kbit/s, or ten times that as it is (opus)",
    )
    it.add_argument(
        "--transport",
        choices=["ws", "webrtc"],
        default="ws",
        help="on what: the WebSocket, or WebRTC for networks that lose packets, and the WebSocket"
        " where that does not get through (ws)",
    )
    it.add_argument(
        "--show",
        choices=["target", "both", "source"],
        default="target",
        help="translations, the speakers' own words, or both (target)",
    )
    it.add_argument(
        "--stability",
        choices=["live", "steady", "final"],
        help="live words soonest, steadier ones, or finished lines only (as the profile says)",
    )
    it.add_argument(
        "--fallback",
        choices=["none", "local"],
        default="none",
        help="who captions what the microphone hears while the server is away: the engines of this"
        " device, in a process of their own that waits beside this one, or nobody (none)",
    )
    it.add_argument(
        "--fallback-serve",
        default="",
        metavar="WORDS",
        help="more options for that process, as `surtitle serve` takes them, in one word:"
        " '--translator-url http://127.0.0.1:8080 --pairs zh-en'",
    )
    it.add_argument(
        "--figures", action="store_true", help="say at the end how late captions were, and the cost"
    )
    return it


def listen(word: str) -> tuple[str, int]:
    """An address to serve on."""
    host, _, port = word.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise argparse.ArgumentTypeError(f"{word!r} is no address: write 127.0.0.1:8770")
    return host.strip("[]"), int(port)


def words_for_the_child(said: str) -> list[str]:
    """Options for the fallback's own server, which listens on this device and nowhere else.

    ValueError: a quotation mark is missing.
    """
    return [*shlex.split(said), "--host", "127.0.0.1", "--port", "0"]


async def worn(options: Options, shown: Profile, extra: Sequence[str] = ()) -> int:
    """Wear them until the conversation ends, or whoever wears them leaves."""
    letters = face(shown)
    if not shown.shapes and (cannot := unshown(options.reads)):
        raise Problem(
            f"the display {options.profile} cannot write {cannot[0]}: its letters join, or run"
            " from right to left; use --profile page or hud-640x200"
        )
    layout = Layout(shown, letters)
    reader = Reader(layout, options.reads, options.show)
    place = Place(options.out, options.listen)
    how = driver(options.driver or shown.driver, shown, letters, place)
    remarks = Remarks()
    with hushed():
        async with Sound(options.audio or "none", "mic", remarks) as sound:
            display = Display(how, reader, Figures(sound.captured), say)

            def remark(sentence: str, *shorter: str) -> None:
                """To the wearer; and to whoever reads the log, if that is not the display too."""
                reader.status.news((sentence, *shorter), display.clock())
                display.wake()
                if not isinstance(how, Terminal):
                    say(sentence)

            def uncalled(sentence: str) -> None:
                remark(sentence, *NO_CALL)

            display.say = remarks.show = remark
            fallback = None
            if options.fallback == "local" and sound.said is not None:
                fallback = Fallback(
                    lambda: child.server(options=extra),
                    options.room,
                    hello(options, shown, speaks=True),
                    reader,
                    remark,
                    display.wake,
                )
            wearing = Wearing(
                lambda: link(options, shown, sound.said is not None, uncalled),
                reader,
                display,
                sound.said,
                ends=named(options.audio or "none") is None,
                say=remark,
                fallback=fallback,
            )
            with on_signal(signal.SIGUSR1, wearing.mute):
                await ended(wearing, options.figures)
    return 0


async def ended(wearing: Wearing, told: bool) -> None:
    """Run it to its end, and say what there is to say then."""
    left, task = False, asyncio.current_task()
    assert task is not None

    def leave() -> None:
        nonlocal left
        left = True
        task.cancel()

    try:
        with on_signal(signal.SIGTERM, leave):
            await wearing.run()
    except asyncio.CancelledError:
        if not left:
            raise
    finally:
        lacking = "".join(wearing.reader.layout.lacking)
        if lacking:
            say(f"the display has no letter for: {' '.join(lacking)}")
        if told:
            print("\n".join(wearing.display.figures.report()), file=sys.stderr)


def link(
    options: Options,
    shown: Profile,
    speaks: bool,
    say: Callable[[str], None] = lambda sentence: None,
) -> Link:
    """A seat in the room, for a display of this size; it comes back however long that takes.

    `say` is told when sound has to go another way than was asked for.
    """
    said = hello(options, shown, speaks)
    if isinstance(said.audio, WebRtc):
        from clients.call_link import CallLink  # aiortc, which only those who call need

        return CallLink(options.server, options.room, said, say=say, patience=math.inf)
    if isinstance(said.audio, Opus):
        from clients.opus import OpusLink  # PyAV, which only those who speak Opus need

        return OpusLink(options.server, options.room, said, patience=math.inf)
    return Link(options.server, options.room, said, patience=math.inf)


def hello(options: Options, shown: Profile, speaks: bool) -> Hello:
    """What a server is told of whoever wears this display."""
    sent = WebRtc() if options.transport == "webrtc" else Opus()
    return Hello(
        name=options.name,
        hears=options.hears if speaks else [],
        reads=options.reads if options.show != "source" else [],
        source=options.show != "target",
        audio=(Pcm16(SAMPLE_RATE) if options.codec == "pcm" else sent) if speaks else None,
        stability=options.stability or shown.stability,
        display=Size(shown.columns, shown.lines),
    )
