"""The lobby: which rooms a server has open, a new one with a name to say aloud, and the way in.

A link is `SERVER/rooms/NAME`; `surtitle join` takes one in the place of a room's name.
"""

import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Sequence
from http.client import HTTPException
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

import msgspec
from msgspec import Meta, Struct

from .console import Problem
from .plain import clean, columns
from .wire import OPENING, address, loopback, refusal, token

LONGEST = 2**20  # bytes of a list worth reading: thousands of rooms
SHOWN = 20  # rooms: more are not chosen from by number
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def _words(text: str) -> list[str]:
    return text.split()


ADJECTIVES = _words(
    """\
able amber ample azure basic blue bold brave brief bright broad calm candid civil clean clear clever
cosy crisp deep eager early easy fair fast fine firm fond frank fresh free gentle glad golden good
grand great green happy hardy honest jolly keen kind large light lively lucky merry mild modest neat
new nice noble open patient plain polite proud pure quick quiet rapid ready rich round royal sharp
silver simple smart smooth snug soft solid sound steady still strong sunny sure sweet swift tall
tidy true vivid warm wide wise witty young"""
)
ANIMALS = _words(
    """\
antelope badger bat bear beaver bee bird bison camel cat cod crab crane crow deer dog dove duck
eagle eel elk falcon ferret finch fish fox frog gecko goat goose gull hare hawk hen heron horse ibis
jay koala lamb lark lemur lion llama lynx magpie mole moose moth mouse newt otter owl ox panda
parrot pelican pig pike pony puffin puma quail rabbit raven robin salmon seal sheep shrimp snail
sparrow squid stork swan tern tiger toad trout turtle viper vole walrus wasp whale wolf
wombat wren yak zebra"""
)


class Room(Struct, frozen=True):
    """What a server tells of one."""

    name: Annotated[str, Meta(pattern=f"^{NAME.pattern}$")]
    participants: int = 0
    speakers: int = 0
    languages: list[str] = []
    since_ms: float = 0
    """How long it has been open."""


class Rooms(Struct, frozen=True):
    """The whole answer."""

    rooms: list[Room]


def rooms(server: str) -> list[Room]:
    """The open rooms that one may see there. A Problem says why there is no list.

    Waits for the server: call it in a thread where that matters.
    """
    url = address(server, "").replace("ws", "http", 1).removesuffix("/")
    direct = [urllib.request.ProxyHandler({})] if loopback(url) else []
    try:
        asked = urllib.request.Request(url)
        if mine := token():
            asked.add_unredirected_header("Authorization", f"Bearer {mine}")
        with urllib.request.build_opener(*direct).open(asked, timeout=OPENING) as answer:
            return msgspec.json.decode(answer.read(LONGEST), type=Rooms).rooms
    except urllib.error.HTTPError as error:
        error.close()
        raise _refused(server, error.code) from error
    except (msgspec.MsgspecError, UnicodeError, RecursionError, HTTPException) as error:
        raise Problem(f"what answers at {server} is no Surtitle server") from error
    except OSError as error:  # URLError too, which has the reason inside
        inside = getattr(error, "reason", error)
        raise refusal(server, inside if isinstance(inside, Exception) else error) from error


def _refused(server: str, status: int) -> Problem:
    """Why a server gives no list."""
    named = f"name a room, as in  surtitle join kitchen --server {server}"
    if status == 404:
        return Problem(f"the server at {server} does not list its rooms: {named}")
    if status in (401, 403):
        return Problem(f"the server at {server} keeps its rooms to itself: {named}")
    return Problem(f"the server at {server} refused with {status}: {named}")


def invented(taken: Collection[str] = ()) -> str:
    """A name for a room that is easily said, and not taken."""
    while True:
        number = 10 + secrets.randbelow(90)
        name = f"{secrets.choice(ADJECTIVES)}-{secrets.choice(ANIMALS)}-{number}"
        if name not in taken:
            return name


def link(server: str, room: str) -> str:
    """What one sends to others."""
    whole = server if "://" in server else f"http://{server}"
    return f"{whole.rstrip('/')}/rooms/{quote(room, safe='')}"


def followed(word: str, server: str) -> tuple[str, str]:
    """The server and room that a link leads to; of a mere name, that room on this server."""
    if "://" not in word:
        return server, word
    parts = urlsplit(word)
    before, found, room = parts.path.rstrip("/").rpartition("/rooms/")
    if not found or not NAME.fullmatch(unquote(room)):
        raise Problem(f"{clean(word)} leads to no room: a link ends with /rooms/NAME")
    return f"{parts.scheme}://{parts.netloc}{before.removesuffix('/v1')}", unquote(room)


def invitation(server: str, room: str) -> str:
    """How others come in."""
    lines = [
        f"others join  {room}  by",
        f"  the link     {link(server, room)}",
        f"  the command  surtitle join {room} --server {server}",
    ]
    if loopback(link(server, room)):
        lines.append("  from this machine only: that address is its own")
    return "\n".join(lines)


def listing(server: str, listed: Sequence[Room]) -> str:
    """The rooms and the commands, for who cannot choose here."""
    example = listed[0].name if listed else invented()
    lines = [heading(server, listed), *rows(listed)]
    does = "join one" if listed else "make one"
    return "\n".join([*lines, f"{does}:  surtitle join {example} --server {server} --reads es"])


def heading(server: str, listed: Sequence[Room]) -> str:
    """How many there are."""
    many = {0: "no room is", 1: "one room is"}.get(len(listed), f"{len(listed)} rooms are")
    return f"{many} open at {server}"


def rows(listed: Sequence[Room], numbered: bool = False) -> list[str]:
    """A line for each room."""
    wide = max((columns(room.name) for room in listed), default=0)
    return [
        f"  {f'{number:>2}  ' if numbered else ''}{room.name:<{wide}}  {told(room)}"
        for number, room in enumerate(listed, 1)
    ]


def told(room: Room) -> str:
    """Who is in it and since when, in words."""
    here = f"{room.participants} here"
    spoken = ", ".join(clean(code)[:12] for code in room.languages[:6])
    speaking = f"{room.speakers} with a microphone" + (f" ({spoken})" if spoken else "")
    minutes = int(room.since_ms // 60_000)
    since = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    return f"{here}, {speaking}, open for {since}"


def entered(
    server: str,
    listed: Sequence[Room],
    ask: Callable[[str], str] = input,
    show: Callable[[str], None] = print,
) -> str | None:
    """Let the person choose a room or make one, and show how others come in; None: they leave."""
    new = invented({room.name for room in listed})
    show("\n".join([heading(server, listed), *rows(listed[:SHOWN], numbered=True)]))
    which = "a number or a name" if listed else "a name"
    try:
        while True:
            word = ask(f"{which}, Enter for a new room called {new}, q to leave: ").strip()
            if word == "q":
                return None
            room = _meant(word, listed) or ("" if word else new)
            if room:
                break
            show(_misunderstood(word, listed))
        show(invitation(server, room))
        if room not in {room.name for room in listed}:
            ask("Enter to go in: ")
        return room
    except EOFError:
        return None


def _meant(word: str, listed: Sequence[Room]) -> str | None:
    """The room a word stands for; a number is one of the list."""
    if word.isascii() and word.isdigit():
        return listed[int(word) - 1].name if 0 < int(word[:4]) <= len(listed[:SHOWN]) else None
    return word if NAME.fullmatch(word) else None


def _misunderstood(word: str, listed: Sequence[Room]) -> str:
    if word.isdigit():
        return f"there is no room {clean(word)[:20]} in the list"
    return "a room's name has up to 64 letters without accents, digits, - and _, a letter first"
