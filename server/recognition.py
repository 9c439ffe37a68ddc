"""One segment's recognition, with a deadline, and further tries from the recording.

A recognizer that crashes is asked again, a few times. One that is away is waited for with the last
hop of a segment, as long as its sound is kept: what was said meanwhile is captioned late.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.base import EngineError, Heard, Hearing, Hints, Primed, Recognizer
from streaming.clean import clean
from streaming.recording import Recording
from streaming.values import SpeechSegment

log = logging.getLogger(__name__)

DEADLINE_S = 10.0  # real seconds for one hop; a worker that needs longer is not coming back
REST_S = 0.5  # between two tries
TRIES = 3  # of one hop, each from the segment's first sample


def never() -> bool:
    """Nobody waits for it."""
    return False


@dataclass(slots=True)
class Progress:
    """An open segment's recognition and how far it has heard."""

    hearing: Hearing
    fed: int


class Recognition:
    """One speaker's segments, heard by a recognizer that may crash, hang or answer nonsense."""

    def __init__(
        self,
        recognizer: Recognizer,
        speaker: str,
        hears: Sequence[str],
        recording: Recording,
        on_change: Callable[[str], None],
        deadline_s: float = DEADLINE_S,
        hints: Callable[[], Hints] = Hints,
    ) -> None:
        self.recognizer, self.speaker, self.hears = recognizer, speaker, hears
        self.recording = recording
        self.on_change = on_change
        self.deadline_s, self.hints = deadline_s, hints
        self.open: dict[int, Progress] = {}
        self.down = False

    async def hear(
        self, segment: SpeechSegment, committed: str, kept: Callable[[], bool] = never
    ) -> Heard:
        """What the segment says, as of its newest sample; while `kept()`, a recognizer that is away
        is waited for. EngineError: not to be had."""
        tries = 0
        while True:
            try:
                async with asyncio.timeout(self.deadline_s):
                    heard = await self._hear(segment, committed)
            except (EngineError, TimeoutError) as error:
                reason = str(error) or f"no answer within {self.deadline_s:g} s"
                away = isinstance(error, TimeoutError) or error.passing
                tries += 1
                await self._drop(segment.id)
                self._say(reason)
                if tries >= TRIES and not (away and kept()):
                    raise EngineError(reason) from error
                await asyncio.sleep(REST_S)
            else:
                self._say("")
                return Heard(clean(heard.text), heard.language)

    async def close(self) -> None:
        """The speaker is gone."""
        for segment in list(self.open):
            await self._drop(segment)
        await self.recognizer.leave(self.speaker)

    async def _hear(self, segment: SpeechSegment, committed: str) -> Heard:
        progress = self.open.get(segment.id)
        if progress is None:
            if isinstance(self.recognizer, Primed):
                self.recognizer.prime(self.speaker, self.hints())
            hearing = await self.recognizer.open(self.speaker, self.hears)
            progress = self.open[segment.id] = Progress(hearing, segment.start)
        pcm = self.recording.read(progress.fed, segment.end)
        progress.fed = segment.end
        if not segment.final:
            return await progress.hearing.hear(pcm, committed)
        heard = await progress.hearing.finish(pcm)
        await self._drop(segment.id)
        return heard

    async def _drop(self, segment: int) -> None:
        progress = self.open.pop(segment, None)
        if progress is None:
            return
        try:
            async with asyncio.timeout(self.deadline_s):
                await progress.hearing.close()
        except (EngineError, TimeoutError) as error:
            log.warning("closing a segment failed: %s", error)

    def _say(self, reason: str) -> None:
        if bool(reason) != self.down:
            self.down = bool(reason)
            if reason:
                log.warning("recognition for %s is down: %s", self.speaker, reason)
            self.on_change(reason)
