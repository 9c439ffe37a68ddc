"""One segment, as Qwen3-ASR hears it: what is asked at each hop, and which answers are believed.

sound -> window -> question -> model -> answer -> language -> doubts -> text
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from msgspec.structs import replace

from models.base import Heard, Hints
from models.guards.phantoms import without_credits
from models.guards.transcripts import EMPTY, NO_HINTS, Doubt, doubt, salvaged
from models.openai.windowed import LEAST, dithered
from models.qwen_asr.tongue import Tongue
from models.qwen_asr.window import View, Window
from streaming.values import milliseconds


@dataclass(frozen=True, slots=True)
class Question:
    """What the model is asked."""

    sound: bytes
    """16 kHz mono, never digital silence."""
    language: str | None
    """It must answer in this; None: it is to say which it is."""
    begin: str = ""
    """What its answer must begin with and will not repeat."""
    hints: Hints = NO_HINTS


@dataclass(frozen=True, slots=True)
class Answer:
    """What it answers."""

    text: str
    language: str = ""
    """The code of the language it names, '' if it names none that is known."""


Ask = Callable[[Question], Awaitable[Answer]]


class QwenHearing:
    """A `Hearing`. What is doubted is not shown: while the segment is open the last text that was
    believed stands, and the next question is put without what may have misled the model."""

    def __init__(
        self,
        tongue: Tongue,
        hints: Hints,
        ask: Ask,
        spoken: Callable[[str], None],
        on_doubt: Callable[[str], None] = lambda what: None,
    ) -> None:
        """`spoken` is told the segment's language, once it is known and has words; `on_doubt`, of
        each answer that is not believed, what is wrong with it."""
        self._tongue, self._ask, self._spoken, self._on_doubt = tongue, ask, spoken, on_doubt
        # A sentence in one language makes the model expect that language.
        self._hints = hints if tongue.held else replace(hints, said="")
        self._window = Window()
        self._committed = ""
        self._believed = ""
        self._doubted = False

    async def hear(self, pcm: bytes, committed: str) -> Heard:
        """The words so far. Audio is taken even if this is cancelled or fails. EngineError."""
        self._window.push(dithered(pcm), committed)
        self._committed = committed
        if self._window.length < LEAST:
            return self._heard("")
        language, view, hints = self._tongue.held, self._window.view(), self._hints
        if self._doubted:
            hints = NO_HINTS
        if self._doubted or language is None:
            view = replace(view, promised="")
        text, trouble = await self._judged(view, language, hints)
        self._doubted = trouble is not None
        if trouble is None and self._tongue.held is not None:
            self._believed = text
        return self._heard(self._believed)

    async def finish(self, pcm: bytes) -> Heard:
        """The words of the whole segment, held to nothing that was said before; '' if they are not
        to be believed. EngineError."""
        self._window.push(dithered(pcm), self._committed)
        if self._window.length < LEAST:
            return self._heard("")
        language, view = self._tongue.held, self._window.whole()
        text, trouble = await self._judged(view, language, self._hints)
        self._tongue.settle()
        if trouble is not None:
            text = await self._once_more(view, language, text, trouble)
        return self._heard(text)

    async def close(self) -> None:
        """Forget the sound."""
        self._window = Window()

    async def _once_more(self, view: View, language: str | None, text: str, trouble: Doubt) -> str:
        """A second answer for the end, asked the other way round: a language that was forced makes
        models invent words for noise, and one that was left open may be mistaken for its kin."""
        other = None if language else self._tongue.held
        again, still = await self._judged(view, other, NO_HINTS)
        if still is None:
            return again
        if trouble in EMPTY or still is Doubt.PHANTOM:
            return ""
        ms = milliseconds(self._window.length)
        return self._believed or salvaged(text, view.sound, ms, self._tongue.languages)

    async def _judged(
        self, view: View, language: str | None, hints: Hints
    ) -> tuple[str, Doubt | None]:
        """All of the segment's text, and what speaks against it."""
        answer = await self._ask(Question(view.sound, language, view.promised.rstrip(), hints))
        text = without_credits(view.text(answer.text))
        if not text:
            if answer.text.strip():
                self._on_doubt(Doubt.PHANTOM.word)  # credits, and nothing else
            return "", None
        ms = milliseconds(self._window.length)
        trouble = doubt(text, view.sound, ms, self._tongue.languages, hints)
        if trouble is None and language is None:
            self._tongue.push(answer.language)
            named = self._tongue.own(answer.language)
            if named is None or self._tongue.held not in (None, named):
                trouble = Doubt.FOREIGN
        if trouble is not None:
            self._on_doubt(trouble.word)
        return text, trouble

    def _heard(self, text: str) -> Heard:
        if text and self._tongue.held:
            self._spoken(self._tongue.held)
        return Heard(text, self._tongue.held or self._tongue.usual)
