"""A result as lines of text."""

from .result import KINDS, NAMES, Figure, Result
from .verdict import STAGES, told_of

WIDTH = 38


def told(result: Result) -> str:
    """The figures, where the time goes, what went wrong, and the verdict last."""
    return "\n".join(
        [
            "",
            f"{result.name}, {result.load['seconds']:g} s, {result.server}"
            + (f", {result.protocol}" if result.protocol != "surtitle" else ""),
            "",
            *figures(result),
            "",
            *stages(result),
            *counts(result),
            *soaked(result),
            "",
            *verdicts(result),
        ]
    )


def row(name: str, figure: Figure | None) -> str:
    """One line of the table."""
    if figure is None:
        return f"  {name:<{WIDTH}}      –"
    times = (figure.p50, figure.p90, figure.p95, figure.p99, figure.max)
    return f"  {name:<{WIDTH}}" + "".join(f"{ms:9.1f}" for ms in times) + f"{figure.count:10}"


def figures(result: Result) -> list[str]:
    """Times by what they mean."""
    head = f"  {'ms':<{WIDTH}}" + "".join(f"{it:>9}" for it in ("p50", "p90", "p95", "p99", "max"))
    lines = [f"{head}{'samples':>10}"]
    for name, words in NAMES.items():
        if name == "answer" and result.protocol == "surtitle":
            continue  # the same as what the server adds, with its engines
        figure = result.time(name)
        if figure is None:
            continue
        lines.append(row(words, figure))
        parts = [(kind, result.time(f"{name}.{kind}")) for kind in KINDS]
        if all(part is not None for _, part in parts):
            lines += [row(f"  {kind}", part) for kind, part in parts]
    return lines


def stages(result: Result) -> list[str]:
    """Where the time of visible updates went."""
    found = [(name, result.time(f"stage.{name}")) for name in told_of(result.times)]
    lines = [row(STAGES[name], figure) for name, figure in found if figure is not None]
    return ["  where it goes", *lines, ""] if lines else []


def counts(result: Result) -> list[str]:
    """What was counted."""
    had, said = result.counts, result.said
    lines = [
        f"  {had.get('captions', 0)} captions, {had.get('finals', 0)} finals,"
        f" {had.get('withdrawn', 0)} withdrawn, {had.get('finals_lost', 0)} lost,"
        f" {had.get('finals_doubled', 0)} doubled"
    ]
    erased = [
        f"{kind} {it.visible:.3f}" for kind, it in result.erasure.items() if it.visible is not None
    ]
    if erased:
        lines.append(f"  normalized erasure that readers saw: {', '.join(erased)}")
    if result.bytes_per_reader_hour:
        megabytes = result.bytes_per_reader_hour / 1e6
        whose = "reader" if result.load["readers"] else "speaker (they ask for latencies, too)"
        captions = (result.caption_bytes_per_reader_hour or 0.0) / 1e6
        said_so = f"  {megabytes:.2f} MB an hour to each {whose}, {captions:.2f} of them captions"
        lines.append(said_so)
    if said.skipped is not None:
        lines.append(f"  {said.skipped:.0f} updates skipped by the server")
    if said.hypothesis_offered:
        accepted = said.hypothesis_accepted or 0.0
        share = 100 * accepted / said.hypothesis_offered
        lines.append(
            f"  {accepted:.0f} of {said.hypothesis_offered:.0f} hypothesis tokens accepted"
            f" ({share:.0f} %)"
        )
    if said.cpu is not None:
        memory = "" if said.memory_mb is None else f", {said.memory_mb:.0f} MB"
        speakers = int(str(result.load["speakers"]))
        lines.append(
            f"  server: {said.cpu:.0f} % of a core ({said.loop_cpu:.0f} % its loop),"
            f" {said.cpu / speakers:.2f} % a speaker{memory}"
        )
    lines.append(f"  {result.tester.sentence}")
    if had.get("broken") or had.get("rejoined"):
        lines.append(
            f"  {had.get('broken', 0)} connections broken on purpose, {had.get('rejoined', 0)} came"
            f" back, {had.get('resumed', 0)} of them where they had been"
        )
    if had.get("undrained"):
        lines.append(f"  {had['undrained']} waited for the end in vain")
    if result.broken:
        lines.append(f"  {len(result.broken)} connections ended early: {result.broken[0]}")
    return lines


def soaked(result: Result) -> list[str]:
    """Whether the end was as the beginning."""
    soak = result.soak
    if soak is None:
        return []

    def pair(values: tuple[float | None, float | None], unit: str = "ms") -> str:
        first, last = ("–" if value is None else f"{value:.1f}" for value in values)
        return f"{first} {unit} in the first tenth, {last} in the last"

    def growth(value: float | None, unit: str) -> str:
        return "too short to say" if value is None else f"{value:+.2f} {unit} an hour"

    return [
        "",
        f"  memory {growth(soak.memory_mb_per_hour, 'MB')}",
        f"  caption age {growth(soak.age_ms_per_hour, 'ms')}",
        f"  chunk to caption, p95: {pair(soak.shown_p95)}",
        f"  caption age, p95: {pair(soak.age_p95)}",
        f"  the server's loop lag, p99 at most: {pair(soak.lag_p99_at_most)}",
    ]


def verdicts(result: Result) -> list[str]:
    """Every bar, and why nothing can be told if that is so."""
    lines = [f"  {verdict.sentence}" for verdict in result.verdicts]
    if any(verdict.judgement == "cannot tell" for verdict in result.verdicts):
        lines.append("  this tester was too slow to tell: give it cores of its own, or a machine")
    return lines
