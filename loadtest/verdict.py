"""What must hold, whether it did, and which stage it was that broke it."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Literal

from .tally import Tally

Judgement = Literal["met", "missed", "cannot tell"]

WHOLE_MS = 300.0
SHARES = {  # of WHOLE_MS at p95, in ms; drawing has the other 17, and a load tester draws nothing
    "capture": 25,
    "send": 0,  # this program's own lateness
    "transport": 63,  # uplink 25, jitter 10, downlink 28
    "detect": 3,
    "recognize": 95,
    "queue": 3,
    "translate": 90,
    "server": 194,  # all of it, where a server says nothing of its stages
}
STAGES = {
    "capture": "waiting for a frame to fill",
    "send": "this tester, late to send",
    "transport": "network and sockets, there and back",
    "detect": "finding speech",
    "recognize": "recognizing",
    "queue": "waiting inside the server",
    "translate": "translating",
    "server": "the server, which says no more",
    "updates": "words that come too seldom",
}
LATE = 0.05  # of the chunk-to-caption budget by which frames may leave late, at p99
LATE_ADDED = 0.2  # of the server's budget
BUSY = 90.0  # percent of a core: a tester this busy is late to read, too
FINALS = "finals lost or doubled"
BEHIND_MS = 1000.0  # a tester this late did not ask what it was to ask


@dataclass(frozen=True, slots=True)
class Bars:
    """The limits in ms; None: not judged."""

    budget: float | None = None
    """Of chunk-to-caption at p95; with a hop more, of the caption age at p95."""
    budget_server: float | None = None
    """Of what the server adds, at p99."""
    hop: float = 320.0
    """Between two looks of a recognizer: words are that old before they can be asked for."""

    def shown(self, tally: Tally, late: float, spent: Mapping[str, float]) -> None:
        """Blame the stages of a caption that came later than the budget."""
        if self.budget is None or late <= self.budget:
            return
        scale, blamed = self.budget / WHOLE_MS, tally.blamed("chunk_to_caption")
        for stage, ms in spent.items():
            blamed[stage] += max(0, round(ms - SHARES[stage] * scale))

    def added(self, tally: Tally, added: float, spent: Mapping[str, float]) -> None:
        """Blame the stages of a caption that the server added too much to."""
        if self.budget_server is None or added <= self.budget_server:
            return
        blamed = tally.blamed("server_added")
        for stage in ("send", "transport", "detect", "queue"):
            blamed[stage] += round(spent[stage])


@dataclass(frozen=True, slots=True)
class Verdict:
    """One bar beside its figure."""

    bar: str
    limit: float
    figure: float | None
    judgement: Judgement
    stage: str = ""
    """The stage that broke it."""

    @property
    def sentence(self) -> str:
        """In words."""
        if self.bar == FINALS:
            return f"{FINALS}: {self.figure or 'none'}, {self.judgement.upper()}"
        figure = "nothing came" if self.figure is None else f"{written(self.figure)} ms"
        said = f"{self.bar}: {figure} of {self.limit:g} ms, {self.judgement.upper()}"
        return f"{said} by {STAGES.get(self.stage, self.stage)}" if self.stage else said


@dataclass(frozen=True, slots=True)
class Health:
    """How well this program itself kept up."""

    late_p99: float
    """By how many ms frames left after they were due."""
    late_max: float
    cpu: float
    """Percent of a core, of its busiest process."""
    processes: int = 1
    lag_p99: float = 0.0
    """ms from one look at the sockets to the next."""

    def slow(self, allowed: float) -> bool:
        """It was no witness, where being `allowed` ms late does not matter."""
        return self.late_p99 > allowed or self.cpu > BUSY or self.behind

    @property
    def behind(self) -> bool:
        """It did not even ask what it was to ask."""
        return self.late_max > BEHIND_MS

    @property
    def sentence(self) -> str:
        """In words."""
        return (
            f"this tester: frames {self.late_p99:.1f} ms late at p99 ({self.late_max:.0f} at most),"
            f" {self.cpu:.0f} % of a core"
            + (f" in each of {self.processes} processes" if self.processes > 1 else "")
        )


def judged(tally: Tally, bars: Bars, tester: Health, faults: bool = False) -> list[Verdict]:
    """Every bar. Times count from when a frame was due, so a late tester makes figures worse and
    never better: what is met is met, and what is missed cannot be told apart."""
    found = []
    if bars.budget is not None:
        allowed = LATE * bars.budget
        c2c = _timed(tally, "chunk_to_caption", 95, bars.budget, tester, allowed)
        found.append(c2c)
        age = _timed(tally, "caption_age", 95, bars.budget + bars.hop, tester, allowed)
        if age.judgement == "missed" and not age.stage:
            stage = c2c.stage if c2c.judgement == "missed" else "updates"
            age = Verdict(age.bar, age.limit, age.figure, age.judgement, stage)
        found.append(age)
    if bars.budget_server is not None:
        allowed = LATE_ADDED * bars.budget_server
        found.append(_timed(tally, "server_added", 99, bars.budget_server, tester, allowed))
    if not faults:  # what is broken on purpose is reported, not judged
        wrong = sum(tally.counts[name] for name in ("finals_lost", "finals_doubled"))
        judgement: Judgement = "missed" if wrong else "met"
        found.append(Verdict(FINALS, 0, wrong, judgement))
    return found


def _timed(
    tally: Tally, name: str, percent: int, limit: float, tester: Health, allowed: float
) -> Verdict:
    times = tally.times.get(name)
    bar = f"{name.replace('_', ' ')}, p{percent}"
    if times is None or not times.histogram.total_count:
        return Verdict(bar, limit, None, "cannot tell" if tester.behind else "missed")
    figure = times.percentile(percent)
    if figure < limit and not tester.behind:
        return Verdict(bar, limit, figure, "met")
    if tester.slow(allowed):
        return Verdict(bar, limit, figure, "cannot tell")
    blamed = tally.blame.get(name)
    stage = blamed.most_common(1)[0][0] if blamed else ""
    return Verdict(bar, limit, figure, "missed", stage)


def exit_code(verdicts: list[Verdict]) -> int:
    """0: all met; 1: something was missed; 2: nothing was, but not all can be told."""
    judgements = {verdict.judgement for verdict in verdicts}
    return 1 if "missed" in judgements else 2 if "cannot tell" in judgements else 0


def written(ms: float) -> str:
    """Three digits, and no more after the point than help."""
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.3g}"


def told_of(times: Container[str]) -> list[str]:
    """The stages there are times of, in their order; where a server tells of its own stages, those
    captions that came without do not stand beside them."""
    found = [stage for stage in STAGES if stage in times or f"stage.{stage}" in times]
    return [stage for stage in found if stage != "server" or "transport" not in found]
