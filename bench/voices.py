"""Many speakers at once, so light that a slow figure is the server's: sockets, no event loop.

Everything that costs time happens before or after the clock runs: frames are built beforehand, what
arrives is kept as bytes with its time and understood afterwards. Every frame has a due time that
does not depend on any answer, so a server that stalls is charged for all it delays (no coordinated
omission).
"""

import base64
import os
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlsplit

from clients.audio import decoded
from loadtest.script import CONVERSATION
from streaming.messages import (
    SUBPROTOCOL,
    End,
    Hello,
    Pcm16,
    ServerMessage,
    State,
    Welcome,
    decode_server,
    encode,
)
from streaming.values import SAMPLE_RATE, samples

FRAME = samples(100)  # one binary frame
PERIOD = FRAME / SAMPLE_RATE
TEXT, BINARY, CLOSE = 0x81, 0x82, 0x88  # first bytes of whole WebSocket frames (RFC 6455, 5.2)
MASK = b"\0\0\0\0"  # clients must mask (RFC 6455, 5.3); this one leaves the bytes as they are
ROOM_TO_SEND = 1 << 22  # bytes: a server that stalls for a minute does not stall its speakers


class Overrun(Exception):
    """The server took no audio for so long that the figures mean nothing."""


@dataclass(slots=True, eq=False)
class Voice:
    """One speaker: a socket, when each frame was sent, and what came back when."""

    room: str
    phase: float
    """Seconds from the beat to its frames."""
    first: int
    """Which frame of the speech it begins with."""
    socket: socket.socket
    participant: str = ""
    sent: list[float] = field(default_factory=list)
    got: list[tuple[float, bytes]] = field(default_factory=list)
    open: bool = True

    def send(self, data: bytes) -> None:
        try:
            whole = self.socket.send(data) == len(data)
        except BlockingIOError:
            whole = False
        if not whole:
            raise Overrun("the server does not read: a speaker's audio no longer leaves")

    def messages(self) -> Iterator[tuple[float, ServerMessage]]:
        """All that came, each with the time at which its last byte was there."""
        held = b""
        for moment, data in self.got:
            held += data
            while (frame := _frame(held)) is not None:
                opcode, payload, held = frame
                message = decode_server(payload) if opcode == TEXT else None
                if message is not None:
                    yield moment, message


class Voices:
    """Speak with `run`, then `end`; both block."""

    def __init__(self, voices: Sequence[Voice], frames: Sequence[bytes], speed: float) -> None:
        self.voices = sorted(voices, key=lambda voice: voice.phase)
        self.frames = frames
        self.period = PERIOD / speed
        self.start = 0.0
        self.frames_sent = 0
        self.busy: list[float] = []  # seconds from one look at the sockets to the next wait
        self._poll = select.epoll()
        self._by_fd = {voice.socket.fileno(): voice for voice in voices}
        for fd in self._by_fd:
            self._poll.register(fd, select.EPOLLIN)

    def due(self, voice: Voice, frame: int) -> float:
        """When this voice's frame is to leave."""
        return self.start + frame * self.period + voice.phase

    def begin(self) -> None:
        self.start = time.monotonic() + 0.1

    def run(self, seconds: float) -> None:
        """Speak for so long, going on where the last run ended."""
        for _ in range(round(seconds / self.period)):
            n = self.frames_sent
            for voice in self.voices:
                now = self._until(self.due(voice, n))
                voice.sent.append(now)
                voice.send(self.frames[(voice.first + n) % len(self.frames)])
            self.frames_sent += 1

    def end(self, within: float = 15.0) -> None:
        """No more audio: wait for the last finals, and for the server to close."""
        for voice in self.voices:
            voice.send(_masked(TEXT, encode(End())))
        until = time.monotonic() + within
        while any(voice.open for voice in self.voices) and time.monotonic() < until:
            self._receive(0.1)
        for voice in self.voices:
            voice.socket.close()
        self._poll.close()

    def _until(self, due: float) -> float:
        """Take in what comes until it is time; returns the time, `due` or a little after."""
        while (now := time.monotonic()) < due:
            self._receive(due - now)
        return now

    def _receive(self, wait: float) -> None:
        # epoll waits whole milliseconds; select, which waits microseconds, waits for epoll.
        if not select.select([self._poll], [], [], wait)[0]:
            return
        now = time.monotonic()
        for fd, _ in self._poll.poll(0):
            voice = self._by_fd[fd]
            data = voice.socket.recv(1 << 18)
            if data:
                voice.got.append((now, data))
            else:
                voice.open = False
                self._poll.unregister(fd)
        self.busy.append(time.monotonic() - now)


