"""`surtitle loadtest plan`: how many cards and processes so many speakers take, and the cost."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import msgspec

from clients import arguments
from clients.console import Problem, say
from loadtest.result import write
from streaming.measures import Percentiles

from . import card
from .queueing import talking
from .sizing import Sized, cards, sized
from .times import ROLES, TABLE, Times

EXAMPLES = """\
  surtitle loadtest plan --speakers 500 --languages 4 --card h200
  surtitle loadtest plan --speakers 40 --card rtx4090 --talking 50% --price 0.4
  surtitle loadtest plan --speakers 20 --times measured.json --json plan.json"""
SPEAKERS_AT_MOST, LANGUAGES_AT_MOST = 2_000, 20
BUDGET_MS = 300.0
CARD = "h200"


class Options(argparse.Namespace):
    """What the command line said."""

    speakers: int
    languages: int
    card: str
    talking: float
    budget: float
    price: float | None
    times: Path
    json: Path | None


def main(argv: Sequence[str]) -> int:
    """Compute and print it; exit code 1, with a sentence, if it cannot be done."""
    options = parser().parse_args(argv, Options())
    try:
        times = known(options)
        found = planned(times, options)
        print(told(times, found, options))
        if options.json is not None:
            write(options.json, msgspec.json.format(msgspec.json.encode(record(times, found))))
    except Problem as problem:
        say(str(problem))
        return 1
    return 0


def known(options: Options) -> Times:
    """The table that is asked for; a card's own figures have times of that card alone."""
    found = card.times(options.times, TABLE)
    if len(found.cards) == 1 and options.card == CARD:
        options.card = found.cards[0]
    if options.price is None and options.card in found.cards:
        found.price(options.card)  # or said at once
    return found


def planned(times: Times, options: Options) -> Sized:
    """What it takes, with a word on a terminal for each number of cards that is tried."""

    def tell(sentence: str) -> None:
        if sys.stderr.isatty():
            print(f"  {sentence}", file=sys.stderr, flush=True)

    speech = talking(options.talking)
    return sized(
        times, options.card, options.speakers, options.languages, speech, options.budget,
        options.price, tell,
    )  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    about = (
        "How many cards and server processes so many speakers take so that captions come in time,"
        " and what a minute of one of them costs: queues on a virtual clock, with the service times"
        " of a table. No card was measured yet: docs/capacity.md says what that means."
    )
    it = arguments.parser("loadtest plan", about, EXAMPLES)
    add = it.add_argument
    add("--speakers", type=speakers, required=True, metavar="N", help="microphones")
    into = "that each speaker is translated into (1)"
    add("--languages", type=languages, default=1, metavar="L", help=into)
    add("--card", default=CARD, metavar="NAME", help="one of the table's (h200)")
    time = "of the time that each of them speaks, as 60%% (all of it)"
    add("--talking", type=share, default=1.0, metavar="SHARE", help=time)
    judged = "from sound to caption at p95, in ms (300)"
    add("--budget", type=positive, default=BUDGET_MS, metavar="MS", help=judged)
    add("--price", type=positive, metavar="DOLLARS", help="of a card for an hour (the table's)")
    table = "another table of service times, or what bench/gpu.py measured"
    add("--times", type=Path, default=TABLE, metavar="FILE", help=table)
    add("--json", type=Path, metavar="FILE", help="write everything there")
    return it


