"""Every message of protocol v1: `docs/protocol.md` is made from these types.

Text frames carry one JSON object each, told apart by `type`; binary frames, client to server only,
carry audio. A caption is the whole line, so whoever misses one is put right by the next.
"""

import re
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from . import languages
from .clean import clean

SUBPROTOCOL = "surtitle.v1"
ROOM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
MAX_TEXT = 64 * 1024  # bytes of one text frame
MAX_AUDIO = 4 * 1024  # bytes of one binary frame: 128 ms of PCM at 16 kHz, any Opus packet
MAX_REASON = 300  # characters of what is said to be wrong, which quotes what a stranger sent

Kind = Literal["transcript", "translation"]
Stability = Literal["live", "steady", "final"]
Degraded = Literal["untranslated", "late", "fallback"]
Scope = Literal["recognition", "translation", "room", "connection"]
Level = Literal["ok", "degraded", "down", "draining", "drained"]

Position = Annotated[int, Meta(ge=0, le=2**53)]
Language = Annotated[str, Meta(description="ISO 639-1 code")]


class Message(Struct, frozen=True, gc=False, tag_field="type", omit_defaults=True):
    """One JSON object on the wire."""


class FromClient(Message, frozen=True, forbid_unknown_fields=True):
    """Read strictly: an unknown field or type closes the connection that sent it."""


class FromServer(Message, frozen=True):
    """Read leniently: clients ignore fields and types they do not know."""


class Pcm16(Struct, frozen=True, tag_field="codec", tag="pcm16", forbid_unknown_fields=True):
    """Little-endian 16-bit samples, one channel; a frame holds whole samples."""

    rate: Annotated[int, Meta(ge=8000, le=48_000, description="samples a second")]


class Opus(Struct, frozen=True, tag_field="codec", tag="opus", forbid_unknown_fields=True):
    """One Opus packet a frame, one channel, without DTX."""


class WebRtc(Struct, frozen=True, tag_field="codec", tag="webrtc", forbid_unknown_fields=True):
    """Audio comes by RTP, not in this connection."""


Audio = Pcm16 | Opus | WebRtc


class Display(Struct, frozen=True, forbid_unknown_fields=True):
    """How much text the reader's display holds."""

    columns: Annotated[int, Meta(ge=4, le=1000)]
    lines: Annotated[int, Meta(ge=1, le=200)]


class Resume(Struct, frozen=True, forbid_unknown_fields=True):
    """Who this was before the connection broke, and what it had seen."""

    epoch: str
    seq: Position
    participant: str
    key: str


class Hello(FromClient, frozen=True, tag="hello"):
    """The first message, within 5 s of connecting. Sent again, it replaces all it says but
    `hears`, `audio` and `resume`, which may then be left out."""

    name: Annotated[str, Meta(min_length=1, max_length=64, description="shown to the others")]
    reads: Annotated[list[Language], Meta(max_length=8, description="languages to read")] = []
    hears: Annotated[
        Annotated[list[Language], Meta(max_length=4)] | UnsetType,
        Meta(
            description="languages this microphone hears; several: told apart per segment; "
            "none: no microphone"
        ),
    ] = UNSET
    audio: Annotated[Audio | UnsetType | None, Meta(description="how its audio comes")] = UNSET
    source: Annotated[bool, Meta(description="also every speaker's own words")] = False
    stability: Annotated[
        Stability, Meta(description="`live` grows soonest, `steady` changes less, `final` never")
    ] = "live"
    display: Display | None = None
    trace: Annotated[bool, Meta(description="latency on every caption")] = False
    token: Annotated[str, Meta(max_length=4096)] | None = None
    resume: Resume | None = None

    def __post_init__(self) -> None:
        heard = [] if self.hears is UNSET else self.hears
        for code in [*self.reads, *heard]:
            languages.check(code)
        if not self.name.strip() or not self.name.isprintable():
            raise ValueError("a name needs visible characters and no control characters")


class Mute(FromClient, frozen=True, tag="mute"):
    """The speaker does not want to be heard, or does again."""

    on: bool


class Gap(FromClient, frozen=True, tag="audio.gap", rename={"start": "from", "end": "to"}):
    """Audio of these positions will never be sent; the next frame is from `to`."""

    start: Position
    end: Position

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("a gap ends where it begins or later")


class End(FromClient, frozen=True, tag="end"):
    """No more audio. Answered by the last finals, `state drained` and close 1000."""


class Ping(FromClient, frozen=True, tag="ping"):
    """Asks for a `pong` with the same `t`."""

    t: float


class Welcome(FromServer, frozen=True, tag="welcome"):
    """Always the first message."""

    room: str
    epoch: Annotated[str, Meta(description="this life of the room: positions and `seq` are its")]
    participant: str
    key: Annotated[str, Meta(description="this participant's secret for this epoch")]
    replay_from: Annotated[int, Meta(description="`seq` after which captions are replayed")]
    replay_to: Annotated[int, Meta(description="`seq` of the newest caption so far")]
    gap: Annotated[bool, Meta(description="captions were missed that will not be replayed")]
    audio_at: Annotated[
        int | None, Meta(description="position to send audio from; null: the client says")
    ]
    pairs: Annotated[
        list[tuple[str, str, str]], Meta(description="source, target, engine of each translation")
    ]


class Participant(Struct, frozen=True, gc=False):
    """One line of the roster."""

    id: str
    name: str
    hears: list[Language]
    reads: list[Language]
    speaking: bool = False
    muted: bool = False


class Roster(FromServer, frozen=True, tag="roster"):
    """Who is here, at most twice a second: whole, but of those without a microphone the first 20.
    Names travel here only."""

    participants: list[Participant]
    others: Annotated[int, Meta(description="how many more are here, and only read")] = 0


