"""Write a conversation down: subtitles (SRT, WebVTT), text and JSON of its final lines.

Times go by `at`, the milliseconds from the room's opening, so speakers whose audio began at
different moments fall into one order, and two who spoke at once overlap. Subtitles are in one
language; text and JSON hold every line's languages side by side.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import msgspec

from .languages import base
from .messages import Caption
from .units import units
from .values import milliseconds

Form = Literal["srt", "vtt", "txt", "json"]
FORMS: tuple[Form, ...] = get_args(Form)
COLUMNS = 42  # of one row of a subtitle, as subtitle guides agree: 21 Han characters
ROWS = 2
LEAST_MS = 800  # a subtitle shown for less cannot be read


@dataclass(frozen=True, slots=True)
class Said:
    """One segment of speech: its words, and what they are in other languages."""

    speaker: str
    name: str
    segment: int
    at: int
    until: int
    language: str
    text: str
    translations: dict[str, str]

    def inside(self, language: str | None) -> str:
        """Its text in `language`, its own words without one; '' if there is none."""
        if language is None or base(language) == base(self.language):
            return self.text
        return self.translations.get(language, "")


def conversation(
    captions: Iterable[Caption],
    names: Mapping[str, str],
    begin: Callable[[Caption], int] = lambda caption: caption.at,
) -> list[Said]:
    """The final lines as segments, by the millisecond in which each began. A speaker called ""
    is not named."""
    found: dict[tuple[str, int], Said] = {}
    for caption in sorted(captions, key=lambda one: one.kind):  # transcripts come first
        key = caption.speaker, caption.segment
        if not caption.final or not caption.text:
            continue
        if caption.kind == "translation":
            if key in found:
                found[key].translations[caption.language] = caption.text
            continue
        at = begin(caption)
        until = at + max(LEAST_MS, round(milliseconds(caption.end - caption.start)))
        name = names.get(caption.speaker, caption.speaker)
        found[key] = Said(*key[:1], name, key[1], at, until, caption.language, caption.text, {})
    return sorted(found.values(), key=lambda said: (said.at, said.speaker))


def render(said: Iterable[Said], form: Form, language: str | None = None) -> str:
    """The conversation in one of the forms; subtitles in `language`, or as it was spoken."""
    return {"srt": _srt, "vtt": _vtt, "txt": _txt, "json": _json}[form](list(said), language)


def _srt(said: list[Said], language: str | None) -> str:
    cues = [
        f"{number}\n{_clock(at, ',')} --> {_clock(until, ',')}\n{text}\n"
        for number, (at, until, text) in enumerate(_cues(said, language, _named), 1)
    ]
    return "\n".join(cues)


def _vtt(said: list[Said], language: str | None) -> str:
    cues = [
        f"{_clock(at, '.')} --> {_clock(until, '.')}\n{text}\n"
        for at, until, text in _cues(said, language, _voiced)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _txt(said: list[Said], language: str | None) -> str:
    rows = []
    for one in said:
        rows.append(f"[{_clock(one.at, '.')[:-4]}] {one.name} ({one.language}): {one.text}")
        rows += [
            f"{'':11}{code}: {text}"
            for code, text in sorted(one.translations.items())
            if language in (None, code)
        ]
    return "".join(f"{row}\n" for row in rows)


def _json(said: list[Said], language: str | None) -> str:
    lines = [
        {
            "speaker": one.speaker,
            "name": one.name,
            "segment": one.segment,
            "at": one.at,
            "until": one.until,
            "language": one.language,
            "text": one.text,
            "translations": {
                code: text for code, text in one.translations.items() if language in (None, code)
            },
        }
        for one in said
    ]
    return msgspec.json.format(msgspec.json.encode({"lines": lines}), indent=1).decode() + "\n"


def _cues(
    said: list[Said], language: str | None, show: Callable[[str, list[str]], str]
) -> Iterator[tuple[int, int, str]]:
    """(from, to, text) of every subtitle in ms, in order; long lines become several, each for its
    share of the time."""
    cues = []
    for one in said:
        rows = _rows(one.inside(language).replace("-->", "→"))
        whole = sum(map(len, rows)) or 1
        at = float(one.at)
        for n in range(0, len(rows), ROWS):
            shown = rows[n : n + ROWS]
            until = at + (one.until - one.at) * sum(map(len, shown)) / whole
            cues.append((round(at), round(until), show(one.name, shown)))
            at = until
    return iter(sorted(cues))


def _named(name: str, rows: list[str]) -> str:
    return (f"{name}: " if name else "") + "\n".join(rows)


def _voiced(name: str, rows: list[str]) -> str:
    voice = f"<v {_escaped(name)}>".replace("\n", " ") if name else ""
    return voice + "\n".join(map(_escaped, rows))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _rows(text: str) -> list[str]:
    """The text as few rows of at most `COLUMNS`, unless one word is longer; all about as long, for
    a last one of a single word would be a subtitle that nobody has the time to read."""
    parts = list(units(text))
    rows = _filled(parts, COLUMNS)
    least = _columns("".join(rows)) // max(1, len(rows))
    for width in range(least, COLUMNS):
        evened = _filled(parts, width)
        if len(evened) == len(rows):
            return evened
    return rows


def _filled(parts: Iterable[str], width: int) -> list[str]:
    """Each row with as many of the parts as fit."""
    rows: list[str] = []
    for unit in parts:
        if rows and _columns(rows[-1] + unit.rstrip()) <= width:
            rows[-1] += unit
        else:
            rows.append(unit)
    return [row.strip() for row in rows if row.strip()]


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _clock(ms: int, mark: str) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{ms:03}"
