"""A result as one page that needs nothing else: no network, light or dark as the reader has it."""

from collections.abc import Iterable
from html import escape

from .charts import Curve, Mark, Step, histogram, number, timeline, waterfall
from .result import KINDS, NAMES, Figure, Result
from .tally import Times
from .told import counts, soaked
from .verdict import SHARES, STAGES, WHOLE_MS, exit_code, told_of

BINS = 60
SHOWN = 99.5  # percent of samples that a histogram has room for; the rest is in its last bar
STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --quiet: #5b6b7a; --paper: #fff; --card: #f5f7f9;
  --line: #d9e0e6; --one: #1769aa; --two: #c2571a; --three: #2e7d32; --pale: #1769aa44;
  --bad: #b3261e; --good: #2e7d32; --unsure: #9a6700; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4eaf0; --quiet: #9aa9b7; --paper: #12171c; --card: #1a2128; --line: #323d47;
    --one: #6cb4ee; --two: #f0a06a; --three: #81c784; --pale: #6cb4ee44;
    --bad: #f2867e; --good: #81c784; --unsure: #e3b341; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .3rem; }
p { margin: .3rem 0; } .quiet { color: var(--quiet); }
.verdicts { list-style: none; padding: 0; margin: 1rem 0; }
.verdicts li { padding: .4rem .8rem; margin: .3rem 0; background: var(--card);
  border-left: 5px solid var(--unsure); border-radius: 3px; }
