"""What `surtitle glasses` may be told."""

import argparse
from pathlib import Path
from typing import Literal

from clients import arguments
from streaming.messages import Stability

from . import buttons
from .drivers import DRIVERS
from .profiles import names
from .reader import Show

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

The key m mutes the microphone and unmutes it; so do a button on a GPIO line (--mute-gpio) and
SIGUSR1, for whatever can do `kill -USR1 PID`."""


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
    mute_gpio: buttons.Line | None
    figures: bool


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
        "--mute-gpio",
        type=buttons.line,
        metavar="LINE",
        help="a button between that GPIO line and ground mutes the microphone: 17, or"
        " /dev/gpiochip4:17",
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
