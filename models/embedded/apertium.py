"""Translation by Apertium: its installed pairs, each a pipeline that this server runs itself.

A pair's *mode file* is a line of shell that names the programs and their data. It is read, not run:
the same programs, told to flush at every NUL, stay up and answer a sentence in milliseconds.
"""

import re
import shlex
import shutil
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path
from typing import TypeVar

from models.base import EngineError, Request
from models.embedded import apertium_text as text_of
from models.embedded.apertium_pipeline import Pipeline

MODES = (Path("/usr/share/apertium/modes"), Path("/usr/local/share/apertium/modes"))
INSTALL = "apt-get install apertium apertium-eng-spa"
# Programs that flush at a NUL when given -z. A mode with any other cannot be kept running.
FLUSHING = {
    "apertium-anaphora", "apertium-interchunk", "apertium-postchunk", "apertium-pretransfer",
    "apertium-tagger", "apertium-transfer", "cg-proc", "hfst-proc", "lrx-proc", "lsx-proc",
    "lt-proc", "rtx-proc",
}  # fmt: skip
# Mode files name languages by ISO 639-3; everything else here has the short codes of ISO 639-1.
CODES = (
    "afr:af ara:ar arb:ar arg:an bel:be bre:br bul:bg cat:ca cym:cy dan:da deu:de eng:en epo:eo"
    " eus:eu fra:fr glg:gl hbs:sh hin:hi ind:id isl:is ita:it kaz:kk mkd:mk mlt:mt msa:ms nld:nl"
    " nno:nn nob:nb oci:oc pol:pl por:pt ron:ro rus:ru slv:sl spa:es srd:sc swe:sv tat:tt tur:tr"
    " ukr:uk urd:ur"
)
SHORT = dict(code.split(":") for code in CODES.split())
AND = {"en": "and", "es": "y", "ca": "i", "fr": "et", "it": "e", "pt": "e"}
MOST_REMEMBERED = 10_000  # words

T = TypeVar("T")
Pair = tuple[str, str]
Stages = list[list[str]]


def installed(folders: Collection[Path] = MODES) -> dict[Pair, Stages]:
    """The programs of each pair that can be run here; in several folders, the first counts."""
    found: dict[Pair, Stages] = {}
    for folder in folders:
        for file in sorted(folder.glob("*-*.mode")):
            match = re.fullmatch(r"([a-z]{2,3})-([a-z]{2,3})", file.stem)
            if match is None:  # a variety, as in spa-eng_US, or a step of one for its makers
                continue
            pair = SHORT.get(match[1], match[1]), SHORT.get(match[2], match[2])
            if pair not in found and (stages := read_mode(file.read_text("utf-8"))):
                found[pair] = stages
    return found


def read_mode(mode: str) -> Stages | None:
    """The programs of a mode file, ready to flush at NULs; None if one is missing or cannot.

    Its $1 is how to write unknown words (-n: as they are, unmarked) and $2 is for debugging.
    """
    stages: Stages = [[]]
    for word in shlex.split(mode):
        if word == "|":
            stages.append([])
        elif word != "$2":
            stages[-1].append("-n" if word == "$1" else word)
    for stage in stages:
        if not stage or Path(stage[0]).name not in FLUSHING or shutil.which(stage[0]) is None:
            return None
    return [[shutil.which(stage[0]) or stage[0], "-z", *stage[1:]] for stage in stages]


