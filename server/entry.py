"""What a `hello` may ask for. Everything here raises Refused, in words for whoever sent it."""

from collections.abc import Collection

from msgspec import UNSET

from streaming.messages import ROOM_NAME, Hello, WebRtc

from .member import Member
from .recognizers import Recognizers
from .refused import Refused
from .tokens import Gate, Pass

FIXED: Collection[str] = ("hears", "audio", "resume")  # for a connection


def check_room(name: str) -> None:
    """It can be the name of a room."""
    if not ROOM_NAME.fullmatch(name):
        raise Refused(
            4404, "a room's name has 1 to 64 letters, digits, - and _, a letter or digit first"
        )


def check_offered(hello: Hello, calls: bool) -> None:
    """It asks for nothing that the protocol has and this server, which may take calls, has not."""
    if isinstance(hello.audio, WebRtc) and not calls:
        raise Refused(4400, "hello: WebRTC is not offered by this server: use pcm16 or opus")


def check_hears(hello: Hello, recognizers: Recognizers) -> None:
    """Its microphone can be heard."""
    hears = [] if hello.hears is UNSET else hello.hears
    audio = None if hello.audio is UNSET else hello.audio
    if bool(hears) != (audio is not None):
        raise Refused(4400, "hello: `hears` and `audio` come together or not at all")
    if trouble := recognizers.lacks(hears):
        raise Refused(4400, f"hello: {trouble}")


def check_unchanged(hello: Hello, before: Hello) -> None:
    """A later one changes nothing that stays for a connection."""
    for field in FIXED:
        said, first = getattr(hello, field), getattr(before, field)
        if said not in (UNSET, None, first):
            raise Refused(4400, f"hello: `{field}` cannot be changed in a connection")


def admitted(gate: Gate | None, room: str, hello: Hello, bearer: str | None) -> Pass | None:
    """By which token it comes in, its own or the request's; None where nobody needs one."""
    if gate is None:
        return None
    if hello.token is None and bearer is not None:
        found = gate.bearer(bearer)
        if found.room != room:
            raise Refused(4403, "this token is for another room")
    else:
        found = gate.admit(hello.token, room)
    if found.role == "listen" and hello.hears:
        raise Refused(4403, "this token is for reading: leave out `hears` and `audio`")
    return found


def renewed(gate: Gate | None, room: str, hello: Hello, member: Member) -> Pass | None:
    """The token that a later one brings; the same as before if it brings none."""
    before = member.pass_
    if gate is None or before is None or hello.token is None:
        return before
    found = gate.admit(hello.token, room)
    if found.sub != before.sub:
        raise Refused(4403, "hello: this token is somebody else's")
    if found.role == "listen" and member.hears:
        raise Refused(4403, "hello: this token is for reading, and you speak")
    return found
