"""Measure, print a table of every figure beside its bar, and keep it: `python -m bench --help`."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clients.audio import decoded
from loadtest.scores import normalised
from loadtest.script import read
from streaming.values import BYTES_PER_SAMPLE, samples

from . import machine, report

RESULTS = Path(__file__).parent / "results"
QUICK_CLIPS = 4


def main(argv: Sequence[str]) -> int:
    """Run the parts that are named; the exit code is 1 if one of them broke, not if it was slow
    (unless that is asked for)."""
    options = _options(argv)
    kept: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": machine.commit(),
        "quick": options.quick,
        "machine": machine.facts(),
        "results": {},
    }
    rows: list[report.Row] = []
    for name in options.names or report.PARTS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        began = time.monotonic()
        found = kept["results"][name] = _measured(name, options)
        found["took_s"] = round(time.monotonic() - began, 1)
        rows += report.rows(name, found)
    print(report.table(rows))
    _conclude(rows, kept, keep=not options.no_history)
    broke = any("failed" in found for found in kept["results"].values())
    grown = any(row.met is False and not row.timed for row in rows)
    return int(broke or (options.strict and grown))


def _measured(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """What a part has measured. If it broke, why: the other parts are worth having."""
    try:
        return PARTS[name](options)
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"}


def _conclude(rows: Sequence[report.Row], kept: dict[str, Any], keep: bool) -> None:
    missed = sum(row.met is False for row in rows)
    load = kept["machine"]["load_average"][0]
    cores = kept["machine"]["cores"]
    print(f"\n{missed} bars missed" if missed else "\nno bar missed")
    if load > cores / 2:
        print(f"the machine was busy (load {load:g} on {cores} cores): figures are upper bounds")
    if keep:
        print(f"kept as {_keep(kept).relative_to(RESULTS.parent.parent)}")


def _keep(kept: dict[str, Any]) -> Path:
    """One file per run, by time, commit and what was measured; all of them are the history."""
    moment = datetime.fromisoformat(kept["date"]).strftime("%Y%m%d-%H%M%S")
    whole = set(kept["results"]) == set(report.PARTS)
    what = "all" if whole else "-".join(kept["results"])
    speed = "-quick" if kept["quick"] else ""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{moment}-{kept['commit']}-{what}{speed}.json"
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return path


def _detector(options: argparse.Namespace) -> dict[str, Any]:
    from . import detector

    return dict(detector.measure(seconds=0.1 if options.quick else 0.5))


def _recognizer(options: argparse.Namespace) -> dict[str, Any]:
    from . import recognizer

    clips = _clips(recognizer.Clip)
    if options.quick:
        return dict(recognizer.measure(clips[:QUICK_CLIPS], speakers=(1,)))
    return dict(recognizer.measure(clips))


def _clips(clip: Callable[[bytes, str], Any]) -> list[Any]:
    """Every line of the conversation, as it is said and as it is written."""
    script = read()
    tracks = {name: b"".join(decoded(str(script.track(name)))) for name in script.names}
    found = []
    for line in script.lines:
        start, end = (samples(ms) * BYTES_PER_SAMPLE for ms in (line.start, line.end))
        found.append(clip(tracks[line.speaker][start:end], normalised(line.text)))
    return found


def _server_added(options: argparse.Namespace) -> dict[str, Any]:
    from . import server_added

    if options.quick:
        return server_added.measure(server_added.QUICK, 5.0, options.realtime)
    return server_added.measure(realtime=options.realtime)


def _audience(options: argparse.Namespace) -> dict[str, Any]:
    from . import audience

    if options.quick:
        return audience.measure(readers=200, others=10, seconds=5.0, realtime=options.realtime)
    return audience.measure(realtime=options.realtime)


def _soak(options: argparse.Namespace) -> dict[str, Any]:
    from . import soak

    minutes, speed = soak.asked(os.environ.get("SOAK", ""))
    return soak.measure(4.0 if options.quick else minutes, speed, options.realtime)


def _drawing(options: argparse.Namespace) -> dict[str, Any]:
    from . import drawing

    return drawing.measure(minutes=3.0) if options.quick else drawing.measure()


def _glasses(options: argparse.Namespace) -> dict[str, Any]:
    from . import glasses

    return glasses.measure(10, 3) if options.quick else glasses.measure()


def _hypotheses(options: argparse.Namespace) -> dict[str, Any]:
    from . import hypotheses

    return hypotheses.measure(options.quick)


def _end_to_end(options: argparse.Namespace) -> dict[str, Any]:
    from . import end_to_end

    return end_to_end.measure(options.quick)


def _policies(options: argparse.Namespace) -> dict[str, Any]:
    from . import policies

    return policies.measure(options.quick)


def _local(options: argparse.Namespace) -> dict[str, Any]:
    from . import local

    return local.measure(options.quick)


def _transports(options: argparse.Namespace) -> dict[str, Any]:
    from . import transports

    return transports.measure(options.quick, options.realtime)


def _capacity(options: argparse.Namespace) -> dict[str, Any]:
    from . import capacity

    return capacity.measure(15.0 if options.quick else 40.0, options.realtime)


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "detector": _detector,
    "recognizer": _recognizer,
    "server_added": _server_added,
    "audience": _audience,
    "soak": _soak,
    "drawing": _drawing,
    "glasses": _glasses,
    "policies": _policies,
    "hypotheses": _hypotheses,
    "end_to_end": _end_to_end,
    "local": _local,
    "transports": _transports,
    "capacity": _capacity,
}


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="How fast it is, beside how fast it should be."
    )
    parser.add_argument("names", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="less of it: is anything badly wrong?")
    parser.add_argument(
        "--strict", action="store_true", help="a missed bar that no slow machine excuses fails"
    )
    parser.add_argument("--no-history", action="store_true", help="print, and keep nothing")
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="server and tester go before all else on their cores, as on a machine of their own "
        "(needs root; server_added, soak and capacity only)",
    )
    options = parser.parse_args(argv)
    if unknown := set(options.names) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
