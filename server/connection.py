"""One WebSocket: what a participant says, and what it is told.

Two tasks: one reads until the peer has said all, one writes until there is nothing left to say.
Whatever is wrong with what the peer sends closes this connection and no other, with an `error` that
says what it was.
"""

import asyncio
import logging
import re
from collections.abc import Callable

from aiohttp import WSMsgType, web
from msgspec import UNSET

from streaming.languages import within
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
    Message,
    Mute,
    Opus,
    Pcm16,
    Ping,
    Pong,
    State,
    WebRtc,
    WireError,
    decode_client,
    encode,
)
from streaming.pace import Pace
from streaming.values import BYTES_PER_SAMPLE

from .house import House
from .intake import AudioError, Intake, Plain, intake
from .member import Member
from .room import Room

log = logging.getLogger(__name__)

ROOM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
HELLO_S = 5.0  # real seconds until `hello` must have come
SEND_S = 5.0  # real seconds that one message may take to leave: beyond, nobody is reading
ACK_S = 1.0
ROUNDED = 160  # samples by which two sides may differ where rates are converted: 10 ms


class Refused(Exception):
    """The peer did something this server will not go along with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.error = Error.of(code, message)


class Connection:
    """Serves one WebSocket from `hello` to close."""

    def __init__(
        self, house: House, socket: web.WebSocketResponse, abort: Callable[[], None]
    ) -> None:
        self.house, self.socket, self.abort = house, socket, abort
        assert house.engines is not None
        self.clock = house.engines.clock
        self.member: Member | None = None
        self.room: Room | None = None
        self.intake: Intake | None = None
        self.pace = Pace(self.clock.now())
        self.ended = False

    async def serve(self, room: str) -> None:
        """Everything, until the socket is closed."""
        writer: asyncio.Task[None] | None = None
        try:
            self._let_in(room, await self._hello())
            writer = asyncio.create_task(self._write())
            await self._read()
        except Refused as refused:
            await self._refuse(refused.error, writer)
        except ConnectionResetError:
            pass
        except Exception:  # a bug of ours: whoever met it is told, and nobody else is disturbed
            log.exception("a connection failed")
            await self._refuse(Error.of(4500, "the server failed; join again"), writer)
        finally:
            if self.room is not None and self.member is not None:
                self.room.leave(self.member, dropped=not self.ended)
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
                message = await self.socket.receive()
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
        if not ROOM_NAME.fullmatch(name):
            raise Refused(
                4404, "a room's name has 1 to 64 letters, digits, - and _, a letter or digit first"
            )
        if self.house.draining:
            raise Refused(4503, "the server is stopping")
        _check_offered(hello)
        self._check_hears(hello)
        if isinstance(hello.audio, Pcm16 | Opus):
            self.intake = intake(hello.audio)
        self.room = self.house.room(name)
        self.member = self.room.join(hello)

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type == WSMsgType.BINARY:
                self._hear(message.data)
            elif message.type == WSMsgType.TEXT:
                self._take(self._decoded(message.data))
        self.ended = self.ended or self.socket.close_code == 1000

    def _decoded(self, data: str) -> ClientMessage:
        if len(data) > MAX_TEXT // 4 and len(data.encode()) > MAX_TEXT:
            raise Refused(4413, f"a text frame holds at most {MAX_TEXT} bytes")
        try:
            return decode_client(data)
        except WireError as error:
            raise Refused(4400, str(error)) from error

    def _hear(self, data: bytes) -> None:
        assert self.member is not None
        session = self.member.session
        if session is None or self.intake is None:
            raise Refused(4400, "audio came, but `hello` named no microphone (hears, audio)")
        if len(data) > MAX_AUDIO:
            raise Refused(4413, f"an audio frame holds at most {MAX_AUDIO} bytes")
        if self.ended:
            raise Refused(4400, "audio came after `end`")
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
        self.house.metrics.audio.inc(samples / 16_000)
        if not self.pace.push(samples, self.clock.now()):
            raise Refused(4429, "audio came faster than it is spoken, 30 s ahead and more")

    def _take(self, message: ClientMessage) -> None:
        assert self.member is not None and self.room is not None
        match message:
            case Hello():
                _check_offered(message)
                self._check_unchanged(message)
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
            raise Refused(4400, "audio.gap: there is no microphone")
        if self.ended:
            raise Refused(4400, "audio.gap came after `end`")
        session.push(self.intake.flush())
        slack = 0 if isinstance(self.intake, Plain) else ROUNDED
        if abs(start - session.position) > slack:
            raise Refused(4400, f"audio.gap: the next position is {session.position}, not {start}")
        session.skip(max(end, session.position))

    def _end(self) -> None:
        assert self.member is not None and self.room is not None
        self.ended = True
        session = self.member.session
        if session is not None and self.intake is not None:
            session.push(self.intake.flush())
            session.end()
        self.member.wake.set()

    # What the peer is told

    async def _write(self) -> None:
        member = self.member
        assert member is not None
        acks = asyncio.create_task(self._acknowledge()) if member.session else None
        try:
            await self._send_waiting(member)
            while not self._over(member):
                await member.wake.wait()
                await self._send_waiting(member)
            await self._part(member)
        except (TimeoutError, ConnectionError) as error:
            log.info("%s stopped reading: %r", member.id, error)
            self.house.metrics.errors.labels("4408").inc()
            self.abort()  # whoever does not read does not read why either
        finally:
            if acks is not None:
                acks.cancel()

    async def _send_waiting(self, member: Member) -> None:
        member.wake.clear()
        while member.expelled is None:
            message = member.news.popleft() if member.news else member.outbox.take()
            if message is None:
                return
            await self._send(message)

    def _over(self, member: Member) -> bool:
        """All was said and heard, or this connection has to close."""
        assert self.room is not None
        working = member.id in self.room.sessions
        drained = self.ended and not working and not member.news and not len(member.outbox)
        return drained or member.expelled is not None

    async def _part(self, member: Member) -> None:
        if member.expelled is not None:
            while (caption := member.outbox.take()) is not None and member.expelled.code == 4503:
                await self._send(caption)
            await self._close(member.expelled)
        else:
            await self._send(State("connection", "drained"))
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
                await self._send(error)
            async with asyncio.timeout(SEND_S):
                await self.socket.close(code=code, message=reason)
        except (TimeoutError, ConnectionError):
            self.abort()

    async def _send(self, message: Message) -> None:
        async with asyncio.timeout(SEND_S):
            await self.socket.send_frame(encode(message), WSMsgType.TEXT)

    async def _acknowledge(self) -> None:
        assert self.member is not None and self.member.session is not None
        told = 0
        while True:
            await self.clock.sleep(ACK_S)
            if self.member.session.position != told:
                told = self.member.session.position
                self.member.tell(Ack(told))

    # What may be asked for

    def _check_hears(self, hello: Hello) -> None:
        assert self.house.engines is not None
        hears = [] if hello.hears is UNSET else hello.hears
        audio = None if hello.audio is UNSET else hello.audio
        if bool(hears) != (audio is not None):
            raise Refused(4400, "hello: `hears` and `audio` come together or not at all")
        recognizer = self.house.engines.recognizer
        for language in hears:
            if within(language, recognizer.languages) is None:
                known = ", ".join(sorted(recognizer.languages))
                raise Refused(
                    4400, f"hello: {recognizer.name} does not hear {language!r}; it hears {known}"
                )

    def _check_unchanged(self, hello: Hello) -> None:
        assert self.member is not None
        for field in ("hears", "audio", "resume"):
            said, first = getattr(hello, field), getattr(self.member.hello, field)
            if said not in (UNSET, None, first):
                raise Refused(4400, f"hello: `{field}` cannot be changed in a connection")


def _check_offered(hello: Hello) -> None:
    """Refuse by name what the protocol has and this version does not."""
    if hello.resume is not None:
        raise Refused(4400, "hello: `resume` is not offered by this version: join without it")
    if hello.token is not None:
        raise Refused(4400, "hello: `token` is not offered by this version: join without it")
    if isinstance(hello.audio, WebRtc):
        raise Refused(4400, "hello: WebRTC is not offered by this version: use pcm16 or opus")
