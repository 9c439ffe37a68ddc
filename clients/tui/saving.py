"""The transcript as a file: which form, what it is called, and what stands in the way. Thin."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from clients.console import Problem
from clients.lines import Lines, whole
from clients.plain import clean
from streaming import languages
from streaming.messages import Caption
from streaming.transcript import FORMS, Form, conversation, render


class Exists(Problem):
    """There is such a file already."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to write it down: subtitles are in one language (None: as spoken)."""

    form: Form
    language: str | None
    label: str


def choices(captions: Iterable[Caption], reads: Iterable[str]) -> list[Choice]:
    """What can be had of these lines, what the reader reads first."""
    there = {caption.language for caption in captions if caption.kind == "translation"}
    codes = [code for code in reads if code in there]
    codes += sorted(there.difference(codes))
    found = [
        Choice("txt", None, "TXT   text to read, all languages"),
        Choice("json", None, "JSON  for programs, all languages"),
    ]
    for form in ("srt", "vtt"):
        named = [(code, f"in {languages.name(code)}") for code in codes]
        for code, where in [*named, (None, "as spoken")]:
            found.append(Choice(form, code, f"{form.upper()}   subtitles {where}"))
    return found


def text(lines: Lines, form: Form, language: str | None = None) -> str:
    """What was said and is finished, in this form; in one language, or (None) in all there are."""
    names = {id: clean(name) for id, name in lines.names().items()}
    return render(conversation(whole(lines.finals()), names), form, language)


def proposed(room: str, form: Form, now: datetime) -> str:
    """A name for the file."""
    tidy = re.sub(r"[^\w-]+", "-", room).strip("-") or "transcript"
    return f"{tidy}-{now:%Y-%m-%d-%H%M}.{form}"


def renamed(name: str, form: Form) -> str:
    """The name with the ending of another form."""
    path = Path(name)
    return str(path.with_suffix(f".{form}")) if path.suffix[1:] in FORMS else name


def save(name: str, content: str, replace: bool = False) -> Path:
    """Write it; where it is now. A Problem says why not."""
    if not name.strip():
        raise Problem("the file needs a name")
    path = Path(name.strip()).expanduser()
    try:
        if path.is_dir():
            raise Problem(f"{path} is a folder: add a file's name")
        with open(path, "w" if replace else "x", encoding="utf-8", newline="") as file:
            file.write(content)
    except FileExistsError:
        raise Exists(f"{path} is there already: Enter again replaces it") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Problem(f"{path} cannot be written: {why.lower()}") from error
    return path.absolute()
