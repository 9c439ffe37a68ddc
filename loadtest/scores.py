"""How well the words were heard and translated, against a script. Pure: text and times in."""

import re
from collections.abc import Iterable, Sequence

import jiwer
import sacrebleu

from streaming.messages import Caption
from streaming.values import milliseconds

from .script import Line

SMALL: list[str] = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen",
)
TENS: list[str] = re.findall(r"[\w-]+", "- - twenty thirty forty fifty sixty seventy eighty ninety")
COVERED = 0.5  # of a line's time that finals must cover


def normalised(text: str) -> str:
    """Only what was said: lower case, no punctuation, numbers in English words, single spaces."""
    text = text.lower().replace("’", "'")
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"\d+", _spelt, text)
    text = re.sub(r"[^\w']|_|\B'|'\B", " ", text)
    return " ".join(text.split())


def _spelt(found: re.Match[str]) -> str:
    return f" {spelt(int(found[0]))} "


def spelt(number: int) -> str:
    """A whole number below a million in words, larger ones digit by digit."""
    if number < 20:
        return SMALL[number]
    if number < 100:
        return " ".join([TENS[number // 10], *_rest(number % 10)])
    if number < 1000:
        return " ".join([SMALL[number // 100], "hundred", *_rest(number % 100)])
    if number < 1_000_000:
        return " ".join([spelt(number // 1000), "thousand", *_rest(number % 1000)])
    return " ".join(SMALL[int(digit)] for digit in str(number))


def _rest(number: int) -> list[str]:
    return [spelt(number)] if number else []


def word_error_rate(said: Sequence[str], heard: Sequence[str]) -> float | None:
    """Wrong words per word said, over pairs of texts; None if nothing was said."""
    pairs = [
        (words, normalised(other))
        for words, other in zip(map(normalised, said), heard, strict=True)
        if words
    ]
    if not pairs:
        return None
    return float(jiwer.wer([words for words, _ in pairs], [other for _, other in pairs]))


def chrf(reference: str, translation: str) -> float | None:
    """chrF of a whole translation against a whole reference, 0 to 100; None without reference."""
    if not reference.strip():
        return None
    return float(sacrebleu.corpus_chrf([translation], [[reference]]).score)


def joined(captions: Iterable[Caption]) -> str:
    """The text of one speaker's lines in one language, in the order they were said."""
    ordered = sorted(captions, key=lambda caption: (caption.start, caption.segment))
    return " ".join(caption.text.strip() for caption in ordered)


def uncovered(
    lines: Iterable[Line], captions: Iterable[Caption], speakers: dict[str, str]
) -> list[Line]:
    """The lines that got no final: less than half of their time is in their speaker's finals.

    `speakers` maps a caption's speaker to the script's.
    """
    spans: dict[str, list[tuple[float, float]]] = {}
    for caption in captions:
        if caption.final and caption.kind == "transcript" and caption.speaker in speakers:
            span = milliseconds(caption.start), milliseconds(caption.end)
            spans.setdefault(speakers[caption.speaker], []).append(span)
    return [line for line in lines if not _covered(line, spans.get(line.speaker, []))]


def _covered(line: Line, spans: Iterable[tuple[float, float]]) -> bool:
    heard = sum(max(0.0, min(line.end, to) - max(line.start, since)) for since, to in spans)
    return heard >= COVERED * (line.end - line.start)
