"""A seat in a room: what we say into it, and what the keys and the screen ask of the connection.

What one speaks is fixed for a connection. To speak another language a new one is made first, so
that nothing has changed if it is refused; from then on we speak into that, and read the old one
until the last words said there are written.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from msgspec.structs import replace

from clients.console import Problem
from clients.latency import Captured
from clients.link import Link, LinkError
from clients.microphone import Level, Microphone
from streaming.messages import Ack, Hello, Pcm16, ServerMessage, Stability, State
from streaming.values import SAMPLE_RATE

from .sound import Sound

LAST_WORDS_S = (
    3.0  # seconds the old connection is read; what is finished later comes by the new one
)


class Seat:
    """What the keys do to a connection, and what the screen asks of it."""

    def __init__(self, link: Link, sound: Sound | None = None) -> None:
        self.link = link
        """The one we speak into and ask."""
        self.sound = sound or Sound()
        self.microphone = Microphone(link)
        self._read = link
        """The one we read: for a moment still the one we have left."""
        self._over = False
        """Nothing more will be read."""
        self._links = AsyncExitStack()
        self._tasks = asyncio.TaskGroup()
        self._speaking: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def speaking(self) -> AsyncIterator[None]:
        """Speak while the block lasts, if there is anything to say; its errors end the block."""
        async with self._tasks, self._links:
            self._speak()
            yield
            self._hush()
            if self._leaving is not None:
                self._leaving.cancel()

    async def hear(self, hears: Sequence[str]) -> Captured | None:
        """Speak these languages from now on, or ([]) only read: join anew, and leave the old seat
        when its last words are written. When each position of our sound was captured, if there is
        any. A Problem says why not; then all is as before.
        """
        if self._over:
            raise Problem("there is no connection any more: leave, and join again")
        if self._read is not self.link:
            raise Problem("you are just joining anew: try again in a moment")
        silent = self.sound.said is None
        try:
            if hears and silent:
                await self.sound.open()
            before, hello = self.link, speaking(self.link.hello, hears)
            new = Link(before.url, before.room, hello, patience=before.patience)
            await self._links.enter_async_context(new)
        except BaseException:
            if silent:
                await self.sound.close()
            raise
        self.microphone.muted &= bool(hears)  # without a microphone there is nothing to mute
        await self._move(new)
        if hears and silent:
            self._speak()
        elif not hears:
            self._hush()
            await self.sound.close()
        return self.sound.captured

    async def _move(self, new: Link) -> None:
        """From the next frame on, speak into the new one; say goodbye to the old one."""
        old, self.link = self.link, new
        await self.microphone.move(new)
        await old.end()
        self._leaving = self._tasks.create_task(self._hurry(old))

    async def _hurry(self, old: Link) -> None:
        """Wait for the last words, but not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await old.closed()
        await old.close()

    def _speak(self) -> None:
        if self.sound.said is not None:
            frames = self.sound.said.frames
            self._speaking = self._tasks.create_task(self.microphone.speak(frames))

    def _hush(self) -> None:
        if self._speaking is not None:
            self._speaking.cancel()
            self._speaking = None

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
        await self._read.ping(t)

    def level(self) -> Level:
        """How loud we are, muted or not; the floor while the microphone is away."""
        return self.microphone.level()

    async def messages(self) -> AsyncIterator[ServerMessage]:
        """Everything the server says: its welcome first, and again whenever we joined anew."""
        while True:
            link = self._read = self.link
            yield link.welcome
            try:
                async for message in link:
                    if isinstance(message, Ack) and link is self.link:
                        self.microphone.arrived(message.samples)
                    if link is self.link or not over(message):
                        yield message
            except LinkError:
                if link is self.link:
                    self._over = True
                    raise
            if link is self.link:
                self._over = True
                return


def speaking(hello: Hello, hears: Sequence[str]) -> Hello:
    """The same hello with these languages spoken."""
    return replace(hello, hears=list(hears), audio=Pcm16(SAMPLE_RATE) if hears else None)


def over(message: ServerMessage) -> bool:
    """Whether it says that this connection has ended."""
    return isinstance(message, State) and message.scope == "connection"
