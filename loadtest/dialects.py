"""How servers are spoken to: our protocol, Vosk's and Deepgram's, for the same work.

A dialect says what to send and turns what comes into our captions, so that everything is measured
alike. What another protocol does not say is not made up: it has no stages, no languages to read.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec
from msgspec import Struct

from clients.console import Problem
from streaming.messages import (
    SUBPROTOCOL,
    Audio,
    Caption,
    End,
    Error,
    Gap,
    Hello,
    Opus,
    Pcm16,
    Resume,
    State,
    WebRtc,
    Welcome,
    WireError,
    decode_server,
    encode,
)
from streaming.values import SAMPLE_RATE

from .load import Load, Seat
from .speech import Transport
from .websocket import TEXT, frame

Heard = Welcome | Caption | State | Error
"""What a crowd understands; `Error` ends the connection, `State` "drained" the conversation."""

DRAINED = State("connection", "drained")
LONGEST_S = 1e6  # seconds that a run may last; what another server says is beyond is not true
DEEPGRAM_KEY = "DEEPGRAM_API_KEY"  # the environment variable their own SDK reads


CODECS: dict[Transport, Audio] = {"ws": Pcm16(SAMPLE_RATE), "opus": Opus(), "webrtc": WebRtc()}


class Dialect(ABC):
    """One connection's side of a protocol."""

    subprotocol: str | None = None
    welcomes = False
    """The server speaks first, and one waits for it."""

    def __init__(self, seat: Seat, load: Load) -> None:
        self.seat, self.load = seat, load

    @abstractmethod
    def path(self) -> str:
        """Where it connects, below the server's address."""

    def headers(self) -> dict[str, str]:
        """More fields of the handshake."""
        return {}

    def opening(self) -> list[bytes]:
        """Frames before the sound."""
        return []

    @abstractmethod
    def ending(self) -> list[bytes]:
        """Frames after it."""

    def resume(self, before: "Dialect") -> None:  # noqa: B027  # most protocols cannot
        """Go on where a connection that broke was, if the protocol can."""

    def gap(self, position: int) -> list[bytes]:
        """Frames that say that the sound begins at this position."""
        return []

    @abstractmethod
    def hear(self, payload: bytes) -> Iterator[Heard]:
        """What one message says. Problem if it is none of this protocol."""


class Surtitle(Dialect):
    """Protocol v1, as docs/protocol.md says it."""

    subprotocol = SUBPROTOCOL
    welcomes = True

    def __init__(self, seat: Seat, load: Load) -> None:
        super().__init__(seat, load)
        self.welcome: Welcome | None = None
        self.seq = 0
        self._resume: Resume | None = None

    def path(self) -> str:
        return f"/v1/rooms/{self.seat.room}"

    def resume(self, before: Dialect) -> None:
        if isinstance(before, Surtitle) and before.welcome is not None:
            was = before.welcome
            self._resume = Resume(was.epoch, before.seq, was.participant, was.key)

    def gap(self, position: int) -> list[bytes]:
        return [frame(TEXT, encode(Gap(0, position)))]

    def opening(self) -> list[bytes]:
        seat = self.seat
        codec = CODECS[self.load.transport]
        hello = Hello(
            seat.name,
            list(seat.reads),
            [seat.hears] if seat.hears else [],
            codec if seat.hears else None,
            source=bool(seat.hears) or not seat.reads,
            stability=self.load.stability,
            trace=bool(seat.hears),  # readers get what readers get: their bytes are counted
            token=self.load.token,
            resume=self._resume,
        )
        return [frame(TEXT, encode(hello))]

    def ending(self) -> list[bytes]:
        return [frame(TEXT, encode(End()))]

    def hear(self, payload: bytes) -> Iterator[Heard]:
        try:
            message = decode_server(payload)
        except WireError as error:
            raise Problem(f"the server sent {error}") from error
        if isinstance(message, Welcome):
            self.welcome, self.seq = message, message.replay_from
        elif isinstance(message, Caption):
            self.seq = max(self.seq, message.seq)
        if isinstance(message, Welcome | Caption | Error):
            yield message
        elif isinstance(message, State) and message.level == "drained":
            yield DRAINED


class _Word(Struct):
    start: float = 0.0
    end: float = 0.0


class _VoskReply(Struct):
    partial: str | None = None
    text: str | None = None
    result: list[_Word] = []


