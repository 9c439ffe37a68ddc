"""Engines are started, all that can be; those whose servers are not there yet are waited for.

A named tier needs its engines. "auto" has spares: what cannot be loaded is left out, and a model
server that does not answer, or is loading, is taken in when it does. Of rivals, which would ask the
same servers, the first that starts is enough.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence

from models.base import EngineError, Recognizer
from models.registry import Engine, Engines
from models.sglang.errors import Absent, Cut, Full, Loading, Slow

from .recognizers import Recognizers
from .translation import Translation

log = logging.getLogger(__name__)

AGAIN_S = 2.0  # between two questions whether a server is there by now
LATER = (Absent, Loading, Full, Slow, Cut)  # what may be over in a while


class Starting:
    """One per server: `start`, and `close` at the end."""

    def __init__(self, built: Engines, recognizers: Recognizers, translation: Translation) -> None:
        self.built, self.recognizers, self.translation = built, recognizers, translation
        self.here: set[Engine] = set()
        self.awaited: dict[Engine, asyncio.Task[None]] = {}
        self.why: dict[Engine, str] = {}  # some are not here
        self.again_s = AGAIN_S

    async def start(self) -> None:
        """Until everything is there that can be. EngineError: something that is needed is not."""
        built = self.built
        try:
            async with asyncio.TaskGroup() as group:
                if built.spares:
                    group.create_task(self._hear())
                    for translator in built.translators:
                        group.create_task(self._try(translator))
                else:
                    for engine in self._all:
                        group.create_task(engine.start())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        if built.spares:
            self._settle()
            for engine, why in self.why.items():
                self._say(engine, why)

    async def close(self) -> None:
        """Wait for nobody; end what was started."""
        self.translation.leave()
        waits = list(self.awaited.values())
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        for engine in self._all:
            await engine.close()

    @property
    def _all(self) -> list[Engine]:
        return [*self.built.recognizers, *self.built.translators]

    async def _hear(self) -> None:
        """Start the recognizers, the best first, but for those that hear nothing more: they would
        take memory for nothing. EngineError: none is there."""
        troubles: list[EngineError] = []
        for recognizer in self.built.recognizers:
            if not any(_covers(other, recognizer) for other in self._here(self.built.recognizers)):
                trouble = await self._try(recognizer)
                troubles += [trouble] if trouble else []
        if not self._here(self.built.recognizers):
            raise troubles[0]

    async def _try(self, engine: Engine) -> EngineError | None:
        """Start one; if it is not there yet, have it waited for. What was wrong."""
        try:
            await engine.start()
        except LATER as error:
            self.why[engine] = str(error)
            self.awaited[engine] = asyncio.create_task(self._await(engine))
            return error
        except EngineError as error:
            self.why[engine] = str(error)
            return error
        self.here.add(engine)
        return None

    async def _await(self, engine: Engine) -> None:
        """Start it when that can be done, and take it in."""
        while True:
            await asyncio.sleep(self.again_s)
            try:
                await engine.start()
            except LATER:
                continue
            except EngineError as error:
                del self.awaited[engine]
                self._say(engine, str(error))
            else:
                del self.awaited[engine]
                self.here.add(engine)
                log.warning("%s is there", engine.name)
            self._settle()
            return

    def _settle(self) -> None:
        """Have those serve that are there, and those stand by that are waited for."""
        for group in self.built.rivals:
            for engine in group[_first(group, self.here) + 1 :]:
                self.here.discard(engine)
                if engine in self.awaited:
                    self.awaited.pop(engine).cancel()
        self.recognizers.take(self._here(self.built.recognizers))
        able = [one for one in self.built.translators if one in self.here or one in self.awaited]
        self.translation.take(able, {one: self.why[one] for one in able if one in self.awaited})

    def _say(self, engine: Engine, why: str) -> None:
        """Tell the operator who is not here, unless a rival does or will do the same."""
        rivals = [one for group in self.built.rivals if engine in group for one in group]
        if engine in self.awaited and engine in (rivals or [engine])[:1]:
            log.warning("%s is waited for: %s", engine.name, why)
        elif not any(one in self.here or one in self.awaited for one in rivals):
            log.warning("done without %s: %s", engine.name, why)

    def _here(self, recognizers: Sequence[Recognizer]) -> list[Recognizer]:
        return [one for one in recognizers if one in self.here]


def _covers(better: Recognizer, other: Recognizer) -> bool:
    return set(better.languages) >= set(other.languages)


def _first(group: Sequence[Engine], here: Collection[Engine]) -> int:
    """The place of the first that is there; behind the last if none is."""
    return next((place for place, one in enumerate(group) if one in here), len(group))
