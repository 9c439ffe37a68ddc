"""One WebSocket: what a participant says, and what it is told.

Two tasks: one reads until the peer has said all, one writes until there is nothing left to say.
Whatever is wrong with what the peer sends closes this connection and no other, with an `error` that
says what it was.
"""

import asyncio
import logging
from functools import partial

from aiohttp import WSMessage, WSMsgType, web

from streaming.allowance import Allowance
from streaming.messages import (
    MAX_AUDIO,
    MAX_TEXT,
    SUBPROTOCOL,
    Ack,
    ClientMessage,
    End,
    Error,
    Gap,
    Hello,
    Mute,
    Opus,
    Pcm16,
    Ping,
    Pong,
    State,
    WireError,
    decode_client,
)
from streaming.pace import Pace
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE

from . import entry
from .house import House
from .inlet import inlet
from .intake import AudioError, Intake, Plain, intake
from .member import Member
from .outlet import FAILED, SEND_S, Outlet
from .refused import Refused
from .room import Room
from .session import Session

log = logging.getLogger(__name__)

CLOSED = WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED
HELLO_S = 5.0  # real seconds until `hello` must have come
FRAMES = 4_000, 400.0  # at once, and a second: of 5 ms, at twice the pace of speech
MESSAGES = 200, 20.0
HELLOS = 20, 1.0
HEARTBEAT_S = 10.0  # real seconds without a word of the peer: then it is asked whether it is there
ACK_S = 1.0
ROUNDED = 160  # samples by which two sides may differ where rates are converted: 10 ms