def speech() -> list[bytes]:
    """The conversation of loadtest/, both tracks in one: somebody speaks nearly all the time.
    As WebSocket frames of 100 ms, ready to be sent."""
    import numpy as np  # not needed by those who only read what came

    tracks = [
        np.frombuffer(b"".join(decoded(str(path))), np.int16).astype(np.int32)
        for path in sorted(CONVERSATION.glob("*.flac"))
    ]
    length = min(map(len, tracks)) // FRAME * FRAME
    both = np.sum([track[:length] for track in tracks], axis=0).clip(-32768, 32767)
    pcm = both.astype("<i2").tobytes()
    size = FRAME * 2
    return [_masked(BINARY, pcm[n : n + size]) for n in range(0, len(pcm), size)]


def connect(
    url: str,
    rooms: Sequence[str],
    frames: Sequence[bytes],
    reads: Sequence[str],
    speed: float = 1.0,
) -> Voices:
    """One voice for each of `rooms`, which may be one room many times. Phases and beginnings are
    drawn, the same in every run: as people are, some speak in the same millisecond."""
    drawn = Random(1)
    voices = []
    for n, room in enumerate(rooms):
        phase, first = drawn.random() * PERIOD / speed, drawn.randrange(len(frames))
        hello = Hello(
            f"voice {n}", list(reads), ["en"], Pcm16(SAMPLE_RATE), source=True, trace=True
        )
        voice = Voice(room, phase, first, _opened(url, room))
        voice.socket.sendall(_masked(TEXT, encode(hello)))
        _welcomed(voice)
        voices.append(voice)
    return Voices(voices, frames, speed)


def drained(message: ServerMessage) -> bool:
    """All was said and told."""
    return isinstance(message, State) and message.level == "drained"


def _opened(url: str, room: str) -> socket.socket:
    at = urlsplit(url)
    made = socket.create_connection((at.hostname, at.port), timeout=10)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM_TO_SEND)
    asked = (
        f"GET /v1/rooms/{room} HTTP/1.1\r\nHost: {at.netloc}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    )
    made.sendall(asked.encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):  # nothing follows it before `hello`
        if not (data := made.recv(4096)):
            break
        answer += data
    if not answer.startswith(b"HTTP/1.1 101"):
        raise Overrun(f"the server refused a speaker: {answer[:80]!r}")
    return made


def _welcomed(voice: Voice) -> None:
    """Wait for the welcome, then never again."""
    while not any(isinstance(message, Welcome) for _, message in voice.messages()):
        if not (data := voice.socket.recv(1 << 16)):
            raise Overrun("the server closed a connection before its welcome")
        voice.got.append((time.monotonic(), data))
    welcome = next(message for _, message in voice.messages() if isinstance(message, Welcome))
    voice.participant = welcome.participant
    voice.socket.setblocking(False)


def _masked(opcode: int, payload: bytes) -> bytes:
    """A client's WebSocket frame."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes((opcode,)) + length + MASK + payload


def _frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """The first of a server's frames: its first byte, its payload, and what follows it."""
    if len(data) < 2:
        return None
    extra = {126: 2, 127: 8}.get(data[1], 0)
    head = 2 + extra
    size = int.from_bytes(data[2:head], "big") if extra else data[1]
    if len(data) < head + size:
        return None
    return data[0], data[head : head + size], data[head + size :]
