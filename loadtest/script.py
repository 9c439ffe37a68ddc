"""A conversation whose words are known: who says what and when, and a track for each of them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from clients.console import Problem

LETTERS = 12  # a second, spoken slowly; fast speech has twice as many
CONVERSATION = Path(__file__).parent / "conversation"


@dataclass(frozen=True, slots=True)
class Line:
    """What one person says without a pause for the other."""

    speaker: str
    start: int
    """Milliseconds from the beginning of all tracks."""
    end: int
    """When it must be over: somebody else begins, or the slowest speaker would be done."""
    text: str
    translations: dict[str, str]
    """By language."""


@dataclass(frozen=True, slots=True)
class Script:
    """The whole of it. Speakers are named by their key, which is their track's name too."""

    folder: Path
    language: str
    names: dict[str, str]
    lines: tuple[Line, ...]

    def track(self, speaker: str) -> Path:
        """What this speaker's microphone hears."""
        return self.folder / f"{speaker}.flac"

    def until(self, seconds: float | None) -> tuple[Line, ...]:
        """The lines that have been said by then; all if None."""
        if seconds is None:
            return self.lines
        return tuple(line for line in self.lines if line.end <= seconds * 1000)


def read(folder: Path = CONVERSATION) -> Script:
    """The script in a folder. Problem, in words, if there is none or something is missing in it."""
    path = folder / "script.toml"
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        languages = said.get("translations", [])
        starts = [line["start"] for line in said["line"]]
        ends = [_end(line["start"], line["text"], starts) for line in said["line"]]
        lines = tuple(
            Line(
                line["speaker"],
                line["start"],
                end,
                line["text"],
                {language: line[language] for language in languages if language in line},
            )
            for line, end in zip(said["line"], ends, strict=True)
        )
        names = {key: speaker.get("name", key) for key, speaker in said["speakers"].items()}
        return Script(folder, said["language"], names, lines)
    except OSError as error:
        raise Problem(f"there is no conversation in {folder}: {path} cannot be read") from error
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise Problem(f"{path} is not a script of a conversation: {error!r}") from error


def _end(start: int, text: str, starts: list[int]) -> int:
    """The earlier of the next line's start and the time its letters take."""
    spoken = start + round(1000 * len(text) / LETTERS)
    return min([spoken, *(later for later in starts if later > start)])
