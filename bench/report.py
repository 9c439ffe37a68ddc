"""Every figure beside its bar, in words."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import audience, glasses, server_added, soak, transports

OVERHEAD = 10.0  # percent that our pocketsphinx may cost more than the bare decoder
WORSE = 0.05  # word error rate that it may be worse by
DRAW_MS = 17.0  # an update on the screen: one frame at 60 Hz
FEWER = 3.0  # times fewer passes than writing every token, at one word, on whole lines
ERASURE = {"transcripts": 0.1, "translations": 0.2}  # visible, of `live`
LATER = 2.0  # words that a translation may come later than from who re-sends all
LAG_MS = 10.0  # p99 of the event loop's lag while it soaks
GROWN = 1.5  # times the highest age of the tenths before, at the end


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `met` is None where there is no bar, or no telling."""

    what: str
    figure: str
    bar: str = ""
    met: bool | None = None
    timed: bool = False
    """The machine, and who else is on it, decide it too: missing it is said and fails nothing."""

    @property
    def verdict(self) -> str:
        if self.met is None:
            return self.bar
        return f"{self.bar}: {'met' if self.met else 'MISSED'}"


def rows(name: str, found: Mapping[str, Any]) -> list[Row]:
    """What one part has measured."""
    if "failed" in found:
        return [Row(name, "failed", found["failed"])]
    if isinstance(found.get("skipped"), str):
        return [Row(name, "skipped", found["skipped"])]
    try:
        return list(PARTS[name](found))
    except (LookupError, TypeError, ValueError) as error:  # its figures are kept all the same
        return [Row(name, "cannot be shown", f"{type(error).__name__}: {error}")]


def table(all_rows: Iterable[Row]) -> str:
    """The rows, aligned."""
    listed = list(all_rows)
    what = max(len(row.what) for row in listed)
    figure = max(len(row.figure) for row in listed)
    lines = (f"{row.what:{what}}  {row.figure:{figure}}  {row.verdict}" for row in listed)
    return "\n".join(line.rstrip() for line in lines)


def _server_added(found: Mapping[str, Any]) -> Iterator[Row]:
    for point in found["points"]:
        latency = point["latency"]
        name = f"server-added, {point['load']}"
        if latency is None:
            yield Row(name, "no caption came", "captions", False)
            continue
        quarters = " / ".join(f"{latency[p]:.1f}" for p in ("p50", "p95", "p99", "max"))
        yield Row(name, f"{quarters} ms", *_bar(point, latency["p99"]))
        yield Row(
            "",
            f"CPU {point['server_cpu']:.0f} %, tester {point['tester_cpu']:.0f} % and "
            f"{point['tester_late']['p99']:.1f} ms late; {latency['count']} captions",
        )
        missing = point["finals_lost"] + point["finals_doubled"] + point["undrained"]
        yield Row(
            "",
            f"{point['finals']} finals, {point['finals_lost']} lost, {_skipped(point)}",
            "none lost or doubled",
            not missing,
        )


def _skipped(found: Mapping[str, Any]) -> str:
    """A server that is full does not even say how many."""
    known = found["skipped"]
    return (
        "updates skipped, nobody says how many" if known is None else f"{known:.0f} updates skipped"
    )


def _bar(point: Mapping[str, Any], p99: float) -> tuple[str, bool | None]:
    most = server_added.BARS_MS.get(point["speakers"])
    if most is None or point["together"] != 1:
        return "p50 / p95 / p99 / max", None
    bar = f"p99 < {most:g} ms"
    if point["tester_slow"] and p99 >= most:
        return f"{bar}: no telling, the tester itself was late", None
    return bar, p99 < most


def _audience(found: Mapping[str, Any]) -> Iterator[Row]:
    many = f"1 speaker, {found['readers']:,} readers, {found['languages']} languages"
    for name, what, bar in (
        ("audience", many, audience.BAR_MS),
        ("audience, both", f"{many}, others speak", audience.BAR_MS),
        ("others", f"{found['speakers']} other speakers, alone", None),
        ("others, both", f"{found['speakers']} other speakers beside them", audience.HURT_MS),
    ):
        point = found[name]
        received = point["received"]
        if received is None:
            yield Row(what, "no caption came", "captions", False)
            continue
        quarters = " / ".join(f"{received[p]:.1f}" for p in ("p50", "p95", "p99", "max"))
        late = point["tester_late"]["p99"]
        told = "p50 / p95 / p99 / max" if bar is None else f"p99 < {bar:g} ms"
        met = None if bar is None else received["p99"] < bar
        if met is False and late > server_added.SLOW_MS:
            told, met = f"{told}: no telling, the tester itself was late", None
        yield Row(f"received: {what}", f"{quarters} ms", told, met, timed=True)
        lost = point["finals_lost"] + point["finals_doubled"]
        cpu = f"CPU {point['server_cpu']:.0f} %, tester {late:.1f} ms late"
        yield Row("", f"{cpu}; {lost} finals lost or doubled", "none", not lost)
    size = found["audience"]["mb_per_reader_hour"]
    words = found["audience"]["captions_mb_per_reader_hour"]
    told = f"{size} MB an hour, {words} of them captions"
    yield Row("to each reader", told, f"< {audience.BYTES_MB:g} MB", size < audience.BYTES_MB)


