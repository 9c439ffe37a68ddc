"""Findings as a page for people, or as JSON for programs."""

import json
import shutil
import textwrap
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import TextIO

from clients.plain import clean
from streaming.findings import TRANSCRIPTS, TRANSLATION, Finding, healthy, works

from .checks import utf8

MARKS = {"ok": "✓", "note": "!", "wrong": "✗"}
PLAIN = {"ok": "+", "note": "!", "wrong": "x"}
COLOURS = {"ok": "32", "note": "33", "wrong": "31"}
ASCII = str.maketrans({"“": '"', "”": '"', "’": "'", "×": "x", "…": "...", "→": ">", "—": "-"})
NAMES = 15  # columns
WIDEST = 110


def coloured(out: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether colours are welcome there."""
    plain = environ.get("NO_COLOR") or environ.get("TERM") in (None, "", "dumb")
    return out.isatty() and not plain


class Page:
    """Findings as they come, in groups that come in one piece."""

    def __init__(self, out: TextIO, environ: Mapping[str, str]) -> None:
        self._out = out
        self._marks = MARKS if utf8(out) else PLAIN
        self._colours = coloured(out, environ)
        self._width = min(WIDEST, max(50, shutil.get_terminal_size()[0]))
        self._group = ""

    def show(self, finding: Finding) -> None:
        """One more."""
        if finding.group != self._group:
            self._group = finding.group
            self.line("")
            self.line(self._paint(finding.group, "1"))
        mark = self._paint(self._marks[finding.state], COLOURS[finding.state])
        first, *rest = textwrap.wrap(clean(finding.says), self._width - NAMES - 4) or [""]
        self.line(f"  {mark} {finding.name:<{NAMES}}{first}")
        for line in rest:
            self.line(f"    {'':<{NAMES}}{line}")
        if finding.fix:
            self.line(f"    {'':<{NAMES}}→ {self._paint(clean(finding.fix), '1')}")

    def line(self, text: str) -> None:
        """A line of text, in the letters that there are."""
        encoding = self._out.encoding or "ascii"
        if not utf8(self._out):
            text = text.translate(ASCII)
        print(text.encode(encoding, "replace").decode(encoding), file=self._out, flush=True)

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


def verdict(found: Collection[Finding]) -> str:
    """What all of it comes to."""
    match works(found, TRANSCRIPTS), works(found, TRANSLATION):
        case True, True:
            said = "Transcripts and translation work here"
        case True, False:
            said = "Transcripts work here, translation does not"
        case False, True:
            said = "Translation works here, transcripts do not"
        case _:
            said = "Neither transcripts nor translation work here"
    wrong = list(dict.fromkeys(finding.name for finding in found if finding.state == "wrong"))
    return f"{said}. See {', '.join(wrong)} above." if wrong else f"{said}."


def as_json(found: Collection[Finding], version: str) -> str:
    """All of it, for programs."""
    said = {
        "surtitle": version,
        "healthy": healthy(found),
        TRANSCRIPTS: works(found, TRANSCRIPTS),
        TRANSLATION: works(found, TRANSLATION),
        "findings": [asdict(finding) for finding in found],
    }
    return json.dumps(said, indent=2)
