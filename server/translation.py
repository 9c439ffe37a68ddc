"""Who translates each direction now: the best translator that works, and the next in its stead.

    ok        -- the best fails -->  degraded   the next translates, and its captions say so
    degraded  -- it does as well --> down       readers get the speaker's own words
    either    -- the best answers again -->  ok

While another translates, the best is asked beside it once a second, so that no reader waits for one
that is gone. Where there is only one translator, a direction is ok or down.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from models.base import EngineError, Request, Translator
from models.mixing import directions
from streaming.languages import base
from streaming.messages import Degraded, Level

from .interpreter import DEADLINE_S, Interpreter, Pair, Unusable

__all__ = ["By", "Direction", "Pair", "Translation", "Unusable"]

log = logging.getLogger(__name__)

Change = Callable[[Pair, Level, str], None]
WELL: tuple[Level, str] = "ok", ""
NOBODY: Mapping[Translator, str] = MappingProxyType({})


class By(Struct, frozen=True, gc=False):
    """Whose work a caption is."""

    engine: str
    degraded: Degraded | None = None
    """ "fallback": a better one does not work at the moment."""


class Direction:
    """One pair of languages. `translate` is its verb."""

    def __init__(self, pair: Pair, on_change: Change) -> None:
        self.pair, self.on_change = pair, on_change
        self.able: list[Interpreter] = []  # the best first
        self.trying: dict[Interpreter, asyncio.Task[None]] = {}
        self.told = WELL

    @property
    def serving(self) -> Interpreter:
        """Who translates now; if nobody can, who should."""
        return next((one for one in self.able if not one.trouble), self.able[0])

    @property
    def forces_prefix(self) -> bool:
        return self.serving.forces_prefix

    @property
    def by(self) -> By:
        """Whose work a translation would be now."""
        return self._by(self.serving)

    @property
    def state(self) -> tuple[Level, str]:
        """How well it works, and why not better."""
        best, now = self.able[0], self.serving
        if now.trouble:
            return "down", best.trouble
        if now is not best:
            return "degraded", f"{now.name} translates instead of {best.name}: {best.trouble}"
        return WELL

    def changed(self) -> None:
        """An interpreter is in trouble, or is no longer: tell what follows from that, if so."""
        state = level, reason = self.state
        before, self.told = self.told, state
        if level == before[0]:
            return
        if level == "ok":
            log.warning("translation %s to %s works again", *self.pair)
        else:
            log.warning("translation %s to %s is %s: %s", *self.pair, level, reason)
        self.on_change(self.pair, level, reason)

    async def translate(self, request: Request) -> tuple[str, By]:
        """The translation after the prefix, as one harmless line, and whose it is.

        Unusable: the best that works said something else. EngineError: nobody can now.
        """
        self._try_the_better(request)
        trouble: EngineError | None = None
        for one in self._asked(request):
            try:
                return await one.translate(request), self._by(one)
            except EngineError as error:
                if isinstance(error, Unusable) and not request.final:
                    raise  # the line stays as it is: the next answer may be better
                trouble = trouble or error
        raise trouble or EngineError(self.able[0].trouble or "nobody can go on with this line")

    def leave(self) -> None:
        """Try nobody any more."""
        for task in self.trying.values():
            task.cancel()

    def _asked(self, request: Request) -> list[Interpreter]:
        """Those that work; where none does, those that have rested. A line that is held to what
        somebody said who has failed since waits for its final, which is held to nothing."""
        asked = [one for one in self.able if not one.trouble]
        asked = asked or [one for one in self.able if one.willing]
        return [one for one in asked if one.forces_prefix or not request.prefix]

    def _try_the_better(self, request: Request) -> None:
        for one in self.able[: self.able.index(self.serving)]:
            if one.willing and one not in self.trying:
                asked = replace(request, prefix="", hypothesis="")
                self.trying[one] = asyncio.create_task(self._try(one, asked))

    async def _try(self, one: Interpreter, request: Request) -> None:
        try:
            await one.translate(request)
        except EngineError as error:
            log.info("%s is still down: %s", one.name, error)
        finally:
            del self.trying[one]

    def _by(self, one: Interpreter) -> By:
        return By(one.name, None if one is self.able[0] else "fallback")


class Translation:
    """All directions. `on_change(pair, level, reason)` hears when one is down, degraded or ok."""

    def __init__(
        self, translators: Sequence[Translator], on_change: Change, deadline_s: float = DEADLINE_S
    ) -> None:
        """`translators`: the best first."""
        self.on_change, self.deadline_s = on_change, deadline_s
        self.on_refused: Callable[[str], None] = lambda what: None
        self.directions: dict[Pair, Direction] = {}
        self.take(translators)

    def take(
        self, translators: Sequence[Translator], away: Mapping[Translator, str] = NOBODY
    ) -> None:
        """These and no others from now on; what is known of those that stay is kept. `away`: those
        that are not there, and why: others do their work as far as they can."""
        before, self.directions = self.directions, {}
        for pair, able in directions(translators).items():
            made = before.pop(pair, None) or Direction(pair, self.on_change)
            known = {one.translator: one for one in made.able}
            made.able = [known.get(one) or self._interpreter(one, made) for one in able]
            for one in made.able:
                one.here(away.get(one.translator, ""))
            self.directions[pair] = made
            made.changed()
        for gone in before.values():
            gone.leave()

    @property
    def pairs(self) -> list[tuple[str, str, str]]:
        """What can be translated when nothing is broken, and who does it now."""
        return [(*pair, found.serving.name) for pair, found in sorted(self.directions.items())]

    @property
    def best(self) -> Collection[Translator]:
        """Who translates something when nothing is broken."""
        return dict.fromkeys(one.able[0].translator for one in self.directions.values())

    def direction(self, source: str, target: str) -> Direction | None:
        """What serves these languages, most specific first; None if nothing does."""
        if found := self.directions.get((source, target)):
            return found
        tried = (source, base(target)), (base(source), target), (base(source), base(target))
        return next((found for pair in tried if (found := self.directions.get(pair))), None)

    def pair(self, source: str, target: str) -> Pair | None:
        """The languages of what serves these."""
        found = self.direction(source, target)
        return None if found is None else found.pair

    def works(self, source: str, target: str) -> bool:
        """Captions of `source` reach readers of `target` translated."""
        found = self.direction(source, target)
        return found is not None and not found.serving.trouble

    async def translate(self, request: Request) -> tuple[str, By]:
        """As `Direction.translate`. EngineError: nobody translates that."""
        found = self.direction(request.source, request.target)
        if found is None:
            raise EngineError(f"nobody translates {request.source} to {request.target}")
        return await found.translate(request)

    def leave(self) -> None:
        """Try nobody any more; the translators are closed by who started them."""
        for direction in self.directions.values():
            direction.leave()

    def _interpreter(self, translator: Translator, direction: Direction) -> Interpreter:
        return Interpreter(
            translator, direction.pair, self.deadline_s, direction.changed, self._refused
        )

    def _refused(self, what: str) -> None:
        self.on_refused(what)