def _soak(found: Mapping[str, Any]) -> Iterator[Row]:
    slope, memory = found["slope_mb_per_hour"], found["memory_mb"]
    name = f"memory, {found['minutes']:g} min of speech at {found['speed']:g} times its pace"
    figure = f"{memory['first']:.0f} -> {memory['last']:.0f} MB"
    if slope is None:
        yield Row(name, figure, "too short to say")
    else:
        finals = found["finals_mb_per_hour"]
        growth = f"{figure}, {slope:+.1f} MB/h, finals {finals:.1f} of it"
        beyond = f"< {soak.GROWTH_MB:g} MB/h beyond them"
        yield Row(name, growth, beyond, slope - finals < soak.GROWTH_MB)
    for name, spare in soak.SPARE.items():
        before, after = found[name].values()
        change = f"{before:g} in the first tenth, {after:g} in the last"
        yield Row(name, change, f"at most {spare} more", after <= before + spare)
    shown = [tenth for tenth in found["shown_p95"] if tenth is not None]
    if len(shown) > 1:
        most = soak.LATER * shown[0] + soak.SPARE_MS
        tenths = f"p95 {shown[0]:.0f} ms in the first tenth, {shown[-1]:.0f} ms in the last"
        yield Row("chunk to caption", tenths, f"< {most:.0f} ms", shown[-1] < most, timed=True)
    first, last = found["lag_p99_at_most"].values()
    lag = f"p99 at most {first:g} ms, then {last:g} ms"
    calm = max(first, last) <= LAG_MS
    yield Row("loop lag, first and last third", lag, f"< {LAG_MS:g} ms", calm, timed=True)
    ends = f"{_skipped(found)}, {found['undrained']} speakers not drained"
    yield Row("", ends, "all drained", not found["undrained"])
    wrong = found["finals_lost"] + found["finals_doubled"] + len(found["broken"])
    lost = f"{found['finals_lost']} finals lost, {found['finals_doubled']} doubled"
    yield Row("", f"{lost}, {len(found['broken'])} connections broken", "none", not wrong)


def _detector(found: Mapping[str, Any]) -> Iterator[Row]:
    costs = found["us_per_window"]
    cheapest = min(costs, key=lambda size: float(costs[size]))
    first = next(iter(costs))
    yield Row(f"{found['detector']}, a window of 32 ms", f"{costs[first]:.0f} us alone")
    yield Row("", f"{costs[cheapest]:.0f} us with {cheapest} microphones in a call")
    yield Row("", f"a core is full at {found['microphones_per_core']} microphones")


def _recognizer(found: Mapping[str, Any]) -> Iterator[Row]:
    factor, overhead = found["real_time_factor"], found["overhead_percent"]
    yield Row("pocketsphinx, CPU for a second", f"{factor['ours']:.3f} s, bare {factor['bare']} s")
    yield Row("", f"{overhead:+.1f} %", f"overhead < {OVERHEAD:g} %", overhead < OVERHEAD)
    wer = found["wer"]
    bare = wer["bare, its own"]
    yield Row(
        "pocketsphinx, word error rate",
        f"{wer['ours']}, bare {bare}",
        f"<= bare + {WORSE:g}",
        None if bare is None else wer["ours"] <= bare + WORSE,
    )
    for key, value in found.items():
        if isinstance(value, Mapping) and "update_ms" in value:
            update, finish = value["update_ms"], value["finish_ms"]
            figure = f"update {update['p50']} / {update['p95']} ms, final {finish['p95']} ms"
            yield Row(f"pocketsphinx, {key}", figure, "p50 / p95, p95")


def _drawing(found: Mapping[str, Any]) -> Iterator[Row]:
    for size, draws in found["draws"].items():
        figure = f"{draws['p50']:.1f} / {draws['p95']:.1f} ms"
        yield Row(f"an update at {size}", figure, f"p95 < {DRAW_MS:g} ms", draws["p95"] < DRAW_MS)
        share = draws["core_percent"]
        yield Row("", f"{share:.1f} % of a core at ten a second", "< 10 %", share < 10)
    paint = found["first_paint_s"]
    yield Row("start to first paint", f"{paint:.2f} s", "< 1 s", paint < 1)
    memory = found["memory"]
    grown = f"{memory['third_mib']:g} MiB after a third, {memory['end_mib']:g} at the end"
    yield Row(f"terminal, {memory['minutes']:g} min of captions", grown)