class Latency(Struct, frozen=True, gc=False):
    """Where the time went between the arrival of the newest audio used and this caption, in ms."""

    detect: float
    recognize: float
    translate: float
    queue: float
    total: float


class Caption(FromServer, frozen=True, tag="caption"):
    """One line: a speech segment in one language. It replaces any earlier one with the same
    speaker, segment, language and kind. `stable` only grows until `final`; a final without text
    withdraws the line; after the final nothing comes."""

    seq: Annotated[int, Meta(description="strictly growing, with holes")]
    speaker: str
    segment: int
    language: Language
    kind: Kind
    stable: Annotated[str, Meta(description="will not change before the final")]
    draft: Annotated[str, Meta(description="may change: show it dim")]
    final: bool
    start: Annotated[int, Meta(description="position where the speech began")]
    end: Annotated[int, Meta(description="position where it ended, so far")]
    heard: Annotated[int, Meta(description="position of the newest audio used")]
    at: Annotated[int, Meta(description="ms from the room's opening to the segment's start")]
    engine: str
    latency: Latency | None = None
    degraded: Degraded | None = None
    replay: bool = False

    @property
    def key(self) -> tuple[str, int, str, str]:
        """What a newer caption of the same line shares with it, within an epoch."""
        return self.speaker, self.segment, self.language, self.kind

    @property
    def text(self) -> str:
        """All that is to be shown."""
        return self.stable + self.draft


class Ack(FromServer, frozen=True, tag="audio.ack"):
    """Audio before this position has arrived and may be forgotten. Once a second."""

    samples: int


class State(FromServer, frozen=True, tag="state"):
    """How well something works, whenever that changes."""

    scope: Scope
    level: Level
    reason: str | None = None
    language: Language | None = None
    since: Annotated[int | None, Meta(description="ms from the room's opening")] = None


class Recording(FromServer, frozen=True, tag="recording"):
    """Somebody asked for this conversation to be kept, or no longer does."""

    on: bool


class TokenExpiring(FromServer, frozen=True, tag="token.expiring"):
    """The token ends soon: send a `hello` with a new one."""

    in_ms: int


class Error(FromServer, frozen=True, tag="error"):
    """What was wrong, just before the connection closes with the same code."""

    code: int
    message: str
    retry: bool
    retry_after_ms: int | None = None

    MEANINGS: ClassVar[dict[int, tuple[str, bool]]] = {
        4400: ("bad message", False),
        4401: ("not authorised", False),
        4403: ("forbidden", False),
        4404: ("no such room", False),
        4408: ("idle, or too slow", True),
        4409: ("replaced by a newer connection", False),
        4413: ("too big", False),
        4429: ("too much at once", True),
        4500: ("internal error", True),
        4503: ("the server is stopping", True),
    }

    @classmethod
    def of(cls, code: int, message: str, retry_after_ms: int | None = None) -> "Error":
        """The error with this close code; whether to retry follows from it."""
        return cls(code, message, cls.MEANINGS[code][1], retry_after_ms)


class Pong(FromServer, frozen=True, tag="pong"):
    """The answer to a `ping`."""

    t: float
    server_ms: Annotated[float, Meta(description="the server's monotonic clock")]


ClientMessage = Hello | Mute | Gap | End | Ping
ServerMessage = Welcome | Roster | Caption | Ack | State | Recording | TokenExpiring | Error | Pong


class WireError(Exception):
    """The peer sent something that this protocol does not say; the text names what."""


_encoder = msgspec.json.Encoder()
_from_client: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_from_server: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


class _Tag(Struct):
    type: str


_tag = msgspec.json.Decoder(_Tag)
CLIENT_TYPES = {str(kind.__struct_config__.tag) for kind in (Hello, Mute, Gap, End, Ping)}
SERVER_TYPES = {str(kind.__struct_config__.tag) for kind in ServerMessage.__args__}


def encode(message: Message) -> bytes:
    """The message as JSON in UTF-8."""
    return _encoder.encode(message)


def decode_client(data: str | bytes) -> ClientMessage:
    """A client's message, read strictly; WireError names the field or type that is wrong."""
    try:
        return _from_client.decode(data)
    except msgspec.ValidationError as error:
        kind = _type(data)
        if kind is None:
            raise WireError("a message is a JSON object with a `type`") from error
        if kind not in CLIENT_TYPES:
            known = ", ".join(sorted(CLIENT_TYPES))
            raise WireError(f"unknown message type {kind!r}: known are {known}") from error
        raise WireError(f"{kind}: {_reworded(error)}") from error
    except RecursionError as error:
        raise WireError("a message is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise WireError(f"not JSON: {clean(str(error), MAX_REASON)}") from error


def decode_server(data: str | bytes) -> ServerMessage | None:
    """A server's message; None for a type this client does not know."""
    try:
        return _from_server.decode(data)
    except msgspec.ValidationError as error:
        kind = _type(data)
        if kind is not None and kind not in SERVER_TYPES:
            return None
        raise WireError(f"{kind}: {_reworded(error)}") from error
    except RecursionError as error:
        raise WireError("a message is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise WireError(f"not JSON: {clean(str(error), MAX_REASON)}") from error


def _type(data: str | bytes) -> str | None:
    """The message's type, None if it has none that can be read."""
    try:
        return _tag.decode(data).type[:40]
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _reworded(error: msgspec.ValidationError) -> str:
    """msgspec's sentence in the words of the protocol page."""
    text = str(error).replace("Object contains unknown", "unknown").replace("`$.", "`")
    return clean(text[:1].lower() + text[1:], MAX_REASON)
