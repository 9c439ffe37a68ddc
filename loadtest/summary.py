"""What a conversation came to: the figures, and the lines they are printed as."""

from collections.abc import Sequence
from dataclasses import dataclass

from clients.latency import BUDGET_MS, Meter
from streaming import languages
from streaming.messages import Caption

from .scores import chrf, joined, uncovered, word_error_rate
from .script import Line, Script


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that the figures are made of."""

    script: Script
    judged: tuple[Line, ...]
    """The lines that were played."""
    finals: Sequence[Caption]
    speakers: dict[str, str]
    """A caption's speaker -> the script's."""
    late: Meter
    first_s: float | None
    """Seconds from the start of the command to the first words."""

    def of(self, speaker: str, language: str, kind: str) -> list[Caption]:
        """One speaker's finals in one language."""
        return [
            caption
            for caption in self.finals
            if self.speakers.get(caption.speaker) == speaker
            and (caption.language, caption.kind) == (language, kind)
        ]

    @property
    def targets(self) -> list[str]:
        """The languages that the script has translations in."""
        return sorted({code for line in self.script.lines for code in line.translations})

    def missing(self) -> list[Line]:
        """The lines that got no final."""
        return uncovered(self.judged, self.finals, self.speakers)


def summary(outcome: Outcome) -> str:
    """The figures as a few lines of text."""
    said, heard, rows = [], [], []
    for key, name in outcome.script.names.items():
        lines = [line for line in outcome.judged if line.speaker == key]
        said.append(" ".join(line.text for line in lines))
        finals = outcome.of(key, outcome.script.language, "transcript")
        heard.append(joined(finals))
        rate = word_error_rate(said[-1:], heard[-1:])
        rows.append(_row(name, outcome.script.language, len(finals), "word error rate", rate))
        rows += [_translated(outcome, key, name, lines, code) for code in outcome.targets]
    everybody = word_error_rate(said, heard)
    rows.append(_row("together", outcome.script.language, None, "word error rate", everybody))
    return "\n".join([*rows, *_times(outcome), *_missing(outcome)])


def _row(name: str, language: str, finals: int | None, what: str, value: float | None) -> str:
    count = "" if finals is None else f"{finals} final{'' if finals == 1 else 's'}"
    figure = "–" if value is None else f"{value:.2f}" if value < 2 else f"{value:.1f}"
    return f"  {name:<9} {languages.name(language):<9} {count:<10} {what} {figure}"


def _translated(outcome: Outcome, key: str, name: str, lines: Sequence[Line], language: str) -> str:
    """chrF of one speaker's translation, of all lines as one text."""
    finals = outcome.of(key, language, "translation")
    reference = " ".join(line.translations.get(language, "") for line in lines)
    return _row(name, language, len(finals), "chrF", chrf(reference, joined(finals)))


def _times(outcome: Outcome) -> list[str]:
    median, tail = outcome.late.percentile(50), outcome.late.percentile(95)
    rows = []
    if outcome.first_s is not None:
        rows.append(f"  first caption after {outcome.first_s:.1f} s")
    if median is not None and tail is not None:
        rows.append(
            f"  chunk to caption: median {median:.0f} ms, 95 % within {tail:.0f} ms"
            f" (budget {BUDGET_MS}), {len(outcome.late.values)} updates, over loopback"
        )
    return rows


def _missing(outcome: Outcome) -> list[str]:
    names = outcome.script.names
    missing = outcome.missing()
    if not missing:
        return [f"  every one of the {len(outcome.judged)} lines of the script got its final"]
    rows = [f"  {line.start / 1000:6.1f} s  {names[line.speaker]}: {line.text}" for line in missing]
    return [f"  without a final: {len(missing)} of {len(outcome.judged)} lines", *rows]
