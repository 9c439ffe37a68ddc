"""What readers see of lines that grow: how much is taken back, and how late words come.

Hypotheses of a recognizer (spoken.py) and translations of them go through what the server does with
them, and through what others do:

    live, steady  our own machines, at two settings of the dial
    re-send all   the newest answer, whole, whenever there is one
    agreement     what two answers in a row begin with, and no more (LocalAgreement-2)
    final         nothing before the end

The clock is the speech: what a model takes to answer is not in it, and is the same for all.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any, Protocol

from msgspec.structs import replace

from streaming.agreement import Agreement, several
from streaming.dial import Dial, mask
from streaming.measures import Reader
from streaming.messages import Caption, Kind, Stability
from streaming.retranslation import Ask, Retranslation
from streaming.units import common, pieces
from streaming.values import SAMPLE_RATE, Hypothesis, SpeechSegment, Text, Transcript

from .spoken import WORD_MS, Utterance

APART_S = 60.0  # between the starts of two utterances, so that they do not meet

Shown = Iterator[tuple[SpeechSegment, Text]]
Update = tuple[Transcript, str]
"""A transcript, and what all of it means."""


class Teller(Protocol):
    """Answers what `Retranslation` asks for."""

    forces_prefix: bool

    async def answer(self, whole: str, ask: Ask, told: Sequence[str]) -> str:
        """What follows the prefix. `whole`: what was said up to the end of what is asked about;
        `told`: pieces of the line before the answer, closed sentences and prefix."""
        ...


Line = tuple[Utterance, Teller]


class Policy(Protocol):
    """Decides what readers see of a line that is answered anew each time."""

    def push(self, answer: str, final: bool) -> Text | None:
        """Take the newest answer; None if nothing is shown anew."""
        ...


class ResendAll:
    def push(self, answer: str, final: bool) -> Text | None:
        return Text(answer) if final else Text("", answer)


class WaitForFinal:
    def push(self, answer: str, final: bool) -> Text | None:
        return Text(answer) if final else None


class Agreeing:
    def __init__(self) -> None:
        self.agreement = Agreement(2)

    def push(self, answer: str, final: bool) -> Text | None:
        return Text(answer if final else self.agreement.push(answer).promised)


OTHERS: dict[str, Callable[[], Policy]] = {
    "re-send all": ResendAll,
    "agreement": Agreeing,
    "final": WaitForFinal,
}
OURS: tuple[Stability, ...] = ("live", "steady")


# -- what is shown of a transcript


def transcripts(said: Utterance, hop_ms: int) -> Iterator[Transcript]:
    """What the server makes of the hypotheses for a segment."""
    agreement = Agreement(several(hop_ms))
    for heard in said.heard:
        found = tuple(pieces(heard.text))
        if heard.segment.final:
            line = Hypothesis(found, len(found), len(found), final=True)
        else:
            line = agreement.push(heard.text, heard.segment.quiet)
        yield Transcript(heard.segment, said.language, line)


def cut(lines: Iterable[tuple[SpeechSegment, Hypothesis]], dial: Dial) -> Shown:
    """What one setting of the dial shows of our lines."""
    for segment, line in lines:
        text = dial.push(line)
        if text is not None:
            yield segment, text


def others(answers: Iterable[tuple[SpeechSegment, str]], policy: Policy) -> Shown:
    """What another policy shows of the answers."""
    for segment, answer in answers:
        text = policy.push(answer, segment.final)
        if text is not None:
            yield segment, text


# -- what is shown of a translation


async def translations(
    said: Sequence[Transcript], teller: Teller, target: str
) -> list[tuple[SpeechSegment, Hypothesis]]:
    """What the server makes of the transcripts of a segment in another language."""
    machine = Retranslation(said[0].language, target, teller.forces_prefix)
    found = []
    for transcript in said:
        quiet = transcript.segment.quiet
        asks = machine.push(transcript)
        line = machine.line()
        for ask in asks:
            whole = transcript.line.text[: machine.done + len(ask.text)]
            told = (*machine.told, *machine.frozen)
            line = machine.take(ask, await teller.answer(whole, ask, told))
        found.append((transcript.segment, replace(line, quiet=quiet)))
    return found


async def answers(said: Sequence[Transcript], teller: Teller) -> list[tuple[SpeechSegment, str]]:
    """Every transcript translated as a whole."""
    found = []
    for transcript in said:
        text = transcript.line.text
        ask = Ask(text, final=transcript.final)
        found.append((transcript.segment, await teller.answer(text, ask, ()) if text else ""))
    return found


# -- measuring


@dataclass(slots=True)
class Seen:
    """What one reader saw of many utterances."""

    kind: Kind
    language: str
    reader: Reader
    count: int = 0
    repaired: int = 0
    """Units that finals took back."""

    @classmethod
    def of(cls, kind: Kind, language: str) -> "Seen":
        return cls(kind, language, Reader(_Schedules()))

    def push(self, shown: Shown) -> None:
        """Take all that was shown of one utterance."""
        before: list[str] = []
        for segment, text in shown:
            now = pieces(str(text).strip())
            self.repaired += len(before) - common(before, now) if segment.final else 0
            before = now
            caption = Caption(
                seq=self.reader.updates + 1,
                speaker=str(self.count),
                segment=segment.id,
                language=self.language,
                kind=self.kind,
                stable=text.stable,
                draft=text.draft,
                final=segment.final,
                start=segment.onset,
                end=segment.offset,
                heard=segment.end,
                at=0,
                engine="",
            )
            self.reader.push(caption, self.reader.schedules[caption.speaker](segment.end))
        self.count += 1

    def figures(self) -> dict[str, float]:
        """Of all utterances; delays in ms, their means in words, too."""
        figures = self.reader.figures()
        first = mean(shown for shown, _ in self.reader.delays)
        settled = mean(settled for _, settled in self.reader.delays)
        assert figures.first_display and figures.finalisation
        return {
            "erasure": round(figures.erasure or 0.0, 3),
            "by_finals": round(self.repaired / figures.written, 3),
            "first_ms": round(1000 * first),
            "first_words": round(1000 * first / WORD_MS, 2),
            "first_p95_ms": round(figures.first_display.p95),
            "settled_ms": round(1000 * settled),
            "settled_words": round(1000 * settled / WORD_MS, 2),
            "updates": round(figures.updates / self.count, 1),
            "retracted": figures.retracted,
        }


class _Schedules(dict[str, Callable[[int], float]]):
    """Speakers who speak one after the other, each from position 0."""

    def __missing__(self, speaker: str) -> Callable[[int], float]:
        begins = APART_S * int(speaker)
        return lambda position: begins + position / SAMPLE_RATE

    def get(self, speaker: str, default: Any = None) -> Any:
        return self[speaker]


def heard(said: Sequence[Utterance], hop_ms: int) -> dict[str, dict[str, float]]:
    """The figures of each policy for transcripts."""
    language = said[0].language
    found: dict[str, Seen] = {}
    for setting in OURS:
        seen = found[setting] = Seen.of("transcript", language)
        for one in said:
            lines = ((t.segment, t.line) for t in transcripts(one, hop_ms))
            seen.push(cut(lines, Dial(setting, mask(language, "transcript"))))
    for name, policy in OTHERS.items():
        seen = found[name] = Seen.of("transcript", language)
        for one in said:
            seen.push(others(((h.segment, h.text) for h in one.heard), policy()))
    return _compared(found)


async def translated(
    lines: Sequence[Line], target: str, hop_ms: int
) -> dict[str, dict[str, float]]:
    """The figures of each policy for translations."""
    found = {name: Seen.of("translation", target) for name in (*OURS, *OTHERS)}
    for said, teller in lines:
        spoken = list(transcripts(said, hop_ms))
        ours = await translations(spoken, teller, target)
        theirs = await answers(spoken, teller)
        for setting in OURS:
            found[setting].push(cut(ours, Dial(setting, mask(target, "translation"))))
        for name, policy in OTHERS.items():
            found[name].push(others(theirs, policy()))
    return _compared(found)


def _compared(found: dict[str, Seen]) -> dict[str, dict[str, float]]:
    """With how much later than from who re-sends all words come, in words."""
    figures = {name: seen.figures() for name, seen in found.items()}
    least = figures["re-send all"]["first_words"]
    for row in figures.values():
        row["later_words"] = round(row["first_words"] - least, 2)
    return figures
