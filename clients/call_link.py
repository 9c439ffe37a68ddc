"""A link whose sound goes by a call (WebRTC), and by its own WebSocket where that comes to nothing.

    calling -- packets get through -->                                         in the call
    calling, in the call -- refused, broken, not heard, or the link broke -->  in the WebSocket

What is said is kept for 30 s or until the server has heard it, so what a call did not bring follows
by the WebSocket: a network that is away for some seconds costs time and no words. Once there it
stays there. Needs the extra `webrtc`.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from msgspec.structs import replace

from streaming.messages import Ack, End, Hello, Opus, ServerMessage, WebRtc
from streaming.values import BYTES_PER_SAMPLE, samples

from .calling import Caller
from .link import GONE, QUIET, RESENT, LinkError
from .opus import PACKET, OpusLink
from .ring import Ring

SILENCE = b"\xf8\xff\xfe"  # 20 ms of it, in Opus
LOST = samples(100)  # at most so much of the beginning may be lost, by which positions differ
LAST_S = 1.5  # seconds for the last words to be acknowledged
UNHEARD = "the server heard nothing of it"

Calls = Callable[[str, str, str], Caller]


class CallLink(OpusLink):
    """Takes 16-bit samples at 16 kHz; the hello says WebRTC.

    `say` is told in a sentence why the sound goes by the WebSocket, should it. `calls` makes a call
    from a server's address, a room and a key.
    """

    def __init__(
        self,
        url: str,
        room: str,
        hello: Hello,
        *,
        say: Callable[[str], None] = lambda sentence: None,
        calls: Calls = Caller,
        **options: Any,
    ) -> None:
        super().__init__(url, room, hello, **options)
        self._ring = self._said = Ring(Opus())
        self._say_way, self._calls = say, calls
        self._call: Caller | None = None
        """While packets get through."""
        self._calling: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()  # it is known which way sound goes
        self._due: tuple[int, asyncio.TimerHandle] | None = None
        """A position that was sent and is not acknowledged, and when the call is given up."""
        self._all_heard = asyncio.Event()

    @property
    def calls(self) -> bool:
        """Sound goes by a call, or is to."""
        return isinstance(self.hello.audio, WebRtc)

    @property
    def connected(self) -> bool:
        """What is said now is sent now; otherwise it is kept, and sent when it can be."""
        if self._call is None:
            return super().connected
        now = asyncio.get_running_loop().time()
        return self._due is None or now < self._due[1].when() - GONE + QUIET

    @property
    def absent(self) -> float:
        """Seconds for which the server has been gone, or owes an answer; 0 while it is there."""
        if self._call is None or self._due is None:
            return super().absent
        return asyncio.get_running_loop().time() - (self._due[1].when() - GONE)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        if self.calls:
            self._connected = False  # no sound goes by the wire
            self._calling = asyncio.create_task(self._hold())
        return self

    async def close(self) -> None:
        """Leave at once."""
        self._settled.set()
        await super().close()
        if self._calling is not None:
            self._calling.cancel()
            await asyncio.gather(self._calling, return_exceptions=True)

    async def send_packet(self, packet: bytes) -> None:
        """The next 20 ms."""
        await super().send_packet(packet)
        if self._call is None:
            return
        self._all_heard.clear()
        self._call.put(self._said.end - PACKET, packet)
        if self._due is None:
            timer = asyncio.get_running_loop().call_later(GONE, self._give_up, UNHEARD)
            self._due = self._said.end, timer

    async def end(self) -> None:
        """No more audio."""
        if self.calls:
            await self._settled.wait()
        if self._call is None:
            await super().end()
            return
        await self.send_audio(bytes(self._missing * BYTES_PER_SAMPLE))
        self._ended = True
        await self._call.flushed()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_heard.wait(), LAST_S)
        await self._say(End())

    async def change(self, hello: Hello) -> None:
        """Say hello anew; the way of the sound stays."""
        await super().change(replace(hello, audio=self.hello.audio))

    async def _hold(self) -> None:
        """Call, say what was said meanwhile, and stay until the call breaks."""
        try:
            async with self._calls(self.url, self.room, self.welcome.key) as call:
                await self._catch_up(call)
                self._call = call
                self._settled.set()
                await call.gone.wait()
                self._give_up("the call broke")
        except LinkError as error:
            self._give_up(error.message)

    async def _catch_up(self, call: Caller) -> None:
        """Position 0 of a call is its first packet's, so there is one at 0. Packets that left all
        at once would overtake one another, and be taken for lost."""
        position, piece = 0, self._said.after(0)
        if piece is None or not piece.data:
            await call.put_all(0, SILENCE)
        loop = asyncio.get_running_loop()
        due = loop.time()
        while (piece := self._said.after(position)) is not None:
            if piece.data:
                await asyncio.sleep(due - loop.time())
                await call.put_all(piece.start, piece.data)
                due += (piece.end - piece.start) / RESENT
            position = piece.end

    def _give_up(self, why: str) -> None:
        """Go on in the WebSocket, which takes another one: what was not heard is sent then."""
        if not self.calls:
            return
        self.hello = replace(self.hello, audio=Opus())
        self._call = None
        self._settle()
        self._settled.set()
        if self._calling is not None and self._calling is not asyncio.current_task():
            self._calling.cancel()
        self._say_way(f"sound goes by the WebSocket, not by WebRTC: {why}")
        self._wire.drop()

    def _note(self, message: ServerMessage) -> None:
        super()._note(message)
        if isinstance(message, Ack):
            heard = message.samples + LOST
            if self._due is not None and heard >= self._due[0]:
                self._settle()
            if heard >= self._said.end:
                self._all_heard.set()

    def _settle(self) -> None:
        """Nothing is due."""
        if self._due is not None:
            self._due[1].cancel()
            self._due = None

    async def _open(self, hello: Hello) -> None:
        try:
            await super()._open(hello)
        except LinkError as error:
            if error.code != 4400 or not isinstance(hello.audio, WebRtc):
                raise
            await super()._open(replace(hello, audio=Opus()))
            self.hello = replace(self.hello, audio=Opus())
            self._say_way(f"sound goes by the WebSocket, not by WebRTC: {error.message}")

    async def _hush(self) -> None:
        if not self._over.is_set():
            self._give_up("the connection was lost")
        self._settle()
        await super()._hush()