.verdicts .met { border-color: var(--good); } .verdicts .missed { border-color: var(--bad); }
.cards { display: flex; flex-wrap: wrap; gap: .7rem; margin: 1rem 0; }
.card { background: var(--card); border-radius: 6px; padding: .6rem 1rem; min-width: 9.5rem; }
.card b { display: block; font-size: 1.5rem; line-height: 1.3; }
.card span { color: var(--quiet); font-size: .85rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: right; padding: .2rem .6rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { color: var(--quiet); font-weight: 500; }
td.part { padding-left: 1.6rem; color: var(--quiet); }
svg { width: 100%; height: auto; display: block; font: 11px system-ui, sans-serif; }
svg text { fill: var(--quiet); paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
svg .value { fill: var(--ink); }
.bar { fill: var(--one); } .pale { fill: var(--pale); }
.share { fill: none; stroke: var(--quiet); stroke-dasharray: 3 3; }
.axis, .grid { stroke: var(--line); } .mark { stroke: var(--two); }
.limit { stroke: var(--bad); stroke-dasharray: 5 4; }
.curve { fill: none; stroke-width: 1.6; } .tick { text-anchor: middle; }
.side, .name { text-anchor: end; }
svg .name { fill: var(--ink); }
.one { stroke: var(--one); } .two { stroke: var(--two); } .three { stroke: var(--three); }
.dot { stroke-width: 2; }
.legend { color: var(--quiet); font-size: .85rem; }
.key { display: inline-block; width: 1.2rem; border-top: 3px solid; margin: 0 .4rem .2rem 1rem; }
.key.one { border-color: var(--one); } .key.two { border-color: var(--two); }
.key.three { border-color: var(--three); }
footer { margin-top: 3rem; color: var(--quiet); font-size: .85rem; }
"""
WORDS = ("Everything that must hold did", "Something that must hold did not", "It cannot be told")


def page(result: Result) -> str:
    """The whole HTML document."""
    title = f"surtitle loadtest: {result.name}"
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
            *head(result),
            *cards(result),
            *pictures(result),
            *tables(result),
            *foot(result),
            "</body></html>",
        ]
    )


def head(result: Result) -> Iterable[str]:
    """What was asked, and the verdict."""
    asked = result.load
    yield f"<h1>{escape(result.name)}</h1>"
    yield (
        f'<p class="quiet">{number(float(str(asked["seconds"])))} s counted,'
        f" {escape(result.server)}, {asked['transport']} in frames of {asked['frame_ms']} ms,"
        f" {escape(result.protocol)} protocol</p>"
    )
    if result.bars.budget or result.bars.budget_server:
        yield f"<p><b>{WORDS[exit_code(result.verdicts)]}.</b></p>"
    yield '<ul class="verdicts">'
    for verdict in result.verdicts:
        kind = verdict.judgement.replace(" ", "-")
        yield f'<li class="{kind}">{escape(verdict.sentence)}</li>'
    yield "</ul>"


def cards(result: Result) -> Iterable[str]:
    """The figures one looks for first."""
    yield '<div class="cards">'
    for name, percentile in (
        ("chunk_to_caption", "p95"),
        ("caption_age", "p95"),
        ("server_added", "p99"),
        ("cut_to_final", "p95"),
    ):
        figure = result.time(name)
        if figure is not None:
            value = f"{number(getattr(figure, percentile))} ms"
            yield card(value, f"{NAMES[name]}, {percentile}")
    if result.said.cpu is not None:
        yield card(f"{result.said.cpu:.0f} %", "of a core, server")
    if result.bytes_per_reader_hour:
        yield card(f"{result.bytes_per_reader_hour / 1e6:.2f} MB", "an hour to each reader")
    yield "</div>"


def card(value: str, words: str) -> str:
    """One of them."""
    return f'<div class="card"><b>{escape(value)}</b><span>{escape(words)}</span></div>'


def pictures(result: Result) -> Iterable[str]:
    """Where the time goes, how it is spread, and how it went over the run."""
    budget = result.bars.budget or WHOLE_MS
    steps = [
        Step(STAGES[name], figure.p50, figure.p95, SHARES[name] * budget / WHOLE_MS)
        for name in told_of(result.times)
        if (figure := result.time(f"stage.{name}")) is not None
    ]
    if steps:
        yield "<h2>Where the time of an update goes</h2>"
        yield (
            '<p class="quiet">ms, median and p95, each stage from where the median of the one'
            " before it ends; dashed: its share of the budget at p95. Drawing comes on top.</p>"
        )
        yield waterfall(steps, budget, "Where the time goes")
    limits = {
        "chunk_to_caption": budget,
        "caption_age": budget + result.bars.hop,
        "server_added": result.bars.budget_server,
        "answer": None,
    }
    for name, limit in limits.items():
        figure = result.time(name)
        if (
            figure is None
            or not figure.hdr
            or (name == "answer" and "server_added" in result.times)
        ):
            continue
        yield f"<h2>{NAMES[name].capitalize()}</h2>"
        judged = "p99" if name == "server_added" else "p95"
        yield spread(figure, judged, limit, NAMES[name])
    yield from over_time(result, budget)


def spread(figure: Figure, judged: str, limit: float | None, title: str) -> str:
    """A histogram of one figure."""
    times = Times(figure.hdr)
    top = max(times.percentile(SHOWN), (limit or 0) * 1.05, 1.0)
    edges = [top * n / BINS for n in range(BINS + 1)]
    found = times.buckets(edges[1:])
    found[-2:] = [sum(found[-2:])]
    marks = [
        Mark(value, f"{name} {number(value)}")
        for name, value in (("p50", figure.p50), (judged, getattr(figure, judged)))
    ]
    if limit is not None:
        marks.append(Mark(limit, f"limit {number(limit)}", "limit"))
    return histogram(found, edges, marks, title)


def over_time(result: Result, budget: float) -> Iterable[str]:
    """Second by second."""
    moments = result.timeline
    if len(moments) < 2:
        return
    until = moments[-1].at
    begins = float(str(result.load["ramp"])) + float(str(result.load["warm"]))
    spans = [Mark(begins, "counted from here")]
    faults = result.load.get("faults")
    for fault in faults if isinstance(faults, list) else []:
        kind, _, at = fault.partition("@")
        spans.append(Mark(float(at), kind, "limit"))
    yield "<h2>Second by second</h2>"
    late: list[Curve] = [
        ("caption age, p95", "two", [(it.at, it.age_p95) for it in moments]),
        ("chunk to caption, p95", "one", [(it.at, it.shown_p95) for it in moments]),
        ("chunk to caption, median", "three", [(it.at, it.shown_p50) for it in moments]),
    ]
    limit = [Mark(budget, f"{number(budget)} ms")]
    yield timeline(late, until, "ms", limit, spans, title="Delays second by second")
    busy: list[Curve] = [
        ("server", "one", [(it.at, it.server_cpu) for it in moments]),
        ("this tester, busiest process", "two", [(it.at, it.tester_cpu) for it in moments]),
    ]
    known = [curve for curve in busy if any(value is not None for _, value in curve[2])]
    yield "<h2>Percent of a core</h2>"
    yield timeline(known, until, "%", title="CPU second by second")
    if any(it.memory_mb is not None for it in moments):
        memory: Curve = ("server and its engines", "one", [(it.at, it.memory_mb) for it in moments])
        yield "<h2>Memory</h2>"
        yield timeline([memory], until, "MB", title="Memory second by second")


def tables(result: Result) -> Iterable[str]:
    """All figures, and what was counted."""
    yield '<h2>All figures</h2><div class="scroll"><table>'
    heads = "".join(f"<th>{it}</th>" for it in ("p50", "p90", "p95", "p99", "max", "samples"))
    yield f"<tr><th>ms</th>{heads}</tr>"
    for name, words in NAMES.items():
        yield line(words, result.time(name))
        for kind in KINDS:
            yield line(kind, result.time(f"{name}.{kind}"), "part")
    for name in told_of(result.times):
        yield line(STAGES[name], result.time(f"stage.{name}"))
    yield "</table></div><h2>Counted</h2><ul>"
    said = [*counts(result), *soaked(result)]
    yield from (f"<li>{escape(it.strip())}</li>" for it in said if it.strip())
    yield "</ul>"


def line(words: str, figure: Figure | None, kind: str = "") -> str:
    """One row; nothing of a figure that is not there."""
    if figure is None:
        return ""
    times = (figure.p50, figure.p90, figure.p95, figure.p99, figure.max)
    cells = "".join(f"<td>{ms:.1f}</td>" for ms in times)
    return f'<tr><td class="{kind}">{escape(words)}</td>{cells}<td>{figure.count}</td></tr>'


def foot(result: Result) -> Iterable[str]:
    """How it was measured, in short."""
    machine = ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in result.machine.items()
    )
    yield (
        "<footer><p>Chunk to caption: from the capture of the newest sample an update used to its"
        " arrival here; updates that change nothing visible do not count. Caption age: every 50 ms"
        " of speech, how long ago the newest sample in visible words was captured. Frames are due"
        " by the clock and wait for no answer. Neither is the lag of a translation.</p>"
        f"<p>{escape(result.when)}, surtitle {escape(result.surtitle)}; {escape(machine)}</p>"
        "</footer>"
    )