def told(times: Times, found: Sized, options: Options) -> str:
    """It in words; what is only an estimate is called one."""
    setting, outcome = found.setting, found.outcome
    into = f", {setting.languages} languages each" if setting.languages != 1 else ""
    speaks = "all speaking" if options.talking == 1 else f"{options.talking:.0%} speaking"
    hear, tell = found.busy
    price = times.price(found.card).hour if options.price is None else options.price
    core = times.price("core").hour
    used = {times.on(found.card, role).origin for role in ROLES}
    origin = "measured passes" if used == {"measured"} else "ESTIMATED times"
    lines = [
        "",
        f"{setting.speakers} speakers{into}, {speaks} at once, on {found.card} ({origin})",
        "",
        f"  cards      {setting.cards}: {cards(setting)}",
        f"             ({hear:.1f} and {tell:.1f} of them would be busy in full batches)",
        f"  processes  {found.processes} of surtitle serve, a core each",
        f"  cost       ${found.an_hour:.2f} an hour, ${found.a_speaker_minute:.5f} a"
        f" speaker-minute (${price:g} a card, ${core:g} a core)",
        "",
        f"  {'ms':<40}" + "".join(f"{it:>8}" for it in ("p50", "p90", "p95", "p99")),
        row("chunk to caption, their own words", outcome.transcripts),
        row("chunk to caption, translations", outcome.translations),
        row("caption age", outcome.age),
        row("  recognizing, with the wait for it", outcome.recognizing),
        row("  translating, with the wait for it", outcome.translating),
        f"  {100 * outcome.skipped:.1f} % of updates skipped",
        "",
        *sources(times, found, options),
    ]
    return "\n".join(lines)


def row(name: str, figure: Percentiles | None) -> str:
    """One line of the table."""
    if figure is None:
        return f"  {name:<40}       –"
    values = (figure.p50, figure.p90, figure.p95, figure.p99)
    return f"  {name:<40}" + "".join(f"{ms:8.0f}" for ms in values)


def sources(times: Times, found: Sized, options: Options) -> Iterator[str]:
    """Where each figure that went in is from."""
    used = [times.on(found.card, role) for role in ROLES]
    yield "What went in:"
    for one in used:
        low, high = one.ms[0], one.ms[-1]
        yield (
            f"  {one.role}, {one.model}: a pass takes {low[1]:g} ms for {low[0]}, {high[1]:g} for"
            f" {high[0]}: {one.origin.upper()}"
        )
        yield said(one.source)
    for name, other in (("server", times.server), ("network", times.way)):
        yield f"  {name}: {other.origin.upper()}"
        yield said(other.source)
    if options.price is None:
        price = times.price(found.card)
        yield f"  price: {price.origin.upper()}"
        yield said(price.source)
    if any(one.origin != "measured" for one in used):
        yield "No card was measured: take these figures for an order of magnitude, and measure."


def said(source: str) -> str:
    """Where a figure is from, within the width of a page."""
    return fill(source, 96, initial_indent="    ", subsequent_indent="    ")


def record(times: Times, found: Sized) -> dict[str, Any]:
    """Everything, with where it is from."""
    kept: dict[str, Any] = msgspec.to_builtins(found)
    speech = kept["setting"].pop("speech")
    kept["setting"]["updates_an_hour"] = 3_600_000 * len(speech["said"]) / speech["lasts"]
    used = [times.on(found.card, role) for role in ROLES]
    kept["estimated"] = [one.role for one in used if one.origin != "measured"]
    kept["a_speaker_minute"] = found.a_speaker_minute
    kept["used"] = msgspec.to_builtins(
        {"passes": used, "server": times.server, "way": times.way, "prices": times.prices}
    )
    return kept


def speakers(word: str) -> int:
    """As many as can be computed in a minute."""
    if not word.isdecimal() or not 1 <= int(word) <= SPEAKERS_AT_MOST:
        raise argparse.ArgumentTypeError(f"{word!r}: plan for 1 to {SPEAKERS_AT_MOST} speakers")
    return int(word)


def languages(word: str) -> int:
    """None is possible: captions in the speakers' own words."""
    if not word.isdecimal() or int(word) > LANGUAGES_AT_MOST:
        raise argparse.ArgumentTypeError(f"{word!r}: plan for 0 to {LANGUAGES_AT_MOST} languages")
    return int(word)


def share(word: str) -> float:
    """60% or 0.6."""
    try:
        value = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0.05 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{word!r} is no share of the time: write 5% to 100%")
    return value


def positive(word: str) -> float:
    """A number above 0."""
    try:
        value = float(word.removesuffix("ms"))
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{word!r} is no number above 0")
    return value
