"""Pictures as SVG text, in the colours of the page they are put in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil, floor, log10

WIDE, LEFT, RIGHT = 720, 52, 16
Curve = tuple[str, str, Sequence[tuple[float, float | None]]]
"""What it is, its class (for the colour), its points."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across a picture, with a word to it."""

    at: float
    word: str
    kind: str = "mark"


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a waterfall, ms."""

    name: str
    p50: float
    p95: float
    share: float
    """What the budget gives it."""


def ticks(top: float, wanted: int = 5) -> list[float]:
    """Round numbers from 0 to `top` or a little less."""
    if top <= 0:
        return [0.0]
    rough = top / wanted
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [step * n for n in range(floor(top / step * 1.0001) + 1)]


def number(value: float) -> str:
    """As short as it is clear."""
    return f"{value:.0f}" if value >= 100 or value == round(value) else f"{value:.3g}"


def histogram(
    counts: Sequence[int], edges: Sequence[float], marks: Iterable[Mark], title: str
) -> str:
    """Bars between `edges`, of which there is one more than of bars; the last holds all beyond."""
    high, low = 16, 168
    top, most = edges[-1], max([*counts, 1])
    drawn = []
    for (left, right), count in zip(pairwise(edges), counts, strict=True):
        x, width = across(left, top), across(right, top) - across(left, top)
        height = (low - high) * count / most
        tip = f"{number(left)} to {number(right)} ms: {count}"
        drawn.append(
            f'<rect class="bar" x="{x:.1f}" y="{low - height:.1f}" height="{height:.1f}"'
            f' width="{max(width - 1, 0.5):.1f}"><title>{tip}</title></rect>'
        )
    drawn += [below(at, top, low, number(at)) for at in ticks(top, 8)]
    drawn += [marked(mark, across(mark.at, top), high, low, n) for n, mark in enumerate(marks)]
    return picture(low + 24, [*drawn, axis(low)], title)


def waterfall(steps: Sequence[Step], budget: float, title: str) -> str:
    """Each stage begins where the median of the one before it ends; pale: up to p95; a frame: its
    share of the budget."""
    row, names = 26, 230
    ends: list[float] = []
    at = 0.0
    for step in steps:
        ends.append(at + max(step.p95, step.share))
        at += step.p50
    top = max([budget, *ends, at]) * 1.02
    scale = (WIDE - names - 90) / top
    drawn = []
    at = 0.0
    for n, step in enumerate(steps):
        y, x = n * row + 4, names + at * scale
        drawn += [
            f'<text class="name" x="{names - 8}" y="{y + 14}">{escape(step.name)}</text>',
            box("share", x, y + 1, step.share * scale, 18),
            box("pale", x, y + 4, step.p95 * scale, 12),
            box("bar", x, y + 4, step.p50 * scale, 12),
            f'<text class="value" x="{x + max(step.p95, step.share) * scale + 6:.1f}" y="{y + 14}">'
            f"{number(step.p50)} / {number(step.p95)}</text>",
        ]
        at += step.p50
    low = len(steps) * row + 6
    for tick in ticks(top, 8):
        x = names + tick * scale
        drawn.append(f'<text class="tick" x="{x:.1f}" y="{low + 16}">{number(tick)}</text>')
    drawn.append(f'<line class="axis" x1="{names}" x2="{WIDE - 90}" y1="{low}" y2="{low}"/>')
    x = names + budget * scale
    drawn.append(f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{low}"/>')
    return picture(low + 24, drawn, title)


def timeline(
    curves: Sequence[Curve],
    until: float,
    unit: str,
    marks: Iterable[Mark] = (),
    spans: Iterable[Mark] = (),
    *,
    title: str,
) -> str:
    """Values over the seconds of a run; `marks` lie across, `spans` stand up."""
    high, low = 24, 160
    marks = list(marks)
    known = [value for _, _, points in curves for _, value in points if value is not None]
    top = max([*known, *(mark.at for mark in marks), 1e-9]) * 1.08
    until = max(until, 1.0)
    drawn = []
    for tick in ticks(top, 4):
        y = low - (low - high) * tick / top
        drawn.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        drawn.append(f'<text class="side" x="{LEFT - 6}" y="{y + 4:.1f}">{number(tick)}</text>')
    for name, kind, points in curves:
        drawn += [path(kind, run, until, top, high, low, name) for run in runs(points)]
    for mark in marks:
        y = low - (low - high) * mark.at / top
        drawn.append(
            f'<line class="limit" x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="word" x="{WIDE - RIGHT - 4}" y="{y - 4:.1f}" text-anchor="end">'
            f"{escape(mark.word)}</text>"
        )
    drawn += [below(at, until, low, f"{number(at)} s") for at in ticks(until, 8)]
    drawn += [marked(mark, across(mark.at, until), high, low, 0) for mark in spans]
    drawn.append(f'<text class="side" x="{LEFT - 6}" y="10">{unit}</text>')
    return picture(low + 24, [*drawn, axis(low)], title) + legend(curves)


def legend(curves: Sequence[Curve]) -> str:
    """What the colours are."""
    return (
        '<p class="legend">'
        + "".join(f'<span class="key {kind}"></span>{escape(name)}' for name, kind, _ in curves)
        + "</p>"
    )


def runs(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Stretches without a hole."""
    found: list[list[tuple[float, float]]] = [[]]
    for at, value in points:
        if value is None:
            found.append([])
        else:
            found[-1].append((at, value))
    return [run for run in found if run]


