"""What a recognizer hears of a text that is said: hop by hop, with realistic revisions.

Somebody speaks at 150 words a minute, and words are heard 200 ms after they end. What is
heard at first may be wrong: a word is half, missing, or another one for a while; a mark comes when
the words after it do, and with it the capital; numbers are words before they are digits. How often
is below, and in all languages alike; chance decides when.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from streaming.languages import UNSPACED
from streaming.units import MARKS, SENTENCE_ENDS, joins, units
from streaming.values import SpeechSegment, samples

WORD_MS = 400  # 150 words a minute
CHARACTER_MS = 270  # of Han and Kana, two of which say about as much as a word and a half
LAG_MS = 200  # from the end of a word to its being heard
HOP_MS = 320
SOFT_MS, HARD_MS, PATIENT_MS = 224, 512, 800  # pauses, as the segmenter has them
BREATH_MS = 350  # between two sentences

# As pocketsphinx is wrong about the conversation: half of the words at first, counted by their
# place, a sixth of them after 500 ms, 2 % after a second.
WRONG = 0.2  # of the words are not heard right at first,
WRONG_MS = 100, 650  # and are after so long;
STUBBORN = 0.005  # of the words are not for
STUBBORN_MS = 1_000, 2_500
MARK_MS = 200, 700  # until a mark is heard behind its word
NUMBER_MS = 300, 700  # until a number is digits
GUESSED_END = 0.3  # of the hypotheses end with a full stop that may not be one


@dataclass(frozen=True, slots=True)
class Heard:
    """One hypothesis for a whole segment, and the state of the segment."""

    segment: SpeechSegment
    text: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """All hypotheses of one segment, the last one final."""

    name: str
    language: str
    heard: tuple[Heard, ...]


def join(words: Sequence[str], language: str) -> str:
    """The words as they are written; Latin ones in Han are apart from each other only."""
    if language not in UNSPACED:
        return " ".join(words)
    text = ""
    for word in words:
        text += " " + word if text and text[-1].isascii() and word[0].isascii() else word
    return text


def said(
    words: Sequence[str],
    language: str,
    number: int,
    chance: random.Random,
    numbers: Mapping[str, str] | None = None,
) -> Utterance:
    """One segment in which these words are said, and what is heard of it; the last hypothesis is
    right. `numbers`: how those are written before it is clear that they are some."""
    return _Speech(words, language, chance, numbers or {}).utterance(number)


def grown(name: str, language: str, states: Sequence[str]) -> Utterance:
    """A text that grows state by state without revisions, for answers that were recorded so."""
    return _grown(name, language, states)


@dataclass(frozen=True, slots=True)
class _Word:
    """When a word is said, in ms, and what is heard of it how long after it ended."""

    word: str
    begins: float
    ends: float
    first: str = ""
    until: float = 0.0
    """From here on it is heard right."""
    marked: float = 0.0
    """From here on its mark is heard."""

    @property
    def bare(self) -> str:
        return bare(self.word)

    def heard(self, age: float) -> str:
        return (self.first if age < self.until else self.bare) + self.mark(age)

    def mark(self, age: float) -> str:
        return self.word[len(self.bare) :] if age >= self.marked else ""


def bare(word: str) -> str:
    """The word without the marks behind it."""
    return word.rstrip("".join(MARKS))


def _segments(words: Sequence[_Word], number: int) -> Iterator[tuple[float, SpeechSegment]]:
    """(ms, segment) whenever a hypothesis is asked for; the last is final."""
    ends = words[-1].ends
    over = ends + (HARD_MS if words[-1].word[-1] in SENTENCE_ENDS else PATIENT_MS)
    moment = HOP_MS
    while moment < over:
        said = max((word.ends for word in words if word.ends <= moment), default=0.0)
        speaking = any(word.begins <= moment < word.ends for word in words)
        quiet = not speaking and moment - said >= SOFT_MS
        offset, end = samples(moment if speaking else said), samples(moment)
        yield moment, SpeechSegment(number, 0, 0, offset, end, quiet)
        moment += HOP_MS
    yield over, SpeechSegment(number, 0, 0, samples(ends), samples(over), final=True)


def _grown(name: str, language: str, states: Sequence[str]) -> Utterance:
    each = CHARACTER_MS if language in UNSPACED else WORD_MS
    words: list[_Word] = []
    for before, state in pairwise(["", *states]):
        begins = words[-1].ends if words else 0.0
        lasts = each * max(1, len(units(state)) - len(units(before)))
        words.append(_Word(state, begins, begins + lasts))
    heard = []
    for moment, segment in _segments(words, 0):
        said = ["", *(word.word for word in words if word.ends + LAG_MS <= moment)]
        heard.append(Heard(segment, states[-1] if segment.final else said[-1]))
    return Utterance(name, language, tuple(heard))


class _Speech:
    """One sentence as it is heard."""

    def __init__(
        self,
        words: Sequence[str],
        language: str,
        chance: random.Random,
        numbers: Mapping[str, str],
    ) -> None:
        self.text, self.language, self.chance = join(words, language), language, chance
        self.spoken = numbers
        self.all = words
        self.words = list(self._words())

    def utterance(self, number: int) -> Utterance:
        """Its hypotheses."""
        heard = [
            Heard(segment, self.text if segment.final else self._heard(moment))
            for moment, segment in _segments(self.words, number)
        ]
        return Utterance(f"{self.language} {number}", self.language, tuple(heard))

    def _words(self) -> Iterator[_Word]:
        moment = 0.0
        for word in self.all:
            lasts: float = WORD_MS
            if self.language in UNSPACED:
                lasts = CHARACTER_MS * max(1, _syllables(bare(word), self.language))
            ends = moment + lasts * self.chance.uniform(0.7, 1.3)
            yield _Word(word, moment, ends, *self._first(word), self.chance.uniform(*MARK_MS))
            moment = ends + (BREATH_MS if word[-1] in SENTENCE_ENDS else 0)

    def _first(self, word: str) -> tuple[str, float]:
        """What is heard of a word at first, and until how many ms after it could be right."""
        right = bare(word)
        if right in self.spoken:
            return self.spoken[right], self.chance.uniform(*NUMBER_MS)
        luck = self.chance.random()
        if luck > WRONG + STUBBORN:
            return right, 0.0
        until = self.chance.uniform(*(STUBBORN_MS if luck < STUBBORN else WRONG_MS))
        half = "".join(graphemes(right)[: max(1, len(graphemes(right)) // 2)])
        return self.chance.choice([half, half, bare(self.chance.choice(self.all)), ""]), until

    def _heard(self, moment: float) -> str:
        """The hypothesis of this moment."""
        found: list[str] = []
        capital = True
        for word in self.words:
            age = moment - word.ends - LAG_MS
            if age < 0:
                found += self._begun(word, moment)
                break
            text = word.heard(age)
            if not capital and found and self._opens(len(found)):
                text = text[:1].lower() + text[1:]
            capital = word.mark(age) != ""
            found.append(text)
        text = join([word for word in found if word], self.language)
        if text and text[-1] not in MARKS and self.chance.random() < GUESSED_END:
            text += {"zh": "。", "ja": "。", "th": ""}.get(self.language, ".")
        return text

    def _begun(self, word: _Word, moment: float) -> list[str]:
        """What has been heard of a word that is being said, if it is written letter by letter."""
        letters = graphemes(word.bare)
        said = (moment - LAG_MS - word.begins) / (word.ends - word.begins)
        if self.language not in UNSPACED or said <= 0 or word.bare.isascii():
            return []
        return ["".join(letters[: int(said * len(letters))])]

    def _opens(self, place: int) -> bool:
        """A sentence begins with this word."""
        return self.all[place - 1][-1] in SENTENCE_ENDS


def graphemes(word: str) -> list[str]:
    """What a reader takes for a letter."""
    found: list[str] = []
    for char in word:
        if found and joins(char):
            found[-1] += char
        else:
            found.append(char)
    return found


def _syllables(word: str, language: str) -> float:
    return len(graphemes(word)) / (2.5 if language == "th" else 1.0)
