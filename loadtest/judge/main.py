"""`surtitle judge`: how good the captions of known recordings are, and what streaming costs."""

import argparse
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from clients import arguments, child
from clients.console import Problem, run
from loadtest.script import CONVERSATION
from streaming import languages
from streaming.measures import Figures
from streaming.messages import Stability

from . import quality, text
from .corpus import Recording, read
from .seen import Heard, heard, kept, offline

EXAMPLES = """\
  surtitle judge                        the demo's conversation, with a server of its own
  surtitle judge talks --to es          NAME.flac with NAME.tsv: start, end, en, es
  surtitle judge talks --server URL     somebody else's; its offline result is not known
  surtitle judge --text talks.txt --to es       what readers see, by policy, of a text that is said
  surtitle judge --json judged.json"""
EXPLAINED = """\
errors   wrong words (or characters) for each that was said
offline  what the same engines make of whole segments, when nothing has to be quick
erasure  units taken back for each that stays
lag      LongYAAL in ms: from what was said to its words, shown first, and settled"""
TRANSLATORS = ("apertium", "sglang", "openai", "scripted")
SERVED = ("sglang", "openai")
HEAD = (
    *("", "errors", "offline", "BLEU", "offline", "chrF", "offline"),
    *("erasure", "lag first", "settled"),
)


