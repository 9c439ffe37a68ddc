"""`surtitle loadtest compare`: two results side by side."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from clients import arguments
from clients.console import Problem, say

from .result import NAMES, Result, load
from .verdict import STAGES

EXAMPLES = "  surtitle loadtest compare before.json after.json"
NOISE = 1.1  # two runs of the same are this far apart


def main(argv: Sequence[str]) -> int:
    """Print the comparison; exit code 1 if a file cannot be read."""
    options = parser().parse_args(argv)
    try:
        print(table(load(options.before), load(options.after)))
    except Problem as problem:
        say(str(problem))
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    it = arguments.parser("loadtest compare", "Two results of --json side by side.", EXAMPLES)
    it.add_argument("before", type=Path, metavar="FILE", help="the one that was")
    it.add_argument("after", type=Path, metavar="FILE", help="the one that is")
    return it


def table(before: Result, after: Result) -> str:
    """Every figure that either of them has, and how many times as large it became."""
    lines = [f"  {'':<38}{'before':>12}{'after':>12}{'times':>8}"]
    if before.name != after.name:
        lines = [f"not the same load: {before.name}, then {after.name}", *lines]
    if before.machine.get("cpu") != after.machine.get("cpu"):
        lines = ["not the same machine: compare with care", *lines]
    lines += [row(*figures) for figures in rows(before, after)]
    return "\n".join(lines)


def row(name: str, before: float | None, after: float | None) -> str:
    """One line; what is not there is a dash."""
    cells = "".join(f"{'–' if it is None else f'{it:.2f}':>12}" for it in (before, after))
    ratio = after / before if before and after is not None else None
    marked = "" if ratio is None or 1 / NOISE < ratio < NOISE else " *"
    return f"  {name:<38}{cells}{'' if ratio is None else f'{ratio:8.2f}'}{marked}"


def rows(before: Result, after: Result) -> Iterator[tuple[str, float | None, float | None]]:
    """Name and both figures."""
    names = {**NAMES, **{f"stage.{stage}": words for stage, words in STAGES.items()}}
    for name, words in names.items():
        one, other = before.time(name), after.time(name)
        if one is None and other is None:
            continue
        for percentile in ("p50", "p95", "p99"):
            yield (
                f"{words}, {percentile}",
                None if one is None else getattr(one, percentile),
                None if other is None else getattr(other, percentile),
            )
    for name in ("captions", "finals", "finals_lost", "finals_doubled"):
        yield name.replace("_", " "), before.counts.get(name, 0), after.counts.get(name, 0)
    for kind in sorted({*before.erasure, *after.erasure}):
        both = (result.erasure.get(kind) for result in (before, after))
        yield f"erasure, {kind}", *(None if it is None else it.visible for it in both)  # type: ignore[misc]
    for what, name in (
        ("bytes", "bytes_per_reader_hour"),
        ("of captions", "caption_bytes_per_reader_hour"),
    ):
        yield f"{what}, a reader an hour", getattr(before, name), getattr(after, name)
    yield "server, % of a core", before.said.cpu, after.said.cpu
    yield "server, MB", before.said.memory_mb, after.said.memory_mb
    yield "tester, frames late at p99, ms", before.tester.late_p99, after.tester.late_p99
