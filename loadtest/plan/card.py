"""Service times out of what `bench/gpu.py` measured on a card.

That file times passes alone. What an engine adds around them is assumed, as it assumes it: 5 ms for
each request, 1 ms for each pass.
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from clients.console import Problem

from .times import FORMAT, Pass, Times, between, read

WINDOW_S = 4.0  # of sound that a hop hears again, on average
REQUEST_MS, PASS_MS = 5.0, 1.0
NEW, HYPOTHESIS = 16, 32  # tokens of the pass that reads new words and verifies the last answer
PASSES = [1, 2, 3, 4]  # of a translation, as in the table: counted with a small Qwen
SPREAD = 0.1


def times(path: Path, table: Path) -> Times:
    """A table, or the other one with the card that `path` has figures of. Problem: it is neither,
    or figures are missing."""
    try:
        found = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeError):
        return read(path)  # which says what is wrong
    if not isinstance(found, dict) or "format" in found or "phases" not in found:
        return read(path)
    try:
        passes = [_recognition(found), _translation(found)]
    except (LookupError, TypeError, ValueError) as error:
        raise Problem(f"{path} lacks what a plan needs: {error}") from error
    return msgspec.structs.replace(read(table), format=FORMAT, passes=passes)


def _recognition(report: Mapping[str, Any]) -> Pass:
    """One pass stands for the whole: encoder and prefill, then a step for each further token."""
    firsts: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for point in _points(report, "recognition"):
        if "first_p95" in point:
            whole = point["first_p95"] + (report["about"]["heard"] - 1) * point["step_p95"]
            firsts[point["batch"]].append((point["seconds"], whole))
    around = REQUEST_MS + report["about"]["heard"] * PASS_MS
    ms = [
        (batch, between(sorted(known), WINDOW_S) + around)
        for batch, known in sorted(firsts.items())
    ]
    return _made("recognition", report, "Qwen3-ASR-0.6B", ms, [1])


def _translation(report: Mapping[str, Any]) -> Pass:
    """Every pass as long as the first one, which also reads the new words."""
    name = next(name for name in report["phases"] if name.endswith(": prefill"))
    found = {
        point["batch"]: point["p95"]
        for point in _points(report, name)
        if (point.get("new"), point.get("hypothesis")) == (NEW, HYPOTHESIS) and "p95" in point
    }
    around = PASS_MS + REQUEST_MS * len(PASSES) / sum(PASSES)
    ms = [(batch, p95 + around) for batch, p95 in sorted(found.items())]
    return _made("translation", report, name.removesuffix(": prefill"), ms, PASSES)


def _points(report: Mapping[str, Any], phase: str) -> list[dict[str, Any]]:
    return list(report["phases"].get(phase, {}).get("points", []))


def _made(
    role: Any, report: Mapping[str, Any], model: str, ms: list[tuple[int, float]], passes: list[int]
) -> Pass:
    if not ms:
        raise ValueError(f"no time of {role} was measured")
    for n in range(1, len(ms)):  # noise must not make a larger batch quicker
        ms[n] = ms[n][0], max(ms[n][1], ms[n - 1][1])
    card = str(report["about"]["card"])
    said = (
        f"bench/gpu.py on {card}, {report['about']['date']}: passes alone, with random weights;"
        f" {REQUEST_MS:g} ms a request and {PASS_MS:g} ms a pass around them are assumed"
    )
    return Pass(role, card, model, ms, passes, SPREAD, "measured", said)
