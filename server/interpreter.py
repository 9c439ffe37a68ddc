"""One translator at work in one direction: asked with a deadline, judged, let alone when it fails.

What a language model answers is judged before anybody reads it (models/guards/translations.py).
An answer that is no translation leaves an open line as it is; a final is asked for once more, of
nothing but its own words and terms.
"""

import asyncio
import math
from collections.abc import Callable

from msgspec.structs import replace

from models.base import EngineError, Generative, Request, Translator
from models.guards import translations as guards
from streaming.clean import clean

DEADLINE_S = 5.0  # real seconds for one translation: beyond, its line is untranslated
REST_S = 1.0  # one that failed is left alone for so long
PATIENCE = 12  # answers in a row that are no translations, 4 s of a speaker: it does not work

Pair = tuple[str, str]


class Unusable(EngineError):
    """The answer is no translation. The next line may well be one."""


class Interpreter:
    """It answers, or raises EngineError within a deadline. One that fails is in `trouble` until a
    translation succeeds. `on_change()` is told of both; `on_refused(what)` hears, in a word, what
    is wrong with each answer that is no translation."""

    def __init__(
        self,
        translator: Translator,
        pair: Pair,
        deadline_s: float,
        on_change: Callable[[], None],
        on_refused: Callable[[str], None],
    ) -> None:
        self.translator, self.pair = translator, pair
        self.deadline_s = deadline_s
        self.on_change, self.on_refused = on_change, on_refused
        self.judged = isinstance(translator, Generative) and translator.generative
        self.trouble = ""  # why it does not work
        self.rested = 0.0  # from when on it may be asked again
        self.misses = 0  # answers in a row that were refused

    @property
    def name(self) -> str:
        return self.translator.name

    @property
    def forces_prefix(self) -> bool:
        return self.translator.forces_prefix

    @property
    def willing(self) -> bool:
        """It may be asked now."""
        return not self.trouble or asyncio.get_running_loop().time() >= self.rested

    def here(self, why_not: str = "") -> None:
        """It is there, or not there at all: then it is not asked until it is."""
        if why_not:
            self.trouble, self.rested = why_not, math.inf
        elif self.rested == math.inf:
            self.trouble, self.rested = "", 0.0

    async def translate(self, request: Request) -> str:
        """The translation after the prefix, as one harmless line.

        Unusable: the model said something else; one that always does is in trouble.
        EngineError: not now.
        """
        if not self.willing:
            raise EngineError(self.trouble)
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self.deadline_s):
                answer = await self._judged(self._addressed(request))
        except Unusable as error:
            self.misses += 1
            if self.misses < PATIENCE and not self.trouble:
                raise
            self._failed(str(error), now)
            raise EngineError(str(error)) from error
        except (EngineError, TimeoutError) as error:
            reason = str(error) or f"no translation within {self.deadline_s:g} s"
            self._failed(reason, now)
            raise EngineError(reason) from error
        self.misses = 0
        if self.trouble:
            self.trouble = ""
            self.on_change()
        return answer

    def _addressed(self, request: Request) -> Request:
        """A language model is told the reader's variety, "es-MX"; what knows its pairs, those."""
        if self.judged or (request.source, request.target) == self.pair:
            return request
        return replace(request, source=self.pair[0], target=self.pair[1])

    async def _judged(self, request: Request) -> str:
        """A translation, if it takes two questions. Unusable."""
        if not self.judged:
            return await self._answer(request)
        try:
            return await self._usable(request)
        except Unusable:
            if not request.final:
                raise
            return await self._usable(replace(request, hypothesis="", context=()))

    async def _usable(self, request: Request) -> str:
        answer = guards.tidied(await self._answer(request), request)
        if what := guards.wrong(answer, request):
            raise self._refused(what, f"the translator's answers are no translations ({what})")
        return guards.whole(answer, request)

    async def _answer(self, request: Request) -> str:
        longest = 40 + 6 * len(request.text)  # no language needs more: a loop does
        held = ""
        pieces = self.translator.translate(request)
        try:
            async for piece in pieces:
                held += piece
                if len(held) > longest:
                    raise self._refused("endless", "the translator does not stop")
        finally:
            await getattr(pieces, "aclose", _nothing)()
        answer = clean(held)
        if not answer and not request.prefix and any(c.isalnum() for c in request.text):
            raise self._refused("empty", "the translator answered nothing")
        return answer

    def _refused(self, what: str, sentence: str) -> Unusable:
        self.on_refused(what)
        return Unusable(sentence)

    def _failed(self, reason: str, now: float) -> None:
        fresh = not self.trouble
        self.trouble, self.rested = reason, now + REST_S
        if fresh:
            self.on_change()


async def _nothing() -> None:
    """Iterators that are not generators have nothing to close."""
