"""`surtitle loadtest`: many people at once, how late their captions are, and whose fault it is."""

import argparse
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

from clients import arguments
from clients.console import run, say

from . import compare
from .dialects import DIALECTS
from .host import Host, cores, on_cores, ours, room_for, theirs
from .live import watching
from .load import STALL_S, Fault, Kind, Load
from .page import page
from .result import Result, save, writable, write
from .runs import Found, Plan, capacity, measured
from .script import CONVERSATION
from .speech import frames
from .told import told
from .verdict import Bars, exit_code

BUDGET_MS = 300.0  # of --find-capacity, where none is named
TOKEN = "SURTITLE_TOKEN"  # the environment variable; on a command line, others could read it
EXIT_CODES = (
    "exit codes: 0 all that must hold did, 1 something did not (the stage that broke it is\n"
    "named) or it failed (a sentence says why), 2 it cannot tell, as this tester was too slow\n"
    "itself, or a wrong call, 130 Ctrl-C"
)
EXAMPLES = """\
  surtitle loadtest --speakers 20                            a server of its own, invented words
  surtitle loadtest --speakers 50 --budget 300ms --html report.html
  surtitle loadtest --server http://gpu:8765 --speakers 8 --languages 2 --seconds 120
  surtitle loadtest --speakers 1 --readers 1000 --languages 10 --seconds 20
  surtitle loadtest --speakers 50 --budget-server 10ms --one-core --find-capacity
  surtitle loadtest --engine embedded --speakers 2 --soak --seconds 3600 --json hour.json
  surtitle loadtest --speakers 10 --fault stall@10 --fault loss@20
  surtitle loadtest --server ws://127.0.0.1:2700 --protocol vosk --speakers 200
  surtitle loadtest compare before.json after.json
  surtitle loadtest plan --speakers 500 --languages 4 --card h200"""


class Options(argparse.Namespace):
    """What the command line said."""

    server: str | None
    engine: str
    protocol: str
    speakers: int
    rooms: int | None
    readers: int
    languages: int | list[str] | None
    hears: str
    seconds: float
    ramp: float
    warm: float
    transport: str
    frame: int
    stability: str
    audio: Path | None
    budget: float | None
    budget_server: float | None
    hop: float
    find_capacity: bool
    soak: bool
    fault: list[Fault]
    metrics: str
    one_core: bool
    processes: int
    json: Path | None
    html: Path | None
    plain: bool


def main(argv: Sequence[str]) -> int:
    """Run a load, compare two results, or plan for one that is to come; see --help."""
    if argv[:1] == ["compare"]:
        return compare.main(argv[1:])
    if argv[:1] == ["plan"]:
        from .plan import main as plan  # what computes queues is loaded for this alone

        return plan.main(argv[1:])
    it = parser()
    options = it.parse_args(argv, Options())
    if problem := wrong(options):
        it.error(problem)
    return run(tested(options))


def subcommand(word: str) -> argparse.ArgumentParser | None:
    """The arguments of what is a command of its own; None if it is none."""
    if word == "compare":
        return compare.parser()
    if word == "plan":
        from .plan import main as plan

        return plan.parser()
    return None


def wrong(options: Options) -> str:
    """What options do not go together, in a sentence; '' if they do."""
    kinds = {fault.kind for fault in options.fault}
    if options.server and kinds & {"kill", "stall"}:
        return "--fault kill and stall are for a server of its own: leave out --server"
    if options.protocol != "surtitle" and not options.server:
        return f"--protocol {options.protocol} needs --server: only Surtitle starts one of its own"
    if options.protocol != "surtitle" and (options.readers or options.languages):
        return f"{options.protocol} has no rooms and no languages: leave out --readers, --languages"
    if options.protocol != "surtitle" and options.transport != "ws":
        return f"{options.protocol} is sent PCM: leave out --transport"
    if options.transport == "webrtc" and find_spec("aiortc") is None:
        return "--transport webrtc needs aiortc: pip install -e '.[loadtest,webrtc]'"
    if options.transport == "webrtc" and options.fault:
        return "--transport webrtc is for runs without faults: leave out --fault"
    if options.rooms is not None and options.rooms > options.speakers + options.readers:
        return f"{options.rooms} rooms are more than there are people"
    if any(fault.at >= options.ramp + options.warm + options.seconds for fault in options.fault):
        return "a --fault comes after the end: name an earlier second"
    if options.find_capacity and (options.soak or options.fault):
        return "--find-capacity makes short runs without faults: leave out --soak, --fault"
    return ""


