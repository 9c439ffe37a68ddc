"""A seat in a room that outlasts its connections: messages in and audio out.

    connected -- the connection breaks -->             reconnecting
    reconnecting -- welcomed, the audio is resent -->  connected

What breaks is mended from inside the iteration, which says so by a `State` of the connection, and
by another `Welcome` when it is back: captions go on after the last that came, audio where the
server stopped hearing. LinkError ends the iteration when trying again is of no use.
"""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self

from msgspec.structs import replace

from streaming.messages import (
    Ack,
    Caption,
    End,
    FromClient,
    Gap,
    Hello,
    Mute,
    Ping,
    Resume,
    ServerMessage,
    State,
    TokenExpiring,
    Welcome,
)
from streaming.values import SAMPLE_RATE, AudioFrame

from .backoff import STEADY, Backoff
from .ring import kept
from .wire import LinkError, Wire, address, token

__all__ = ["Link", "LinkError"]

PATIENCE = 60.0  # seconds without a server before it is given up
RESENT = 2 * SAMPLE_RATE  # samples a second: faster would hurt the others of the room
QUIET = 2.0  # seconds without a word from a server that should acknowledge what is said, every one
GONE = 4.0  # and then it is taken to be away: a network that is does not say so
STOPPING = 4503
LOST = "some of what was said meanwhile cannot be had any more"