def _glasses(found: Mapping[str, Any]) -> Iterator[Row]:
    for name, worn in found["displays"].items():
        late, share, memory = worn["chunk_to_caption_p95_ms"], worn["core"], worn["memory_mb"]
        figure = f"{worn['chunk_to_caption_p50_ms']:.0f} / {late:.0f} ms to the display"
        bar = f"p95 < {glasses.LATE_MS:g} ms"
        yield Row(f"glasses, {name}", figure, bar, late < glasses.LATE_MS, timed=True)
        stages = ("arrived", "server_recognize", "held", "device")
        ms = [f"{worn[f'{one}_p50_ms']:.0f} / {worn[f'{one}_p95_ms']:.0f}" for one in stages]
        yield Row("  of that until it came", f"{ms[0]} ms", f"recognizer {ms[1]}")
        yield Row("  held for the display", f"{ms[2]} ms", f"its driver {ms[3]}")
        age = f"{worn['age_p50_ms']:.0f} / {worn['age_p95_ms']:.0f} ms"
        yield Row("  caption age", age, "p50 / p95")
        bar = f"< {glasses.CORE:.0%}"
        yield Row("  of a core", f"{share:.1%}", bar, share < glasses.CORE, timed=True)
        bar = f"< {glasses.MEMORY_MB:g} MB"
        yield Row("  memory", f"{memory:.0f} MB", bar, memory < glasses.MEMORY_MB)
    for name, worn in found["without_engines"].items():
        late, bar = worn["chunk_to_caption_p95_ms"], f"p95 < {glasses.LATE_MS:g} ms"
        figure = f"{worn['chunk_to_caption_p50_ms']:.0f} / {late:.0f} ms to the display"
        yield Row(f"engines of 0 ms, {name}", figure, bar, late < glasses.LATE_MS, timed=True)
    worn = found["worn_long"]
    before, after = worn["memory_second_tenth_mb"], worn["memory_last_tenth_mb"]
    bar = f"< {glasses.GROWN_MB:g} MB more"
    name = f"{found['minutes']} min, {worn['finals']} lines"
    flat = after - before < glasses.GROWN_MB
    yield Row(name, f"{before:.1f} to {after:.1f} MB", bar, flat)
    most = worn["memory_mb"]
    yield Row(
        "  at the most", f"{most:.0f} MB", f"< {glasses.MEMORY_MB:g} MB", most < glasses.MEMORY_MB
    )
    missed = f"{worn['missed']} never shown"
    yield Row("  captions", missed, "none", not worn["missed"], timed=True)


def _hypotheses(found: Mapping[str, Any]) -> Iterator[Row]:
    for point in found["points"]:
        schemes = point["schemes"]
        words = "a word" if point["hop_words"] == 1 else f"{point['hop_words']} words"
        kind = f"{point['lines']} lines into {point['into']}, {words} at a time"
        erasure, length = schemes["plain"]["erasure"], point["final_tokens"]
        least = f"at the least {point['least_passes']:.2f} passes"
        yield Row(kind, f"{least}; erasure {erasure:g}, {length:g} tokens at the end")
        for name, took in schemes.items():
            figure = f"{took['passes']:.2f} passes, {took['verified']:.0f} tokens an update"
            judged = name == "plugin" and point["lines"] == "long" and point["hop_words"] == 1
            if took["different"] and name != "forced":
                yield Row(f"  {name}", figure, f"{took['different']} answers differ", False)
            elif judged:
                met = took["times_fewer"] >= FEWER
                bar = f"{took['times_fewer']:.2f} times fewer, >= {FEWER:g}"
                yield Row(f"  {name}", figure, bar, met)
            else:
                yield Row(f"  {name}", figure, f"{took['times_fewer']:.2f} times fewer")