async def tested(options: Options) -> int:
    """All that was asked for; the exit code."""
    for path in (options.json, options.html):
        if path is not None:
            writable(path)  # better said now than after an hour
    load = asked(options)
    frames(load.audio, load.transport, load.frame_ms)  # so is a folder without sound
    plan = planned(options)
    show = watching(plan.bars, options.plain or not sys.stdout.isatty())
    tester, server = cores() if options.one_core else (None, None)
    with on_cores(tester):
        if options.find_capacity:
            return most(
                await capacity(partial(served, options, server), load, plan, show, tell), options
            )
        async with served(options, server, load) as host:
            result = await measured(host, load, plan, show)
    return concluded(result, options)


def asked(options: Options) -> Load:
    """The load; which languages are read is known when the server is."""
    reads = tuple(options.languages) if isinstance(options.languages, list) else ()
    return Load(
        options.speakers,
        options.seconds,
        options.rooms,
        options.readers,
        options.hears,
        reads,
        options.ramp,
        options.warm,
        frame_ms=options.frame,
        transport=options.transport,  # type: ignore[arg-type]
        stability=options.stability,  # type: ignore[arg-type]  # argparse knows the choices
        audio=options.audio or CONVERSATION,
        faults=tuple(options.fault),
        token=os.environ.get(TOKEN),
    )


def planned(options: Options) -> Plan:
    """How it is run and judged."""
    budget = options.budget
    if options.find_capacity and budget is None and options.budget_server is None:
        budget = BUDGET_MS
    return Plan(
        Bars(budget, options.budget_server, options.hop),
        options.protocol,
        options.processes,
        options.soak,
        options.languages if isinstance(options.languages, int) else None,
    )


@asynccontextmanager
async def served(options: Options, core: set[int] | None, load: Load) -> AsyncIterator[Host]:
    """The server that is named, or one of its own that lets such a load in."""
    if options.server is None:
        tell(f"starting a server of its own (engine {options.engine})")
        people = load.speakers + load.readers
        more = room_for(load.speakers, load.rooms or load.speakers, people)
        if load.transport == "webrtc":
            more = *more, "--webrtc"
        async with ours(options.engine, core, options=more) as host:
            yield host
    elif options.protocol == "surtitle":
        yield await theirs(options.server, options.metrics, "load-0", load.token)
    else:
        yield Host(options.server)


def most(found: Found, options: Options) -> int:
    """Print and save what a search came to; the exit code."""
    if found.held is None:
        why = "holds" if found.sure else "can be told of by this tester: it is too slow itself"
        say(f"not even one speaker {why}")
        return 1 if found.sure else 2
    concluded(found.held, options)
    tell(f"The most that held: {found.held.name}.")
    if not found.sure:
        tell(f"Of {found.broke.name} nothing can be told: this tester was too slow itself.")
    return 0 if found.sure else 2


def concluded(result: Result, options: Options) -> int:
    """Print it, save it, judge it."""
    print(told(result), flush=True)
    if options.json is not None:
        save(result, options.json)
        print(f"The figures are in {options.json}.")
    if options.html is not None:
        write(options.html, page(result).encode())
        print(f"The report is in {options.html}.")
    return exit_code(result.verdicts)