class Link:
    """`async with Link(url, room, hello) as link:`, then iterate over it for the messages.

    Keep iterating while audio is sent: what goes wrong is told there, and only there, and there it
    is mended. `tap` sees every text frame as it was received. `patience` is how many seconds to
    try to come back; 0 is not to try. A token that the hello lacks is taken from the environment.
    """

    welcome: Welcome
    """Who this is in the room, and which translations there are; there once inside the block."""

    def __init__(
        self,
        url: str,
        room: str,
        hello: Hello,
        tap: Callable[[str], None] | None = None,
        patience: float = PATIENCE,
        backoff: Backoff | None = None,
    ) -> None:
        address(url, room)  # a LinkError now, not later
        self.url = url
        self.room = room
        self.hello = replace(hello, token=hello.token or token())
        self.patience = patience
        self._tap = tap or (lambda frame: None)
        self._backoff = backoff or Backoff()
        self._ring = kept(hello.audio)
        self._wire: Wire
        self._since = 0.0  # the second at which the wire was welcomed
        self._seq = 0  # of the newest caption
        self._lost: float | None = None  # the second of the first of several losses in a row
        self._there = False  # there is a wire, which may have to hear older audio first
        self._connected = False
        self._muted: bool | None = None
        self._ended = False
        self._stopping = False  # the server said that it stops
        self._over = asyncio.Event()
        self._resending: asyncio.Task[None] | None = None
        self._acknowledges = False  # this server does
        self._gone: asyncio.TimerHandle | None = None
        """Runs while something was said since the server was last heard of."""
        self._left = time.monotonic()
        """The second since which there is no wire, while there is none."""

    @property
    def connected(self) -> bool:
        """What is said now is sent now; otherwise it is kept, and sent when it can be."""
        return self._connected and not self._quiet

    @property
    def absent(self) -> float:
        """Seconds for which the server has been gone, or owes an answer; 0 while it is there."""
        if not self._there:
            return time.monotonic() - self._left
        if self._gone is None:
            return 0.0
        return asyncio.get_running_loop().time() - (self._gone.when() - GONE)

    @property
    def _quiet(self) -> bool:
        """The server should have said something by now."""
        if self._gone is None:
            return False
        return asyncio.get_running_loop().time() > self._gone.when() - GONE + QUIET

    async def __aenter__(self) -> Self:
        await self._open(self.hello)
        self._there = self._connected = True
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave at once: the iteration ends. Leaving the block does the same."""
        self._over.set()
        await self._hush()
        await self._wire.close()

    async def closed(self) -> None:
        """Wait until all has ended, whoever ended it; somebody has to iterate."""
        await self._over.wait()

    async def __aiter__(self) -> AsyncIterator[ServerMessage]:
        try:
            while True:
                try:
                    while (message := await self._wire.receive()) is not None:
                        self._note(message)
                        if isinstance(message, TokenExpiring):
                            await self._renew()
                        yield message
                    return
                except LinkError as error:
                    await self._hush()
                    if self._over.is_set():
                        return
                    if not error.retry or not self.patience:
                        raise
                    broken = error
                yield State("connection", "down", broken.message)
                if not await self._reopened(broken):
                    return
                yield self.welcome
                if self._stopping:
                    self._stopping = False
                    yield State("room", "ok")
                yield State("connection", "ok", LOST if self.welcome.gap else None)
        finally:
            self._over.set()

    async def send_audio(self, audio: bytes) -> None:
        """One binary frame: whole samples of PCM at the rate in the hello, or one Opus packet."""
        if self._ring is not None:
            self._ring.push(audio)
        if self._connected:
            if self._acknowledges and self._gone is None:
                self._gone = asyncio.get_running_loop().call_later(GONE, self._wire.drop)
            await self._wire.put(audio)

    async def speak(self, frames: AsyncIterable[AudioFrame]) -> None:
        """All of these frames, each as it comes, then the end."""
        async for frame in frames:
            await self.send_audio(frame.pcm)
        await self.end()

    @asynccontextmanager
    async def speaking(self, frames: AsyncIterable[AudioFrame]) -> AsyncIterator[None]:
        """Speak in the background for as long as the block lasts; its errors end the block."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.speak(frames))
            yield
            task.cancel()

    async def gap(self, start: int, end: int) -> None:
        """The audio of these positions will never come."""
        if self._ring is not None:
            self._ring.skip(end)
        if self._connected:
            await self._wire.send(Gap(start, end))

    async def mute(self, on: bool) -> None:
        """Whether the speaker wants not to be heard."""
        self._muted = on
        await self._say(Mute(on))

    async def end(self) -> None:
        """No more audio: the last finals come, then `drained`, then the iteration ends."""
        self._ended = True
        if self._connected:
            await self._wire.send(End())

    async def ping(self, t: float) -> None:
        """Asks for a `Pong` with the same `t`."""
        await self._say(Ping(t))

    async def change(self, hello: Hello) -> None:
        """Say hello anew: other languages, another dial. `hears` and `audio` stay as they were."""
        self.hello = hello
        await self._say(hello)

    async def _say(self, message: FromClient) -> None:
        """Now, if there is a connection: what matters of it is said anew with the next."""
        if self._there:
            await self._wire.send(message)

    def _note(self, message: ServerMessage) -> None:
        """What has come need not come again."""
        self._answered()
        if isinstance(message, Caption):
            self._seq = max(self._seq, message.seq)
        elif isinstance(message, State) and message.level == "draining":
            self._stopping = True
        elif isinstance(message, Ack) and self._ring is not None:
            self._acknowledges = True
            self._ring.acknowledged(message.samples)

    def _answered(self) -> None:
        """The server is there, or is known not to be."""
        if self._gone is not None:
            self._gone.cancel()
            self._gone = None

    async def _renew(self) -> None:
        """Show the newest token, if there is a newer one."""
        newest = token()
        if newest is not None and newest != self.hello.token:
            await self.change(replace(self.hello, token=newest))

    async def _open(self, hello: Hello) -> None:
        self._wire = await Wire.opened(self.url, self.room, hello, self._tap)
        self._since = time.monotonic()
        before, self.welcome = hello.resume, self._wire.welcome
        if before is None or before.epoch != self.welcome.epoch:
            self._seq = self.welcome.replay_from

    async def _reopened(self, broken: LinkError) -> bool:
        """Connect again and go on where it broke; False if that is not wanted any more.

        LinkError: it is of no use, or was tried for long enough.
        """
        now = time.monotonic()
        lasted = now - self._since
        self._backoff.lost(lasted)
        self._lost = now if self._lost is None or lasted >= STEADY else self._lost
        while True:
            at_least = (broken.retry_after_ms or 0) / 1000
            wait = self._backoff.next(broken.code == STOPPING, at_least)
            if time.monotonic() + wait > self._lost + self.patience:
                raise broken
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), wait)
            if self._over.is_set():
                return False
            await self._renew()
            hello = self.hello
            try:
                await self._open(self._resuming(hello))
            except LinkError as error:
                if not error.retry:
                    raise
                broken = error
            else:
                self._resending = asyncio.create_task(self._resend(self._wire, hello))
                return True

    def _resuming(self, hello: Hello) -> Hello:
        before = self.welcome
        resume = Resume(before.epoch, self._seq, before.participant, before.key)
        return replace(hello, resume=resume)

    async def _resend(self, wire: Wire, hello: Hello) -> None:
        """Say again what the server has not heard, and go on."""
        self._there = True
        if self.hello is not hello:
            await wire.send(self.hello)  # it was changed on the way
        if self._muted is False:
            await wire.send(Mute(False))
        if self._ring is not None:
            position, due = wire.welcome.audio_at or 0, time.monotonic()
            while (piece := self._ring.after(position)) is not None:
                if piece.data:
                    await asyncio.sleep(due - time.monotonic())
                    await wire.put(piece.data)
                    due += (piece.end - piece.start) / RESENT
                else:
                    await wire.send(Gap(piece.start, piece.end))
                position = piece.end
        self._connected = True
        if self._muted:
            await wire.send(Mute(True))  # not sooner: what was said before may be heard
        if self._ended:
            await wire.send(End())

    async def _hush(self) -> None:
        """Nothing is sent until there is another connection."""
        if self._there:
            self._left = time.monotonic()
        self._there = self._connected = False
        self._answered()
        if self._resending is not None:
            self._resending.cancel()
            await asyncio.gather(self._resending, return_exceptions=True)
            self._resending = None
