"""Chaos: 20 rooms talk while server, models, clients and links are killed at random.

`python -m tests.chaos --seconds 600 --seed 1`: then everybody is let come to rest, and whoever was
owed a final must have read it once. The exit code is 1 if something was lost or came twice.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from tests.chaos.oracle import FAULTS, MEANINGS
from tests.chaos.plan import blows
from tests.chaos.town import Outcome, Town

RESULT = Path(__file__).parents[2] / "bench" / "results" / "chaos.json"
WHOLE_S = 600.0  # a shorter run is no record
KINDS: dict[str, str] = {
    "kill": "server killed",
    "stop": "server stopped",
    "deaf": "recognizer's process killed",
    "hang": "recognizer's process hung",
    "mute": "translator killed",
    "cut": "link broken",
    "hold": "link silent for a while",
    "leave": "client killed",
}


def main(argv: list[str]) -> int:
    """Run it, print the table, keep it; the exit code."""
    options = _options(argv)
    if options.folder:
        options.folder.mkdir(parents=True)
        outcome = asyncio.run(_run(options, options.folder))
    else:
        with tempfile.TemporaryDirectory(prefix="surtitle-chaos-") as folder:
            outcome = asyncio.run(_run(options, Path(folder)))
    print(table(outcome))
    out = options.out or (RESULT if options.seconds >= WHOLE_S else None)
    if out is not None:
        out.write_text(json.dumps(_kept(options, outcome), indent=1) + "\n", encoding="utf-8")
        print(f"kept as {out}")
    return int(not outcome.good)


async def _run(options: argparse.Namespace, folder: Path) -> Outcome:
    town = Town(folder, options.rooms)
    return await town.suffers(blows(options.seed, options.seconds), options.seconds)


def table(outcome: Outcome) -> str:
    """What went wrong, and what came of it."""
    rows = [(KINDS[kind], str(count)) for kind, count in outcome.blows.items()]
    rows += [("", "")]
    rows += [
        (MEANINGS[name], f"{count:,}" + ("  <-- must be 0" if count and name in FAULTS else ""))
        for name, count in outcome.verdict.found.items()
    ]
    rows += [("", "")]
    rows += [(what, f"{count:,}") for what, count in outcome.sentences.items()]
    rows += [("servers that did not end in order", str(outcome.unruly))]
    width = max(len(what) for what, _ in rows)
    lines = [f"{what:<{width}}  {count:>8}".rstrip() for what, count in rows]
    lines += ["", *outcome.verdict.missing[:20], *outcome.troubles[:20]]
    return "\n".join([*lines, "nothing was lost" if outcome.good else "SOMETHING WAS LOST"])


def _kept(options: argparse.Namespace, outcome: Outcome) -> dict[str, object]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": machine.commit(),
        "machine": machine.facts(),
        "seconds": options.seconds,
        "rooms": options.rooms,
        "seed": options.seed,
        "blows": {KINDS[kind]: count for kind, count in outcome.blows.items()},
        "finals": {MEANINGS[name]: count for name, count in outcome.verdict.found.items()},
        "sentences": outcome.sentences,
        "servers_unruly": outcome.unruly,
        "troubles": outcome.troubles[:20],
        "good": outcome.good,
    }


def _options(argv: list[str]) -> argparse.Namespace:
    it = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    it.add_argument("--seconds", type=float, default=WHOLE_S, help="how long (%(default)g)")
    it.add_argument("--rooms", type=int, default=20, help="how many (%(default)s)")
    it.add_argument("--seed", type=int, default=1, help="the same blows for the same (%(default)s)")
    it.add_argument("--folder", type=Path, help="keep all notes and logs there; it must be new")
    where = "bench/results/chaos.json, if it was ten minutes or more"
    it.add_argument("--out", type=Path, help=f"where the figures go ({where})")
    return it.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
