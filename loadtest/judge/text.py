"""`surtitle judge --text`: policies compared on transcripts, without a sound.

Every line of a text is said at 150 words a minute and heard with realistic revisions (spoken.py).
What readers would see of it, and of its translation, under the policies of policies.py depends on
no machine: the clock is the speech. The translator is real, in a child process, and asked for every
answer once.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.child import surtitle
from clients.console import Problem
from streaming.languages import UNSPACED
from streaming.retranslation import Ask
from streaming.units import units

from . import policies
from .spoken import HOP_MS, Utterance, said

BAR = 0.2, 2.0  # erasure of `live`, and words it may come later than re-sending all
LONGEST = 40  # units of one line: nobody says more without a pause
HEAD = ("", "erasure", "by finals", "first, words", "later", "settled, words", "updates")


@dataclass(frozen=True, slots=True)
class Texts:
    """What is said, and into what it is translated."""

    folder: Path
    source: str
    target: str | None
    lines: int
    translator: str = "apertium"
    url: str = ""
    model: str = ""


class Child:
    """A translator in a process of its own; a `policies.Teller`."""

    def __init__(self, process: asyncio.subprocess.Process, told: dict[str, Any]) -> None:
        self.process = process
        self.name: str = told["name"]
        self.forces_prefix: bool = told["forces_prefix"]
        self.asked = self.failed = 0
        self._known: dict[tuple[str, str, str, bool], str] = {}

    async def answer(self, whole: str, ask: Ask, told: Sequence[str]) -> str:
        """What follows the prefix; '' if it fails, as readers would see nothing new."""
        key = ask.text, ask.prefix, "" if ask.final else ask.hypothesis, ask.final
        if key not in self._known:
            self._known[key] = await self._answer(ask)
        return self._known[key]

    async def _answer(self, ask: Ask) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.asked += 1
        names = ("text", "prefix", "hypothesis", "final")
        line = json.dumps({name: getattr(ask, name) for name in names})
        self.process.stdin.write(line.encode() + b"\n")
        said = await self.process.stdout.readline()
        if not said:
            raise Problem("the translator ended before it had answered")
        found = json.loads(said)
        self.failed += "error" in found
        return str(found.get("answer", ""))


@asynccontextmanager
async def child(texts: Texts) -> AsyncIterator[Child]:
    """The translator, for as long as the block lasts. Problem: why there is none."""
    words = ["--translator", texts.translator, "--from", texts.source, "--to", f"{texts.target}"]
    words += ["--url", texts.url, "--model", texts.model]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *surtitle("answers"), *words, stdin=pipe, stdout=pipe, stderr=pipe, limit=2**20
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        line = await process.stdout.readline()
        if not line:
            _, complaints = await process.communicate()
            last = complaints.decode(errors="replace").strip().splitlines()[-1:]
            raise Problem(" ".join(last) or "the translator did not start")
        yield Child(process, json.loads(line))
    finally:
        if process.returncode is None:
            process.stdin.close()
            try:
                async with asyncio.timeout(5):
                    await process.communicate()
            except TimeoutError:
                process.kill()
                await process.wait()


def read(folder: Path, source: str, most: int) -> list[Utterance]:
    """The lines of a file, or of all .txt files of a folder, as they are heard; `most` of each.
    Problem: there are none."""
    paths = sorted(folder.glob("*.txt")) if folder.is_dir() else [folder]
    found: list[Utterance] = []
    for path in paths:
        try:
            lines = path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(f"{path} cannot be read as text: {error}") from error
        kept = [words for line in lines if 0 < len(words := words_of(line, source)) <= LONGEST]
        found += [
            said(words, source, len(found) + n, random.Random(f"{path.name} {n}"))
            for n, words in enumerate(kept[:most])
        ]
    if not found:
        raise Problem(f"{folder} has no line of 1 to {LONGEST} words: name a text, or a folder")
    return found


def words_of(line: str, language: str) -> list[str]:
    """What is said one after the other: words, or characters where there are no spaces."""
    if language not in UNSPACED:
        return line.split()
    return [unit.strip() for unit in units(line) if unit.strip()]


async def judged(texts: Texts) -> dict[str, Any]:
    """The figures of every policy, for the transcripts and, if asked for, the translations."""
    spoken = read(texts.folder, texts.source, texts.lines)
    kept: dict[str, Any] = {
        "text": texts.folder.name,
        "lines": len(spoken),
        "transcripts": {texts.source: policies.heard(spoken, HOP_MS)},
        "translations": {},
    }
    if texts.target is not None:
        async with child(texts) as teller:
            lines = [(one, teller) for one in spoken]
            name = f"{texts.source} to {texts.target}, {teller.name}"
            kept["translations"][name] = await policies.translated(lines, texts.target, HOP_MS)
            kept["asked"], kept["failed"] = teller.asked, teller.failed
    return kept


def table(kept: dict[str, Any]) -> str:
    """A row a policy; the bar beneath."""
    lines = [f"\n{kept['text']}: {kept['lines']} lines at 150 words a minute, heard with revisions"]
    for name, found in (kept["transcripts"] | kept["translations"]).items():
        lines += ["", f"  {name:<26}" + "".join(f"{cell:>16}" for cell in HEAD[1:])]
        lines += [_row(policy, figures) for policy, figures in found.items()]
    for name, found in kept["translations"].items():
        erasure, later = found["live"]["erasure"], found["live"]["later_words"]
        met = erasure <= BAR[0] and later <= BAR[1]
        lines += [
            "",
            f"{name}: live takes back {erasure:g} (at most {BAR[0]:g}) and comes {later:g} words"
            f" later than re-sending all (at most {BAR[1]:g}): {'MET' if met else 'MISSED'}",
        ]
    if kept.get("failed"):
        lines.append(f"{kept['failed']} of {kept['asked']} answers failed")
    return "\n".join(lines)


def _row(policy: str, figures: dict[str, float]) -> str:
    names = ("erasure", "by_finals", "first_words", "later_words", "settled_words", "updates")
    return f"    {policy:<24}" + "".join(f"{figures[name]:>16g}" for name in names)