def _end_to_end(found: Mapping[str, Any]) -> Iterator[Row]:
    spoken, written = found["spoken"], found["written"]
    wrong = sum(spoken[name] for name in ("lost", "doubled", "after_final", "disordered"))
    name = f"two people, two languages, {found['minutes']:g} min"
    yield Row(name, f"{spoken['finals']} finals, {wrong} wrong", "none lost or doubled", not wrong)
    for kind in ("transcript", "translation"):
        part = spoken[kind]
        late, age = part["chunk_to_caption"], part["caption_age"]
        figure = (
            f"{late['p50']:.0f} / {late['p95']:.0f} ms, age {age['p50']:.0f} / {age['p95']:.0f}"
        )
        yield Row(f"  {kind}s", figure, "p50 / p95, on a processor")
        tenths = [one["p50"] for one in part["caption_age_by_tenth"] if one]
        first, last = tenths[0], tenths[-1]
        grown = f"{first:.0f} ms in the first tenth, {last:.0f} in the last"
        yield Row("  their age", grown, "no growth", last <= GROWN * max(tenths[:-1]))
    figure = (
        f"{written['passes_per_answer']:.2f} passes for {written['tokens_per_answer']:.1f} tokens"
    )
    yield Row(f"{written['lines']} lines as written", f"{figure} an update")
    erasure = f"erasure {written['erasure']:g}, {len(written['different'])} finals differ"
    erasure += f", {written['untranslated']} untranslated"
    yield Row("", erasure, "from what it says at once: none", not written["different"])


def _policies(found: Mapping[str, Any]) -> Iterator[Row]:
    for kind, least in ERASURE.items():
        for name, shown in found[kind].items():
            if "skipped" in shown:
                yield Row(name, "skipped", shown["skipped"])
                continue
            live = shown["live"]
            each = (
                f"{policy} {one['erasure']:.2f} at {one['later_words']:+.1f}"
                for policy, one in shown.items()
                if one["erasure"] or one["later_words"]
            )
            met = live["erasure"] <= least
            bar = f"live <= {least:g}"
            if kind == "translations":
                met, bar = met and live["later_words"] <= LATER, f"{bar} at <= {LATER:+g} words"
            yield Row(f"{kind[:-1]}, {name}", ", ".join(each), bar, met)


def _local(found: Mapping[str, Any]) -> Iterator[Row]:
    for name, folder in found["folders"].items():
        if "failed" in folder:
            yield Row(name, "failed", folder["failed"])
            continue
        each = "a sentence" if folder["role"] == "translator" else "a second of sound"
        late = folder["loop_lag_ms"]
        figure = f"{folder['each_ms']:.1f} ms {each}, {folder['memory_mb']:.0f} MB"
        figure += f", {folder['threads']} threads"
        yield Row(f"{name} ({folder['what']})", figure)
        yield Row(
            "  event loop meanwhile", f"{late['p50']:.1f} / {late['p99']:.1f} ms", "p50 / p99"
        )


def _transports(found: Mapping[str, Any]) -> Iterator[Row]:
    for point in found["points"]:
        late, age = point["chunk_to_caption"], point["caption_age"]
        name = f"{transports.NAMES[point['way']]}, {point['loss']:.0%} lost"
        if late is None or age is None:
            yield Row(name, "no caption came", "captions", False)
            continue
        figure = f"{late['p50']:.0f} / {late['p95']:.0f} / {late['p99']:.0f} ms"
        yield Row(name, f"{figure}, age {age['p50']:.0f} / {age['p95']:.0f} ms", "p50 / p95 / p99")
        if packets := point["packets"]:
            share = packets["heard"] / packets["came"]
            least = transports.DELIVERED
            bar = f"of those that came, >= {least:.0%}"
            yield Row("", f"{share:.1%} of packets heard", bar, share >= least)
        if point["tester_late"]["p95"] > transports.SLOW_MS:
            yield Row("", "no telling: the tester itself was late")
    for cost in found["costs"]:
        streams = f"{cost['streams']} stream{'s' * (cost['streams'] > 1)}"
        name = f"server, {streams} by {transports.NAMES[cost['way']]}"
        yield Row(name, f"{cost['percent_each']:.1f} % of a core each")


def _capacity(found: Mapping[str, Any]) -> Iterator[Row]:
    budget, predicted = found["budget_ms"], found["predicted"]
    yield Row(f"speakers within {budget:g} ms, by the model", f"{predicted}")
    holds = []
    for point in found["points"]:
        said, seen = (point[whose]["translations"] for whose in ("model", "real"))
        p95 = seen["p95"] if seen else float("inf")
        holds.append(p95 < budget)
        figure = f"p95 {said['p95']:.0f} ms by the model, {p95:.0f} really"
        late = point["tester"]["late_p99"]
        yield Row(f"  {point['speakers']} of them", figure, f"tester {late:.1f} ms late at p99")
        missing = point["finals_lost"] + point["finals_doubled"]
        yield Row("", f"{missing} finals lost or doubled", "none", not missing)
    right = holds[0] and not holds[-1]
    figure = (
        f"holds with {found['points'][0]['speakers']}, not with {found['points'][-1]['speakers']}"
    )
    yield Row("", figure if right else "otherwise", "the model is right to 10 %", right, timed=True)


PARTS: dict[str, Callable[[Mapping[str, Any]], Iterator[Row]]] = {
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
