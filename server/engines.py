"""The models of one server, started once and shared by its rooms."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from models import registry
from models.base import Recognizer

from .clock import Clock
from .detection import Detection
from .translation import Pair, Translation


@dataclass(frozen=True, slots=True)
class Engines:
    """What hears and translates, and the clock by which it is timed."""

    clock: Clock
    detection: Detection
    recognizer: Recognizer
    translation: Translation
    late_s: float = 5.0
    """A final that comes so long after its audio is called late."""


@asynccontextmanager
async def started(
    built: registry.Engines, clock: Clock, on_change: Callable[[Pair, str], None]
) -> AsyncIterator[Engines]:
    """The engines, warm; closed at the end. EngineError: one of them cannot start."""
    translator = built.translator
    try:
        async with asyncio.TaskGroup() as starting:
            starting.create_task(built.recognizer.start())
            if translator is not None:
                starting.create_task(translator.start())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    detection = Detection(built.detector)
    try:
        yield Engines(clock, detection, built.recognizer, Translation(translator, on_change))
    finally:
        await detection.close()
        await built.recognizer.close()
        if translator is not None:
            await translator.close()
