"""`surtitle glasses`: read a room on glasses, and speak into it."""

import asyncio
import math
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec

from clients import child
from clients.console import Problem, run, say
from clients.devices import hushed, named
from clients.link import Link
from clients.tui.sound import Remarks, Sound
from streaming.messages import Display as Size
from streaming.messages import Hello, Opus, Pcm16, WebRtc
from streaming.values import SAMPLE_RATE

from .buttons import on_button, on_key, on_signal
from .display import Display
from .drivers import Place, driver
from .drivers.terminal import Terminal
from .faces import face
from .fallback import Fallback
from .figures import Figures
from .layout import Layout
from .options import Options, parser
from .profiles import Profile, profile
from .reader import Reader
from .scripts import unshown
from .wearing import Wearing

__all__ = ["Options", "main", "parser"]

SERVER = "aiohttp", "numpy", "onnxruntime", "uvloop"  # what a server needs that glasses do not
NO_CALL = "no WebRTC: sound by WebSocket", "no WebRTC"  # for displays with no room for the reason


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


def words_for_the_child(said: str) -> list[str]:
    """Options for the fallback's own server, which listens on this device and nowhere else.

    ValueError: a quotation mark is missing.
    """
    return [*shlex.split(said), "--host", "127.0.0.1", "--port", "0"]


async def worn(options: Options, shown: Profile, extra: Sequence[str] = ()) -> int:
    """Wear them until the conversation ends, or whoever wears them leaves."""
    letters = face(shown)
    if not (shown.shapes and letters.shapes) and (cannot := unshown(options.reads)):
        another = "use --profile page or hud-640x200"
        if shown.shapes:
            another = "as root, apt-get install libfribidi0, or use --profile page"
        raise Problem(
            f"the display {options.profile} cannot write {cannot[0]}: its letters join, or run"
            f" from right to left; {another}"
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
            with (
                on_signal(signal.SIGUSR1, wearing.mute),
                on_key("m", wearing.mute),
                on_button(options.mute_gpio, wearing.mute),
            ):
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