class Options(argparse.Namespace):
    """What the command line said."""

    folder: Path
    to: str | None
    server: str | None
    engine: str
    stability: Stability
    speed: float
    text: Path | None
    source: str
    lines: int
    translator: str
    translator_url: str
    translator_model: str
    json: Path | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one language of a corpus; None where it does not apply or is not known."""

    language: str
    kind: str
    errors: float | None
    bleu: float | None
    chrf: float | None
    offline_errors: float | None
    offline_bleu: float | None
    offline_chrf: float | None
    lag_first: tuple[float, float] | None
    lag_settled: tuple[float, float] | None
    figures: tuple[Figures, ...]
    """Of each recording."""

    @property
    def erasure(self) -> float | None:
        """Normalized Erasure of what was visible, over all recordings."""
        written = sum(one.written for one in self.figures)
        return sum(one.erased for one in self.figures) / written if written else None


def main(argv: Sequence[str]) -> int:
    """Judge, print a table, and keep it if asked; the exit code."""
    options = parser().parse_args(argv, Options())
    return run(judge(options) if options.text is None else judge_text(options))


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    about = (
        "Play recordings whose words are known to a server, read along, and say how good the"
        " captions were, how late and how restless; beside what the same engines make offline."
    )
    it = arguments.parser("judge", about, EXAMPLES)
    it.add_argument(
        "folder", type=Path, nargs="?", default=CONVERSATION, help="of recordings (the demo's)"
    )
    it.add_argument("--to", metavar="LANG", help="only this translation (all there are)")
    it.add_argument("--server", metavar="URL", help="a server that runs (one of its own)")
    it.add_argument("--engine", default="auto", help="engines of its own server (auto)")
    dial = "how much is hidden until it is sure: live, steady or final (live)"
    it.add_argument("--stability", choices=get_args(Stability), default="live", help=dial)
    faster = "play N times faster, with a server of its own (1)"
    it.add_argument("--speed", type=float, default=1.0, metavar="N", help=faster)
    said = "a text, or a folder of them, instead of recordings: what each policy would show of it"
    it.add_argument("--text", type=Path, metavar="PATH", help=said)
    spoken = "what --text is written in (en)"
    it.add_argument("--from", dest="source", type=arguments.language, default="en",
                    metavar="LANG", help=spoken)  # fmt: skip
    most = "of each file of --text, at most (100)"
    it.add_argument("--lines", type=int, default=100, metavar="N", help=most)
    it.add_argument("--translator", choices=TRANSLATORS, default="apertium",
                    help="of --text with --to (apertium)")  # fmt: skip
    there = "where that is, for sglang and openai; its key is read from $SURTITLE_TRANSLATOR_KEY"
    it.add_argument("--translator-url", default="", metavar="URL", help=there)
    named = "what that server calls the model, if it serves several"
    it.add_argument("--translator-model", default="", metavar="NAME", help=named)
    it.add_argument("--json", type=Path, metavar="FILE", help="keep everything there")
    return it


async def judge_text(options: Options) -> int:
    """Policies on texts; 0 whatever they come to."""
    assert options.text is not None
    if options.to:
        options.to = _checked(options.to)
    if options.translator in SERVED and options.to and not options.translator_url:
        raise Problem(f"--translator {options.translator} is on a server: name --translator-url")
    if options.lines < 1:
        raise Problem("--lines: one at least")
    asked = text.Texts(
        options.text, options.source, options.to, options.lines, options.translator,
        options.translator_url, options.translator_model,
    )  # fmt: skip
    found = await text.judged(asked)
    print(text.table(found))
    if options.json:
        kept(options.json, found)
    return 0


def _checked(language: str) -> str:
    try:
        return languages.check(language)
    except ValueError as error:
        raise Problem(f"--to: {error}") from error


async def judge(options: Options) -> int:
    """All recordings one after the other, at their own pace."""
    if options.to:
        options.to = _checked(options.to)
    if options.server and options.speed != 1:
        raise Problem("--speed is for a server of its own: leave --server out")
    recordings = read(options.folder)
    async with AsyncExitStack() as stack:
        url = options.server
        if url is None:
            made = child.server(options.engine, options.speed)
            url = (await stack.enter_async_context(made)).url
        found = [await _heard(url, one, options) for one in recordings]
    alone = [] if options.server else [await _offline(one, options) for one in recordings]
    verdicts = judged(found, alone, options.to)
    print(table(verdicts, found))
    if options.json:
        kept(options.json, _record(verdicts, found, options))
    return 0


def _targets(recording: Recording, only: str | None) -> list[str]:
    if only and only not in recording.targets:
        known = ", ".join(recording.targets) or "nothing"
        raise Problem(f"{recording.name} is not translated into {only} but into {known}")
    return [only] if only else recording.targets


async def _heard(url: str, recording: Recording, options: Options) -> Heard:
    length = max(said.end for said in recording.said) / 1000 / options.speed
    print(f"{recording.name}: about {length:.0f} s", flush=True)
    reads = _targets(recording, options.to)
    return await heard(url, recording, reads, options.stability, options.speed)


async def _offline(recording: Recording, options: Options) -> dict[str, str]:
    print(f"{recording.name}: offline", flush=True)
    texts: dict[str, str] = {}
    targets: list[str | None] = [*_targets(recording, options.to)]
    for target in targets or [None]:
        texts |= await offline(recording, target, options.engine)
    return texts


def judged(
    found: Sequence[Heard], alone: Sequence[dict[str, str]], only: str | None = None
) -> list[Verdict]:
    """Each language spoken, then each translated into, over all recordings; `alone` their offline
    texts, [] if there are none."""
    spoken = dict.fromkeys(one.recording.language for one in found)
    told = dict.fromkeys(code for one in found for code in _targets(one.recording, only))
    return [
        *(_verdict(language, found, alone, True) for language in spoken),
        *(_verdict(language, found, alone, False) for language in told),
    ]


def _verdict(
    language: str, found: Sequence[Heard], alone: Sequence[dict[str, str]], source: bool
) -> Verdict:
    chosen = [
        (place, one)
        for place, one in enumerate(found)
        if (one.recording.language == language) == source
        and (source or language in one.recording.targets)
    ]
    references = [one.recording.text(language) for _, one in chosen]
    shown = [one.seen[language].text if language in one.seen else "" for _, one in chosen]
    offline_texts = [alone[place].get(language, "") for place, _ in chosen] if alone else None

    def rate(texts: Sequence[str] | None) -> float | None:
        if texts is None or not source:
            return None
        return quality.error_rate(" ".join(references), " ".join(texts), language)

    def score(texts: Sequence[str] | None, metric: str) -> float | None:
        if texts is None or source:
            return None
        if metric == "bleu":
            return quality.bleu(references, texts, language)
        return quality.chrf(references, texts)

    words = [
        (one.recording, one.seen[language].words, one.length)
        for _, one in chosen
        if language in one.seen
    ]
    return Verdict(
        language=language,
        kind="transcript" if source else "translation",
        errors=rate(shown),
        bleu=score(shown, "bleu"),
        chrf=score(shown, "chrf"),
        offline_errors=rate(offline_texts),
        offline_bleu=score(offline_texts, "bleu"),
        offline_chrf=score(offline_texts, "chrf"),
        lag_first=quality.lag(words, language, settled=False) if words else None,
        lag_settled=quality.lag(words, language, settled=True) if words else None,
        figures=tuple(one.seen[language].figures for _, one in chosen if language in one.seen),
    )


def table(verdicts: Sequence[Verdict], found: Sequence[Heard]) -> str:
    """One row a language."""
    rows = [list(HEAD)]
    for one in verdicts:
        rows.append(
            [
                f"{one.language} {one.kind}",
                *(_share(value) for value in (one.errors, one.offline_errors)),
                *(_number(value) for value in (one.bleu, one.offline_bleu)),
                *(_number(value) for value in (one.chrf, one.offline_chrf)),
                _share(one.erasure),
                *(_lag(value) for value in (one.lag_first, one.lag_settled)),
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    engines = ", ".join(sorted({engine for one in found for engine in one.engines}))
    return "\n".join([f"\nengines: {engines}", *lines, "", EXPLAINED])


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _lag(value: tuple[float, float] | None) -> str:
    return "" if value is None else f"{value[0]:.0f}"


def _record(
    verdicts: Sequence[Verdict], found: Sequence[Heard], options: Options
) -> dict[str, Any]:
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "corpus": options.folder.name,
        "stability": options.stability,
        "speed": options.speed,
        "engines": sorted({engine for one in found for engine in one.engines}),
        "recordings": {one.recording.name: round(one.length) for one in found},
        "verdicts": [asdict(one) | {"erasure": one.erasure} for one in verdicts],
        "texts": {
            one.recording.name: {language: seen.text for language, seen in one.seen.items()}
            for one in found
        },
    }