def tell(sentence: str) -> None:
    """Print a remark now."""
    print(sentence, flush=True)


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    about = (
        "Put many speakers and readers on a server at real time and measure what they see: from a"
        " sound to its caption, how old captions are, what the server adds, what is lost. Without"
        " --server it starts one of its own."
    )
    it = arguments.parser("loadtest", about, EXAMPLES)
    it.epilog = (it.epilog or "").replace(arguments.EXIT_CODES, EXIT_CODES)
    add = it.add_argument
    there = f"a server that is there already; its token, if it asks for one, is read from ${TOKEN}"
    add("--server", metavar="URL", help=there)
    add("--engine", default="scripted", metavar="NAME", help="of a server of its own (scripted)")
    add("--protocol", choices=list(DIALECTS), default="surtitle", help="what it speaks (surtitle)")
    add("--speakers", type=several, default=10, metavar="N", help="who speak at once (10)")
    add("--rooms", type=several, metavar="N", help="that they share (one each)")
    add("--readers", type=count, default=0, metavar="N", help="who only read (0)")
    read = "how many languages are read, or which, as es,fr (1)"
    add("--languages", type=reading, metavar="N|LANG", help=read)
    add("--from", dest="hears", type=arguments.language, default="en", metavar="LANG",
        help="the language spoken (en)")  # fmt: skip
    add("--seconds", type=arguments.seconds, default=30, metavar="S", help="that count (30)")
    slowly = "until all of them speak, one after another (0)"
    add("--ramp", type=duration_s, default=0, metavar="S", help=slowly)
    add("--warm", type=duration_s, default=5, metavar="S", help="before it counts (5)")
    sent = "raw sound, or Opus in packets of 20 ms, in the WebSocket; or those by WebRTC (ws)"
    add("--transport", choices=["ws", "opus", "webrtc"], default="ws", help=sent)
    add("--frame", type=frame, default=100, metavar="MS", help="of raw sound sent at once (100)")
    dial = "what readers ask for (live)"
    add("--stability", choices=["live", "steady", "final"], default="live", help=dial)
    spoken = "a folder of sound instead of the conversation that is here already"
    add("--audio", type=Path, metavar="FOLDER", help=spoken)
    judged = "from sound to caption at p95, and with a hop more the age of captions; as 300ms"
    add("--budget", type=milliseconds, metavar="TIME", help=judged)
    added = "what the server adds to its engines, at p99; as 10ms"
    add("--budget-server", type=milliseconds, metavar="TIME", help=added)
    hop = "between two looks of the recognizer (320ms)"
    add("--hop", type=milliseconds, default=320, metavar="TIME", help=hop)
    most = "try more and more speakers, from --speakers on, for the most that hold"
    add("--find-capacity", action="store_true", help=most)
    soak = "also: is the end as the beginning? Memory, lag, delay"
    add("--soak", action="store_true", help=soak)
    broken = "break something at that second: kill or stall its own server, or some connections"
    add("--fault", type=fault, action="append", default=[], metavar="KIND@S", help=broken)
    where = "of --server, for what it skips and verifies (port 8766, on this machine)"
    add("--metrics", default="", metavar="URL", help=where)
    add("--one-core", action="store_true", help="its own server on one core, itself on the others")
    add("--processes", type=count, default=0, metavar="N", help="of this tester (one a free core)")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    add("--html", type=Path, metavar="FILE", help="write a page with everything there")
    add("--plain", action="store_true", help="lines of text, as without a terminal")
    return it


def several(word: str) -> int:
    """One or more."""
    number = count(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{word!r} is too few: one at least")
    return number


def count(word: str) -> int:
    """A whole number that a machine can have of something."""
    if not word.isdecimal() or int(word) > 100_000:
        raise argparse.ArgumentTypeError(f"{word!r} is no number: use 0 to 100000")
    return int(word)


def reading(word: str) -> int | list[str]:
    """How many languages, or which."""
    return count(word) if word.isdecimal() else arguments.several(word)


def frame(word: str) -> int:
    """Milliseconds of sound in a frame: at most what the protocol allows."""
    number = word.removesuffix("ms")
    if not number.isdecimal() or not 10 <= int(number) <= 120:
        raise argparse.ArgumentTypeError(f"{word!r} is no length of a frame: use 10 to 120")
    return int(number)


def duration_s(word: str) -> float:
    """Seconds, perhaps none."""
    return 0.0 if word in ("0", "0.0") else arguments.seconds(word)


def milliseconds(word: str) -> float:
    """300ms, 0.3s or 300."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|)", word.replace(" ", ""))
    value = float(found[1]) * (1000 if found[2] == "s" else 1) if found else 0.0
    if not 0 < value <= 600_000:
        raise argparse.ArgumentTypeError(f"{word!r} is no time: write 300ms or 0.3s")
    return value


def fault(word: str) -> Fault:
    """stall@20, stall@20:3 (for three seconds), kill@30, loss@40."""
    found = re.fullmatch(r"([a-z]+)@(\d+(?:\.\d+)?)(?::(\d+(?:\.\d+)?))?", word)
    kind = next((kind for kind in get_args(Kind) if found and kind == found[1]), None)
    if found is None or kind is None:
        raise argparse.ArgumentTypeError(
            f"{word!r} is no fault: write {', '.join(get_args(Kind))} and when, as stall@20"
        )
    return Fault(kind, float(found[2]), float(found[3] or STALL_S))
