"""Ask the translator, with a deadline, and know for each pair of languages whether it works.

What a language model answers is judged before anybody reads it (models/guards.py). An answer that
is no translation leaves an open line as it is; a final is asked for once more, of nothing but its
own words and terms.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from models import guards
from models.base import EngineError, Generative, Request, Translator
from streaming.clean import clean
from streaming.languages import base

log = logging.getLogger(__name__)

DEADLINE_S = 5.0  # real seconds for one translation: beyond, its line is untranslated
REST_S = 1.0  # a pair that failed is left alone for so long
PATIENCE = 12  # answers in a row that are no translations, 4 s of a speaker: the pair does not work

Pair = tuple[str, str]


class Unusable(EngineError):
    """The answer is no translation. The next line may well be one."""


class Translation:
    """The translator as the sessions see it: it answers, or raises EngineError within a deadline.

    A pair that fails is *down* until a translation of it succeeds; `on_change(pair, reason)` hears
    of both, with an empty reason when it is back. `on_refused(what)` hears what is wrong with each
    answer that is no translation, in a word.
    """

    def __init__(
        self,
        translator: Translator | None,
        on_change: Callable[[Pair, str], None],
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.translator = translator
        self.known = frozenset(translator.pairs if translator else ())
        self.on_change = on_change
        self.deadline_s = deadline_s
        self.down: dict[Pair, tuple[str, float]] = {}  # why, and when it may be tried again
        self.on_refused: Callable[[str], None] = lambda what: None
        self.judged = isinstance(translator, Generative) and translator.generative
        self.misses = Counter[Pair]()  # answers in a row that were refused

    @property
    def name(self) -> str:
        return self.translator.name if self.translator else "none"

    @property
    def forces_prefix(self) -> bool:
        return self.translator is not None and self.translator.forces_prefix

    @property
    def pairs(self) -> list[Pair]:
        """What it can translate when nothing is broken."""
        return sorted(self.known)

    def pair(self, source: str, target: str) -> Pair | None:
        """The pair that serves these languages, most specific first; None if none does."""
        if (source, target) in self.known:
            return source, target
        tried = (source, base(target)), (base(source), target), (base(source), base(target))
        return next((found for found in tried if found in self.known), None)

    def works(self, source: str, target: str) -> bool:
        """Captions of `source` reach readers of `target` translated."""
        found = self.pair(source, target)
        return found is not None and found not in self.down

    async def translate(self, request: Request) -> str:
        """The translation after the prefix, as one harmless line.

        Unusable: the model said something else; a pair of which it always does is down.
        EngineError: not now.
        """
        pair = request.source, request.target
        reason, until = self.down.get(pair, ("", 0.0))
        now = asyncio.get_running_loop().time()
        if now < until:
            raise EngineError(reason)
        try:
            async with asyncio.timeout(self.deadline_s):
                answer = await self._judged(request)
        except Unusable as error:
            self.misses[pair] += 1
            if self.misses[pair] < PATIENCE and pair not in self.down:
                raise
            self._failed(pair, str(error), now)
            raise EngineError(str(error)) from error
        except (EngineError, TimeoutError) as error:
            reason = str(error) or f"no translation within {self.deadline_s:g} s"
            self._failed(pair, reason, now)
            raise EngineError(reason) from error
        self.misses.pop(pair, None)
        if self.down.pop(pair, None):
            self.on_change(pair, "")
        return answer

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
        assert self.translator is not None
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

    def _failed(self, pair: Pair, reason: str, now: float) -> None:
        fresh = pair not in self.down
        self.down[pair] = reason, now + REST_S
        if fresh:
            log.warning("translation %s to %s is down: %s", *pair, reason)
            self.on_change(pair, reason)


async def _nothing() -> None:
    """Iterators that are not generators have nothing to close."""
