"""What we say into a room: a microphone or a file, opened when there is something to say."""

from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Self

from clients.audio import Pace, opened, source
from clients.console import say
from clients.devices import named
from clients.latency import Captured
from clients.microphone import listening
from streaming.values import AudioFrame


@dataclass(frozen=True, slots=True)
class Voice:
    """What we say, and when each position of it was captured."""

    frames: AsyncIterable[AudioFrame]
    captured: Captured


class Remarks:
    """What the microphone has to say: on standard error until there is a screen."""

    def __init__(self) -> None:
        self.show: Callable[[str], None] = say

    def __call__(self, sentence: str) -> None:
        self.show(sentence)


@asynccontextmanager
async def voice(word: str, remarks: Remarks) -> AsyncIterator[Voice | None]:
    """The microphone, the file, or none. A Problem says why it cannot be had."""
    name = named(word)
    if name is not None:
        async with listening(name, remarks) as capture:
            yield Voice(capture, capture.captured)
    elif word == "none":
        yield None
    else:
        frames, pace = await opened(source(word)), Pace()
        yield Voice(pace(frames), pace.captured)


class Sound:
    """The voice while there is one: `async with` opens what `word` (as in --audio) says.

    `usual` is the microphone that is opened when somebody who only read wants to speak.
    """

    def __init__(
        self, word: str = "none", usual: str = "mic", remarks: Remarks | None = None
    ) -> None:
        self.word = word
        self.usual = word if word != "none" else usual
        self.remarks = remarks or Remarks()
        self.said: Voice | None = None
        self._device = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self.word != "none":
            await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def captured(self) -> Captured | None:
        """When each position was captured, while there is a voice."""
        return self.said.captured if self.said is not None else None

    async def open(self) -> None:
        """From now on it is heard. A Problem says why it cannot be."""
        self.said = await self._device.enter_async_context(voice(self.usual, self.remarks))

    async def close(self) -> None:
        """From now on it is not."""
        self.said = None
        await self._device.aclose()