class Connection:
    """Serves one WebSocket from `hello` to close."""

    def __init__(
        self, house: House, socket: web.WebSocketResponse, transport: asyncio.Transport
    ) -> None:
        self.house, self.socket, self.transport = house, socket, transport
        self.outlet = Outlet(transport, house.encoded)
        assert house.engines is not None
        self.clock = house.engines.clock
        self.member: Member | None = None
        self.room: Room | None = None
        self.intake: Intake | None = None
        now = self.clock.now()
        self.frames, self.messages = Allowance(*FRAMES, now), Allowance(*MESSAGES, now)
        self.hellos = Allowance(*HELLOS, now)
        self.heard = now  # when the peer was heard of last
        self.bearer: str | None = None  # what the request said of who sent it
        self.beat: asyncio.TimerHandle | None = None
        self.ended = False  # no more audio will come
        self.left = False  # nor will this participant come back

    async def serve(self, room: str, address: str, authorization: str | None = None) -> None:
        """Everything, until the socket is closed."""
        self.bearer = authorization
        try:
            with self.house.admission.connected(address, self.clock.now()):
                await self._serve(room)
        except Refused as refused:
            await self._close(refused.error)

    async def _serve(self, room: str) -> None:
        writer: asyncio.Task[None] | None = None
        try:
            self._let_in(room, await self._hello())
            writer = asyncio.create_task(self._write())
            self._beat()
            await self._read()
        except Refused as refused:
            self.left = not refused.error.retry
            await self._refuse(refused.error, writer)
        except ConnectionResetError:
            pass
        except Exception:  # a bug of ours: whoever met it is told, and nobody else is disturbed
            log.exception("a connection failed")
            await self._refuse(Error.of(4500, FAILED), writer)
        finally:
            if self.beat is not None:
                self.beat.cancel()
            if self.room is not None and self.member is not None:
                self.room.leave(self.member, dropped=not self.left)
                self.member.wake.set()
            if writer is not None:
                writer.cancel()
                await asyncio.gather(writer, return_exceptions=True)

    # What the peer says

    async def _hello(self) -> Hello:
        if self.socket.ws_protocol != SUBPROTOCOL:
            raise Refused(4400, f"this server speaks the WebSocket subprotocol {SUBPROTOCOL}")
        try:
            async with asyncio.timeout(HELLO_S):
                message = await self._receive()
        except TimeoutError:
            raise Refused(4408, f"no `hello` came within {HELLO_S:g} s") from None
        if message.type == WSMsgType.BINARY:
            raise Refused(4400, "audio came before `hello`")
        if message.type != WSMsgType.TEXT:
            raise ConnectionResetError
        hello = self._decoded(message.data)
        if not isinstance(hello, Hello):
            raise Refused(4400, "the first message is `hello`")
        return hello

    def _let_in(self, name: str, hello: Hello) -> None:
        assert self.house.engines is not None
        entry.check_room(name)
        if self.house.draining:
            raise Refused(4503, "the server is stopping", 1_000)
        entry.check_offered(hello, self.house.config.calls)
        token = entry.admitted(self.house.gate, name, hello, self.bearer)
        entry.check_hears(hello, self.house.engines.recognizers)
        if isinstance(hello.audio, Pcm16 | Opus):
            self.intake = intake(hello.audio)
        self.house.admit(name, hello)
        room = self.house.room(name)
        if token is not None and token.sub in room.people.removed:
            raise Refused(4403, "you were removed from this room")
        self.member = room.join(hello, token)
        self.room = room
        self.member.pace = self.member.pace or Pace(self.clock.now())
        self.ended = self.member.session is not None and self.member.session.ended

    async def _read(self) -> None:
        assert self.member is not None
        if (directly := inlet(self.socket)) is not None:
            directly.take = self._hear
        while (message := await self._receive()).type not in CLOSED:
            if self.member.expelled is not None:
                continue  # it is being told why; another connection may speak for it by now
            if message.type == WSMsgType.BINARY:
                self._hear(message.data)
            elif directly is not None and directly.failed is not None:
                raise directly.failed
            elif message.type == WSMsgType.TEXT:
                self._count(self.messages, "messages came too fast")
                self._take(self._decoded(message.data))
        self.left = self.left or self.socket.close_code == 1000

    async def _receive(self) -> WSMessage:
        """The next thing the peer says: that it is there, and asks whether we are, is nothing."""
        while True:
            message = await self.socket.receive()
            self.heard = self.clock.now()
            if message.type == WSMsgType.PING:
                await self.socket.pong(message.data)
            elif message.type != WSMsgType.PONG:
                return message

    def _beat(self) -> None:
        """Ask a silent peer whether it is there; let one go that has not answered."""
        silent = self.clock.real(self.clock.now() - self.heard)
        if silent >= 1.5 * HEARTBEAT_S:
            self.transport.abort()
            return
        if silent >= HEARTBEAT_S:
            self.outlet.ping()
        self.beat = asyncio.get_running_loop().call_later(HEARTBEAT_S / 2, self._beat)

    def _count(self, allowance: Allowance, excess: str) -> None:
        if not allowance.take(self.heard):
            raise Refused(4429, excess)

    def _decoded(self, data: str) -> ClientMessage:
        if len(data) > MAX_TEXT // 4 and len(data.encode()) > MAX_TEXT:
            raise Refused(4413, f"a text frame holds at most {MAX_TEXT} bytes")
        try:
            return decode_client(data)
        except WireError as error:
            raise Refused(4400, str(error)) from error

    def _hear(self, data: bytes) -> None:
        assert self.member is not None
        if self.member.expelled is not None:
            return
        self.heard = self.clock.now()
        self._count(self.frames, "audio frames came too fast: 20 ms a frame is right")
        session = self.member.session
        if session is None or self.intake is None:
            why = "said that it calls (webrtc)" if session else "named no microphone (hears, audio)"
            raise Refused(4400, f"audio came, but `hello` {why}")
        if len(data) > MAX_AUDIO:
            raise Refused(4413, f"an audio frame holds at most {MAX_AUDIO} bytes")
        if self.ended:
            raise Refused(4400, "audio came after `end`")
        if session.ended:
            return  # the server stops: whoever says it keeps what is not acknowledged
        try:
            pcm = self.intake.push(data)
        except AudioError as error:
            raise Refused(4400, str(error)) from error
        self._spend(len(pcm) // BYTES_PER_SAMPLE)
        if self.member.muted:
            session.skip(session.position + len(pcm) // BYTES_PER_SAMPLE)
        else:
            session.push(pcm)

    def _spend(self, samples: int) -> None:
        assert self.member is not None and self.member.pace is not None
        self.house.metrics.audio.seconds += samples / SAMPLE_RATE
        if not self.member.pace.push(samples, self.heard):
            raise Refused(4429, "audio came faster than it is spoken, 30 s ahead and more")

    def _take(self, message: ClientMessage) -> None:
        assert self.member is not None and self.room is not None
        match message:
            case Hello():
                self._count(self.hellos, "hello: languages were changed too often")
                entry.check_offered(message, self.house.config.calls)
                entry.check_unchanged(message, self.member.hello)
                token = entry.renewed(self.house.gate, self.room.name, message, self.member)
                if token is not self.member.pass_:
                    self.member.carry(token)
                self.room.greet(self.member, message)
            case Mute(on):
                self._mute(on)
            case Gap(start, end):
                self._skip(start, end)
            case End():
                self._end()
            case Ping(t):
                self.member.tell(Pong(t, round(self.clock.now() * 1000, 3)))

    def _mute(self, on: bool) -> None:
        assert self.member is not None and self.room is not None
        if self.member.session is None:
            raise Refused(4400, "mute: there is no microphone to mute")
        if on and not self.member.muted:
            self.member.session.pause()
        self.member.muted = on
        self.room.roster_changed = True

    def _skip(self, start: int, end: int) -> None:
        assert self.member is not None
        session = self.member.session
        if session is None or self.intake is None:
            raise Refused(4400, "audio.gap: there is no microphone whose audio comes here")
        if self.ended:
            raise Refused(4400, "audio.gap came after `end`")
        if session.ended:
            return
        session.push(self.intake.flush())
        slack = 0 if isinstance(self.intake, Plain) else ROUNDED
        if abs(start - session.position) > slack:
            raise Refused(4400, f"audio.gap: the next position is {session.position}, not {start}")
        session.skip(max(end, session.position))

    def _end(self) -> None:
        assert self.member is not None and self.room is not None
        self.ended = True
        session = self.member.session
        if session is not None:
            session.push(self.intake.flush() if self.intake is not None else b"")
            session.end()
        self.member.wake.answer = None
        self.member.wake.set()

    # What the peer is told

    async def _write(self) -> None:
        member = self.member
        assert member is not None
        session = member.session
        acks = asyncio.create_task(self._acknowledge(member, session)) if session else None
        if not self.ended:  # from then on there is more to do than to write
            member.wake.answer = partial(self.outlet.flush, member)
        try:
            await self._send_waiting(member)
            while not self._over(member):
                await member.wake.wait()
                await self._send_waiting(member)
            await self._part(member)
        except (TimeoutError, ConnectionError) as error:
            log.info("%s stopped reading: %r", member.id, error)
            self.house.metrics.errors.labels("4408").inc()
            self.transport.abort()  # whoever does not read does not read why either
        finally:
            member.wake.answer = None
            if acks is not None:
                acks.cancel()

    async def _send_waiting(self, member: Member) -> None:
        member.wake.clear()
        while member.expelled is None:
            message = member.next()
            if message is None:
                return
            await self.outlet.send(message)

    def _over(self, member: Member) -> bool:
        """All was said and heard, or this connection has to close."""
        assert self.room is not None
        working = member.id in self.room.sessions
        drained = self.ended and not working and not member.news and not len(member.outbox)
        return drained or member.expelled is not None

    async def _part(self, member: Member) -> None:
        if member.expelled is not None:
            self.left = not member.expelled.retry
            while (caption := member.outbox.take()) is not None and member.expelled.code == 4503:
                await self.outlet.send(caption)
            await self._close(member.expelled)
        else:
            self.left = True
            await self.outlet.send(State("connection", "drained"))
            await self._close(None)

    async def _refuse(self, error: Error, writer: asyncio.Task[None] | None) -> None:
        if writer is not None:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        await self._close(error)

    async def _close(self, error: Error | None) -> None:
        """Close with this error, or without one."""
        code, reason = 1000, b""
        if error is not None:
            self.house.metrics.errors.labels(str(error.code)).inc()
            code, reason = error.code, error.message.encode()[:120]
        try:
            if error is not None:
                await self.outlet.send(error)
            async with asyncio.timeout(SEND_S):
                await self.socket.close(code=code, message=reason)
        except (TimeoutError, ConnectionError):
            self.transport.abort()

    async def _acknowledge(self, member: Member, session: Session) -> None:
        told = 0
        while True:
            await self.clock.sleep(ACK_S)
            if session.position != told:
                told = session.position
                member.tell(Ack(told))
