"""What the policies are measured on: sentences in eight languages, and what pocketsphinx heard.

How a sentence is heard hop by hop is `loadtest.judge.spoken`; a seed decides on the revisions.
"""

import json
import random
import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from loadtest.judge.spoken import Heard, Utterance, join, said
from streaming.values import SpeechSegment

STREAMS = Path(__file__).parent / "streams"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is said, in every language: its words, each with the English word it waits for."""

    words: dict[str, tuple[str, ...]]
    needs: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, written: dict[str, str]) -> "Sentence":
        english = tuple(written["en"].split())
        words, needs = {"en": english}, {"en": tuple(range(1, len(english) + 1))}
        for language, text in written.items():
            if language != "en":
                pairs = [word.rsplit("/", 1) for word in text.split()]
                words[language] = tuple(word for word, _ in pairs)
                needs[language] = tuple(int(number) for _, number in pairs)
        return cls(words, needs)

    def text(self, language: str) -> str:
        return join(self.words[language], language)


def sentences() -> list[Sentence]:
    """Those of sentences.toml."""
    return [Sentence.of(said) for said in _file()["said"]]


def scripted(language: str, seed: int = 0) -> list[Utterance]:
    """Every sentence, said in `language`, with other revisions for every seed."""
    spoken = numbers(language)
    return [
        said(
            one.words[language],
            language,
            number,
            random.Random(f"{seed} {language} {number}"),
            spoken,
        )
        for number, one in enumerate(sentences())
    ]


def recorded() -> list[Utterance]:
    """What pocketsphinx made of the two tracks of loadtest/conversation: see `bench.recording`."""
    rows = json.loads((STREAMS / "pocketsphinx.json").read_text("utf-8"))
    found = []
    for (speaker, number), grown in groupby(rows, key=lambda row: (row["speaker"], row["id"])):
        heard = tuple(
            Heard(SpeechSegment(number, *row["at"], **row["is"]), row["text"]) for row in grown
        )
        found.append(Utterance(f"{speaker} {number}", "en", heard))
    return found


def numbers(language: str) -> dict[str, str]:
    """How numbers are written before the recognizer is sure that they are some."""
    return dict(_file()["spoken"].get(language, {}))


@cache
def _file() -> dict[str, Any]:
    with open(STREAMS / "sentences.toml", "rb") as file:
        return tomllib.load(file)
