"""Find the voice that a second microphone heard too, so that its line is withdrawn.

Two people in one room wear a microphone each; each hears both. The same words then come as two
lines, of the same moment, one of them quieter and often with worse words and other borders.

- Text: the line must be found, more than .8 alike, in what the other speaker's lines of that moment
  say together; they may be longer (one microphone cut the sentence in two), it may not be, for what
  it says beyond them is somebody's own.
- Moment: the two must share half the time of the shorter. Who confirms a sentence by repeating it
  does so after it; microphones hear it at once. Only lines too long to be repeated by heart may
  merely start within 2 s, as far as two connections may differ.
- Length: three different words (six different Han characters) at least: "yes", "okay okay" and
  "thank you" are said by two people at once.
- Level: short lines must differ by 3 dB, as from 1.4 times the distance; two people who say
  "nice to meet you" into their own microphones are about as loud. Of long lines nothing is
  asked: browsers level microphones automatically, and nobody says eight same words by chance.

Two captions of one sentence are a nuisance, a lost sentence is a fault: in doubt a line stays.
rapidfuzz (C++, on the server only) takes 0.06 ms for a comparison that difflib takes 6 for, and a
room of many may make hundreds at one final. Thin clients never import this module.
"""

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz.distance import LCSseq
from rapidfuzz.fuzz import partial_ratio_alignment

from .units import joins, stands_alone, units

ALIKE = 0.8
NEAR = 2_000  # ms between the starts of one voice on two connections, at most
QUIETER = 3.0  # dB between two microphones before one is the quieter
FEWEST = 3.0  # different words that two people do not say at the same time
LONG = 8.0  # words that nobody says by chance or repeats by heart
KEPT = 20_000  # ms a line is remembered after its end: the longest segment and more
MOST = 400  # lines remembered, whatever their times


@dataclass(frozen=True, slots=True)
class Line:
    """What one microphone heard, so far."""

    speaker: str
    segment: int
    at: int
    """ms from the room's opening to its start."""
    duration: int
    """ms from there to the end of its speech."""
    text: str
    level: float
    """Loudness of its speech in dBFS, see `dbfs`."""
    final: bool = False

    @property
    def end(self) -> int:
        """ms from the room's opening."""
        return self.at + self.duration


def dbfs(mean_square: float) -> float:
    """The level of int16 samples with this mean square, in dB below full scale; -100 of silence."""
    return 10 * math.log10(max(mean_square / 32_768**2, 1e-10))


class Echo:
    """One per room. Push every line's updates, and its final before that is published."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int], tuple[Line, str]] = {}  # with its plain text

    def __len__(self) -> int:
        return len(self._lines)

    def push(self, line: Line) -> Line | None:
        """Take the newest of a line. For a final, return a line that it is the echo of: publish it
        without text. None: publish it as it is. Updates are remembered and always None.

        What is published stays: the quieter is withdrawn if it ends later, or if the louder is
        already heard, though open; otherwise whichever ends last.
        """
        self._lines.pop((line.speaker, line.segment), None)
        plain = _plain(line.text)
        original = self._original(line, plain) if line.final else None
        if original is None:
            self._lines[line.speaker, line.segment] = line, plain
        self._forget(line.end)
        return original

    def _original(self, line: Line, plain: str) -> Line | None:
        size = _size(plain)
        if size < FEWEST:
            return None
        others: dict[str, list[tuple[Line, str]]] = {}
        for other, words in self._lines.values():
            if other.speaker != line.speaker and words and _meet(line, other, size):
                others.setdefault(other.speaker, []).append((other, words))
        for lines in others.values():
            found = list(_found(plain, sorted(lines, key=lambda one: one[0].at)))
            if found and _yields(line, found, size):
                return max(found, key=lambda other: (other.final, other.level))
        return None

    def _forget(self, now: int) -> None:
        """Drop what no line that may still come can be the echo of."""
        for key in [key for key, (line, _) in self._lines.items() if line.end < now - KEPT]:
            del self._lines[key]
        while len(self._lines) > MOST:
            del self._lines[next(iter(self._lines))]


def _meet(a: Line, b: Line, size: float) -> bool:
    """The two lines may be of one moment."""
    shared = min(a.end, b.end) - max(a.at, b.at)
    if shared > 0 and shared * 2 >= min(a.duration, b.duration):
        return True
    return size >= LONG and (shared > 0 or abs(a.at - b.at) <= NEAR)


def _yields(line: Line, found: list[Line], size: float) -> bool:
    """The line is to be withdrawn for those that say the same."""
    louder = max(other.level for other in found) - line.level
    if size < LONG and abs(louder) < QUIETER:
        return False
    return any(other.final for other in found) or louder >= QUIETER


def _found(plain: str, others: list[tuple[Line, str]]) -> Iterator[Line]:
    """The lines, of those of one speaker in order, that together say what `plain` says."""
    gap = "" if plain and stands_alone(plain[0]) else " "
    whole = gap.join(words for _, words in others)
    if len(plain) > len(whole):
        if LCSseq.normalized_similarity(plain, whole) > ALIKE:
            yield from (other for other, _ in others)
        return
    window = partial_ratio_alignment(plain, whole, score_cutoff=ALIKE * 100)
    if window is None or window.score <= ALIKE * 100:
        return
    start = 0
    for other, words in others:
        inside = min(start + len(words), window.dest_end) - max(start, window.dest_start)
        if inside * 2 >= min(len(words), len(plain)):  # more than a ragged edge of the window
            yield other
        start += len(words) + len(gap)


def _plain(text: str) -> str:
    """Only its letters and digits, in one case, words one space apart, Han without."""
    text = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c if c.isalnum() or joins(c) else " " for c in text)
    words = units(" ".join(kept.split()))
    return "".join(w.rstrip() if stands_alone(w[0]) else w for w in words).strip()


def _size(plain: str) -> float:
    """How many different words: two Han or Kana make one, as do four letters of Thai."""
    return sum(_weight(word) for word in {word.rstrip() for word in units(plain)})


def _weight(word: str) -> float:
    if not stands_alone(word[0]):
        return 1.0
    return 0.25 if "\u0e00" <= word[0] <= "\u17ff" else 0.5
