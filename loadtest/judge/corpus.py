"""Recordings whose words are known: a folder of sound with what is said in it, and when.

    NAME.flac       (or .wav, .mp3, .ogg, .opus, .m4a)
    NAME.tsv        start, end (seconds), then a column per language, named by its code; the first
                    language is the one spoken

A folder with a `script.toml`, such as the demo's conversation, is a corpus of its speakers' tracks.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clients.console import Problem
from loadtest import script
from streaming import languages

SOUND = (".flac", ".wav", ".mp3", ".ogg", ".opus", ".m4a")


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence, or what else is a line. Times in ms from the recording's start."""

    start: float
    end: float
    texts: dict[str, str]
    """By language: the words, and their translations."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One microphone's sound, in one language."""

    name: str
    audio: Path
    language: str
    said: tuple[Said, ...]

    def text(self, language: str) -> str:
        """All of it, in one language."""
        return " ".join(one.texts[language] for one in self.said if language in one.texts)

    @property
    def targets(self) -> list[str]:
        """The languages that all of it is translated into."""
        known = [set(one.texts) for one in self.said]
        return sorted(set.intersection(*known) - {self.language}) if known else []


def read(folder: Path) -> list[Recording]:
    """The recordings of a folder, by name. Problem: it has none, or one of them is not whole."""
    if (folder / "script.toml").is_file():
        return _conversation(script.read(folder))
    if not folder.is_dir():
        raise Problem(f"{folder} is no folder of recordings")
    found = [
        _recording(audio, audio.with_suffix(".tsv"))
        for audio in sorted(folder.iterdir())
        if audio.suffix.lower() in SOUND
    ]
    if not found:
        raise Problem(f"{folder} has no recordings: NAME.flac with NAME.tsv beside it")
    return found


def _conversation(played: script.Script) -> list[Recording]:
    return [
        Recording(
            key,
            played.track(key),
            played.language,
            tuple(
                Said(line.start, line.end, {played.language: line.text, **line.translations})
                for line in played.lines
                if line.speaker == key
            ),
        )
        for key in played.names
    ]


def _recording(audio: Path, table: Path) -> Recording:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{audio.name} needs {table.name} beside it: {error}") from error
    codes = _codes(table, rows[0] if rows else [])
    said = tuple(_said(table, number, row, codes) for number, row in enumerate(rows[1:], 2) if row)
    if not said:
        raise Problem(f"{table} names no sentence")
    return Recording(audio.stem, audio, codes[0], said)


def _codes(table: Path, head: Sequence[str]) -> list[str]:
    if [name.strip() for name in head[:2]] != ["start", "end"] or len(head) < 3:
        raise Problem(f"the first line of {table} is start, end and codes of languages, with tabs")
    try:
        return [languages.check(code.strip()) for code in head[2:]]
    except ValueError as error:
        raise Problem(f"the first line of {table}: {error}") from error


def _said(table: Path, number: int, row: Sequence[str], codes: Iterable[str]) -> Said:
    try:
        start, end = (1000 * float(cell) for cell in row[:2])
    except ValueError as error:
        raise Problem(f"line {number} of {table} does not begin with two times in s") from error
    texts = {code: text.strip() for code, text in zip(codes, row[2:], strict=False) if text.strip()}
    if not (0 <= start < end and texts):
        raise Problem(f"line {number} of {table} has no time or no words")
    return Said(start, end, texts)
