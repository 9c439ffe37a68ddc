"""A seat in a room: what we say into it, and what the keys and the screen ask of the connection."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from msgspec.structs import replace

from clients.audio import Pace, opened, source
from clients.console import say
from clients.devices import named
from clients.link import Link
from clients.microphone import Level, Microphone, listening
from streaming.messages import Ack, ServerMessage, Stability
from streaming.values import AudioFrame


@dataclass(frozen=True, slots=True)
class Voice:
    """What we say, and when each position of it was captured."""

    frames: AsyncIterable[AudioFrame]
    captured: Callable[[int], float]


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


class Seat:
    """What the keys do to a connection, and what the screen asks of it."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.microphone = Microphone(link)

    async def mute(self, on: bool) -> None:
        """Keep what we say to ourselves."""
        await self.microphone.mute(on)

    async def show_source(self, on: bool) -> None:
        """Ask for the speakers' own words, or no longer."""
        await self.link.change(replace(self.link.hello, source=on))

    async def read(self, reads: Sequence[str], source: bool) -> None:
        """Ask for other languages."""
        await self.link.change(replace(self.link.hello, reads=list(reads), source=source))

    async def steady(self, stability: Stability) -> None:
        """Ask for words sooner, or surer."""
        await self.link.change(replace(self.link.hello, stability=stability))

    async def ping(self, t: float) -> None:
        """To be answered by a pong."""
        await self.link.ping(t)

    def level(self) -> Level:
        """How loud we are, muted or not; the floor while the microphone is away."""
        return self.microphone.level()

    async def messages(self) -> AsyncIterator[ServerMessage]:
        """Everything the server says, its welcome first."""
        yield self.link.welcome
        async for message in self.link:
            if isinstance(message, Ack):
                self.microphone.arrived(message.samples)
            yield message


@asynccontextmanager
async def speaking(microphone: Microphone, said: Voice | None) -> AsyncIterator[None]:
    """Speak for as long as the block lasts, if there is anything to say."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(microphone.speak(said.frames)) if said else None
        yield
        if task is not None:
            task.cancel()