class Direction:
    """One pair at work: its pipeline, and its dictionary to look names up in."""

    def __init__(self, source: str, target: str, stages: Stages, deadline_s: float) -> None:
        """`stages`: as from `read_mode`; the first looks words up. Nothing is started yet."""
        self.pipeline = Pipeline(stages, deadline_s=deadline_s)
        self.dictionary = Pipeline(stages[:1], deadline_s=deadline_s)
        self._source = source
        self._target = target
        self._capital: dict[str, bool] = {}
        self._kept: dict[str, list[str]] = {}

    async def translate(self, text: str, glossary: Sequence[tuple[str, str]]) -> str:
        """`text` in the other language, '' for nothing. EngineError: a program failed."""
        text = text_of.prepare(text, self._source)
        if not text:
            return ""
        hidden, meanings = text_of.hide(text, glossary)
        names = await self._names(hidden)
        answer = await self._raw(text_of.capitalize(hidden, names))
        kept: list[str] = []
        for name in [*(name.capitalize() for name in names), *text_of.names(hidden)]:
            kept += await self._name(name)
        # A lone pronoun may come out as nothing, which a reader would take for a failure.
        return text_of.reveal(text_of.tidy(answer, text, self._target, kept), meanings) or text

    async def close(self) -> None:
        """End its processes."""
        await self.pipeline.close()
        await self.dictionary.close()

    async def _raw(self, text: str) -> str:
        """What the pipeline says. A stop at the end tells it that the sentence is whole."""
        stop = "" if text[-1] in ".?!…" else "."
        answer = text_of.unescape(await self.pipeline.ask(text_of.escape(text) + stop)).strip()
        return answer.removesuffix(stop) if stop else answer

    async def _names(self, text: str) -> set[str]:
        """Words of `text` that the dictionary has only with a capital, if `text` has no capitals:
        recognizers write none, and "spain" would stay what it is."""
        if not text_of.uncased(text):
            return set()
        words = text_of.words(text)
        asked = [word for word in dict.fromkeys(words) if word not in self._capital]
        if asked:
            # The stops keep neighbours from being looked up as one expression.
            both = " . ".join(f"{word} . {word.capitalize()}" for word in asked)
            strange = text_of.strange(await self.dictionary.ask(text_of.escape(both)))
            needed = {word: word in strange and word.capitalize() not in strange for word in asked}
            _remember(self._capital, needed)
        return {word for word in words if self._capital.get(word)}

    async def _name(self, name: str) -> list[str]:
        """The words that `name` may become, which keep their capitals; none for "Monday"."""
        if name not in self._kept:
            # Behind another word: the first of a sentence has a capital, name or not.
            words = (await self._raw(f"{AND.get(self._source, '')} {name}".strip())).split()
            _remember(self._kept, {name: [word for word in words if word[:1].isupper()]})
        return self._kept[name]


def _remember(memory: dict[str, T], news: dict[str, T]) -> None:
    """Add to `memory`, forgetting everything when it grows too large to be worth its space."""
    if len(memory) > MOST_REMEMBERED:
        memory.clear()
    memory.update(news)


class Apertium:
    """A `Translator`. Whole answers, in one piece; a prefix cannot be forced on it."""

    name = "apertium"
    forces_prefix = False

    def __init__(
        self,
        *,
        pairs: Collection[Pair] | None = None,
        deadline_s: float = 4.0,
        modes: Collection[Path] = MODES,
    ) -> None:
        """`pairs`: only these, all of them warm; by default all that are installed, and warm those
        from English, which is what the recognizer of this tier hears: a pair at work takes 12
        processes and 130 MB, and 0.3 s to start when it is first asked. `deadline_s`: for one text.

        EngineError: Apertium is not installed, or a pair is not.
        """
        found = installed(modes)
        if not found:
            raise EngineError(f"The translator apertium is not installed: `{INSTALL}`.")
        for source, target in pairs or ():
            if (source, target) not in found:
                raise EngineError(f"Apertium has no pair {source}-{target} installed.")
        self._warm = pairs or [pair for pair in found if pair[0] == "en"]
        self._directions = {
            pair: Direction(*pair, stages, deadline_s)
            for pair, stages in found.items()
            if pairs is None or pair in pairs
        }

    @property
    def pairs(self) -> Collection[Pair]:
        """What is installed, or what was asked for of it."""
        return self._directions.keys()

    @property
    def pids(self) -> list[int]:
        """The processes at work."""
        return [
            pid
            for direction in self._directions.values()
            for pid in (*direction.pipeline.pids, *direction.dictionary.pids)
        ]

    async def start(self) -> None:
        """Translate a word with each pair that is warm. EngineError: one does not work."""
        for pair in self._warm:
            await self._directions[pair].translate("hello", ())

    async def translate(self, request: Request) -> AsyncIterator[str]:
        """The whole translation at once, nothing for no text.

        EngineError: no such pair, or its pipeline failed; the next call finds a new one.
        """
        direction = self._directions.get((request.source, request.target))
        if direction is None:
            raise EngineError(f"Apertium has no pair {request.source}-{request.target} installed.")
        if answer := await direction.translate(request.text, request.glossary):
            yield answer

    async def close(self) -> None:
        """End every process."""
        for direction in self._directions.values():
            await direction.close()