class Lines:
    """Numbers the captions of a connection whose protocol does not."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.seq = self.segment = 0
        self.shown = False

    def caption(self, text: str, start: int, heard: int, final: bool) -> Caption:
        """The newest of the open line; a final closes it."""
        self.seq += 1
        made = Caption(
            self.seq,
            self.seat.name,
            self.segment,
            self.seat.hears or "en",
            "transcript",
            text if final else "",
            "" if final else text,
            final,
            start,
            max(heard, start),
            heard,
            0,
            "theirs",
        )
        self.shown = not final
        self.segment += final
        return made


class Vosk(Dialect):
    """vosk-server: one answer to every frame, in order, so the n-th answers the n-th frame."""

    def __init__(self, seat: Seat, load: Load) -> None:
        super().__init__(seat, load)
        self.lines = Lines(seat)
        self.replies = self.begun = 0
        self.ended = False
        self.decode = msgspec.json.Decoder(_VoskReply).decode

    def path(self) -> str:
        return "/"

    def opening(self) -> list[bytes]:
        said = b'{"config" : {"sample_rate" : %d, "words" : 1}}' % SAMPLE_RATE
        return [frame(TEXT, said)]

    def ending(self) -> list[bytes]:
        self.ended = True
        return [frame(TEXT, b'{"eof" : 1}')]  # their server compares it letter by letter

    def hear(self, payload: bytes) -> Iterator[Heard]:
        reply = decoded(self.decode, payload, "Vosk")
        last = self.ended and reply.text is not None
        sent = self.replies * self.load.frame
        self.replies += 1
        heard = sent if last else self.replies * self.load.frame
        text = reply.text if reply.text is not None else reply.partial or ""
        if text.strip() and not self.lines.shown:
            self.begun = sent
        if reply.result:
            self.begun = position(reply.result[0].start)
        if text.strip() or self.lines.shown or reply.text != "":
            yield self.lines.caption(text, min(self.begun, heard), heard, reply.text is not None)


class _Alternative(Struct):
    transcript: str = ""


class _Channel(Struct):
    alternatives: list[_Alternative] = []


class _Result(Struct):
    type: str
    start: float = 0.0
    duration: float = 0.0
    is_final: bool = False
    channel: _Channel | list[int] | None = None
    description: str = ""


class Deepgram(Dialect):
    """Deepgram v1/listen: a result says which stretch of the sound it is about."""

    def __init__(self, seat: Seat, load: Load) -> None:
        super().__init__(seat, load)
        self.lines = Lines(seat)
        self.decode = msgspec.json.Decoder(_Result).decode

    def path(self) -> str:
        return (
            f"/v1/listen?encoding=linear16&sample_rate={SAMPLE_RATE}&channels=1"
            f"&interim_results=true&endpointing=300&language={self.seat.hears or 'en'}"
        )

    def headers(self) -> dict[str, str]:
        key = os.environ.get(DEEPGRAM_KEY)
        return {"Authorization": f"Token {key}"} if key else {}

    def ending(self) -> list[bytes]:
        return [frame(TEXT, b'{"type": "CloseStream"}')]

    def hear(self, payload: bytes) -> Iterator[Heard]:
        result = decoded(self.decode, payload, "Deepgram")
        if result.type == "Metadata":
            yield DRAINED
        elif result.type == "Error":
            yield Error(4500, result.description or "the server failed", False)
        if result.type != "Results" or not isinstance(result.channel, _Channel):
            return
        said = result.channel.alternatives
        text = said[0].transcript if said else ""
        start = position(result.start)
        heard = start + position(result.duration)
        if text.strip() or self.lines.shown:  # a final without words about nothing is no line
            yield self.lines.caption(text, start, heard, result.is_final)


def position(seconds: float) -> int:
    """The sample that is said so many seconds after the first, within a run's length."""
    return round(min(max(seconds, 0.0), LONGEST_S) * SAMPLE_RATE)


Reply = TypeVar("Reply")


def decoded(decode: Callable[[bytes], Reply], payload: bytes, whose: str) -> Reply:
    """A message of theirs, or a Problem that says whose it is not."""
    try:
        return decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Problem(f"{payload[:60]!r} is no message of {whose}'s protocol") from error


DIALECTS: dict[str, type[Dialect]] = {"surtitle": Surtitle, "vosk": Vosk, "deepgram": Deepgram}