def path(
    kind: str,
    run: Sequence[tuple[float, float]],
    until: float,
    top: float,
    high: float,
    low: float,
    name: str,
) -> str:
    """One stretch of a curve; a lonely point is a dot."""
    places = [
        (across(at, until), low - (low - high) * min(value, top) / top)
        for at, value in thinned(run)
    ]
    if len(places) == 1:
        return f'<circle class="dot {kind}" cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="2"/>'
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return (
        f'<polyline class="curve {kind}" points="{text}"><title>{escape(name)}</title></polyline>'
    )


def thinned(run: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """No more points than there are pixels; of those that fall together, the highest."""
    step = max(1, ceil(len(run) / WIDE))
    return [max(run[n : n + step], key=lambda point: point[1]) for n in range(0, len(run), step)]


def across(value: float, top: float) -> float:
    """Where a value lies between the left and the right."""
    return LEFT + (WIDE - LEFT - RIGHT) * min(value, top) / top


def below(at: float, top: float, low: float, word: str) -> str:
    """A number under the axis."""
    return f'<text class="tick" x="{across(at, top):.1f}" y="{low + 16}">{escape(word)}</text>'


def marked(mark: Mark, x: float, high: float, low: float, n: int) -> str:
    """A line that stands up, with its word beside it."""
    end = x > WIDE * (0.2 if mark.kind == "limit" else 0.8)  # limits on the left of their line
    anchor = ' text-anchor="end"' if end else ""
    return (
        f'<line class="{mark.kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{high - 8}" y2="{low}"/>'
        f'<text class="word" x="{x + (-4 if end else 4):.1f}" y="{high + 12 * n}"{anchor}>'
        f"{escape(mark.word)}</text>"
    )


def box(kind: str, x: float, y: float, width: float, height: float) -> str:
    """A rectangle, if there is anything of it."""
    if width <= 0.2:
        return ""
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" rx="2"/>'
    )


def axis(low: float) -> str:
    """The line everything stands on."""
    return f'<line class="axis" x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{low}" y2="{low}"/>'


def picture(high: float, parts: Iterable[str], title: str) -> str:
    """The parts as one picture."""
    return (
        f'<svg viewBox="0 0 {WIDE} {high}" role="img" aria-label="{escape(title)}">'
        + "".join(parts)
        + "</svg>"
    )
