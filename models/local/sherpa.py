"""Recognition by sherpa-onnx: streaming models in a folder, which hear sound once, as it comes.

Decoding lets go of Python's lock, so segments are heard in threads; where a segment ends is left to
our segmenter. Models that write capitals only, as most of icefall's do, are written small here.
"""

import asyncio
import re
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from models.base import EngineError, Heard, Hints
from models.guards.scripts import HAN, KANA, LATIN, script, written
from streaming.languages import base

from .streams import RATE, check, loaded

TAIL_S = 0.66  # of silence behind a segment, which the models look ahead into
HEARD = "zh|yue|en|ja|ko|th|vi|id|ru|pl|fr|es|de|it|pt|ar|bn"  # that there are such models for
CODE = re.compile(rf"(?<![a-zA-Z0-9])({HEARD})(?![a-zA-Z0-9])")
DENSE = r"\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
TOGETHER = re.compile(rf"(?<=[{DENSE}]) +(?=[{DENSE}])")
APART = re.compile(rf"(?<=[{DENSE}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[{DENSE}])")
BESIDE = re.compile(r"[/\n\r\t:]")  # what means something in a list of hints


def readable(text: str) -> str:
    """Han stands close, a Latin word apart from it, and nothing is shouted."""
    spaced = APART.sub(" ", TOGETHER.sub("", " ".join(text.split())))
    return spaced.lower() if spaced.isupper() else spaced


def scripts(text: str) -> set[str]:
    """Those of its letters."""
    return {script(char) for char in text} - {""}


class Segment:
    """A `Hearing`."""

    def __init__(self, engine: "Sherpa", stream: Any, languages: Sequence[str]) -> None:
        self._engine, self._stream, self._languages = engine, stream, languages

    async def hear(self, pcm: bytes, committed: str) -> Heard:
        """EngineError: the model failed."""
        return await self._run(pcm, last=False)

    async def finish(self, pcm: bytes) -> Heard:
        """With what the model holds back. EngineError."""
        return await self._run(pcm, last=True)

    async def close(self) -> None:
        """Free the stream."""
        self._stream = None

    async def _run(self, pcm: bytes, last: bool) -> Heard:
        if self._stream is None:
            raise EngineError("This segment has been closed.")
        text = readable(await self._engine.decode(self._stream, pcm, last))
        return Heard(text, self._language(text))

    def _language(self, text: str) -> str:
        """Of several, one that is written as the text is; Han and Kana decide, then the first."""
        found = scripts(text)
        dense = found & {HAN, KANA}
        return next(
            (code for code in self._languages if (dense or found & {LATIN}) & written(code)),
            self._languages[0],
        )


class Sherpa:
    """A `Recognizer`, which takes hints if its model is a transducer."""

    name = "sherpa"
    hop_ms = 320
    punctuates = False

    def __init__(
        self, *, folder: Path | None = None, languages: Collection[str] = (), threads: int = 2
    ) -> None:
        """`folder`: of the model; `languages`: what it hears, by default what its name says;
        `threads`: segments that are heard at a time.

        EngineError: no folder, or it does not say.
        """
        if folder is None:
            raise EngineError(
                "The recognizer sherpa needs the folder of a streaming model:"
                " `surtitle models list`."
            )
        if find_spec("sherpa_onnx") is None:
            raise EngineError(
                "The recognizer sherpa needs the Python package sherpa-onnx: "
                "`pip install sherpa-onnx`."
            )
        self._folder = Path(folder)
        self.folders = (self._folder,)
        self._languages = tuple(languages) or tuple(dict.fromkeys(CODE.findall(self._folder.name)))
        if not self._languages:
            raise EngineError(
                f"{folder} does not say what it hears: have its name hold the languages, as in "
                "streaming-zipformer-bilingual-zh-en, or name them."
            )
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sherpa")
        self._recognizer: Any = None
        self._takes_hints = self._spells = False
        self._tokens: frozenset[str] = frozenset()
        self._hints: dict[str, str] = {}

    @property
    def languages(self) -> Collection[str]:
        """What the folder says, or what was named."""
        return self._languages

    async def start(self) -> None:
        """Load the model, once a process of its own could. EngineError."""
        model = await check(self._folder)
        self._takes_hints, self._spells = model.takes_hints, model.pieces is not None
        lines = model.tokens.read_text("utf-8", errors="replace").splitlines()
        self._tokens = frozenset(line.partition(" ")[0] for line in lines)
        self._recognizer = await asyncio.to_thread(loaded, model)

    def prime(self, speaker: str, hints: Hints) -> None:
        """Expect these terms in the speaker's next segments, as far as the model can spell them:
        of one that it cannot, sherpa-onnx prints the text and forgets all the others."""
        if self._takes_hints:
            terms = (BESIDE.sub(" ", term).strip() for term in hints.terms)
            self._hints[speaker] = "/".join(filter(self._spelt, terms))

    def _spelt(self, term: str) -> bool:
        """Of Han that it knows; of plain letters too where it has word pieces."""
        others = {char for char in term if script(char) != HAN}
        letters = all(char.isascii() and (char.isalpha() or char in " '-") for char in others)
        return (
            bool(term)
            and {*term} - others <= self._tokens
            and (not others or (self._spells and letters))
        )

    async def open(self, speaker: str, languages: Sequence[str]) -> Segment:
        """A segment in one of `languages`. EngineError: it hears none of them."""
        known = [code for code in languages if {code, base(code)} & {*self._languages}]
        if not known:
            there = ", ".join(self._languages)
            raise EngineError(f"The recognizer {self.name} hears {there}, not {languages}.")
        create: Callable[..., Any] = self._recognizer.create_stream
        hints = self._hints.get(speaker)
        return Segment(self, create(hotwords=hints) if hints else create(), known)

    async def leave(self, speaker: str) -> None:
        """Forget what the speaker's segments were expected to be about."""
        self._hints.pop(speaker, None)

    async def close(self) -> None:
        """Free the model."""
        await asyncio.to_thread(self._threads.shutdown)
        self._recognizer = None

    async def decode(self, stream: Any, pcm: bytes, last: bool) -> str:
        """What a stream says once it has heard `pcm` too. EngineError."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._decode, stream, pcm, last)
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"sherpa-onnx failed: {error}.") from error

    def _decode(self, stream: Any, pcm: bytes, last: bool) -> str:
        recognizer = self._recognizer
        if pcm:
            stream.accept_waveform(RATE, np.frombuffer(pcm, "<i2").astype(np.float32) / 32768)
        if last:
            stream.accept_waveform(RATE, np.zeros(int(RATE * TAIL_S), np.float32))
            stream.input_finished()
        while recognizer.is_ready(stream):
            recognizer.decode_stream(stream)
        return str(recognizer.get_result(stream))
