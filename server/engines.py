"""The models of one server, started once and shared by its rooms."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from models import registry

from .clock import Clock
from .detection import Detection, detection
from .recognizers import Recognizers
from .starting import Starting
from .translation import Change, Translation


@dataclass(frozen=True, slots=True)
class Engines:
    """What hears and translates, and the clock by which it is timed."""

    clock: Clock
    detection: Detection
    recognizers: Recognizers
    translation: Translation
    late_s: float = 5.0
    """A final that comes so long after its audio is called late."""


@asynccontextmanager
async def started(
    built: registry.Engines, clock: Clock, on_change: Change
) -> AsyncIterator[Engines]:
    """The engines, warm; closed at the end. EngineError: one that is needed cannot start."""
    recognizers = Recognizers(built.recognizers)
    translation = Translation(built.translators, on_change)
    starting = Starting(built, recognizers, translation)
    try:
        await starting.start()
        looking = detection(built.detector)
        try:
            yield Engines(clock, looking, recognizers, translation)
        finally:
            await looking.close()
    finally:
        await starting.close()
