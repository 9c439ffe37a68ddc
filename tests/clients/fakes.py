"""Captions made in a line, and a server that says what a test tells it to."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from streaming.messages import (
    SUBPROTOCOL,
    Caption,
    ClientMessage,
    Kind,
    Message,
    Participant,
    Roster,
    Welcome,
    decode_client,
    encode,
)

_seq = count(1)

WELCOME = Welcome("kitchen", "e1", "me", "secret", 0, 0, False, 0, [("en", "es", "fake")])
ROSTER = Roster(
    [Participant("a", "Alan", ["en"], ["es"]), Participant("r", "Rosa", ["es"], ["en"])]
)


def caption(
    stable: str,
    draft: str = "",
    *,
    speaker: str = "a",
    segment: int = 1,
    language: str = "en",
    kind: Kind | None = None,
    final: bool = False,
    start: int = 0,
    end: int = 16_000,
    at: int = 0,
    seq: int | None = None,
) -> Caption:
    """A line, later than those made before it; what is not English is a translation."""
    return Caption(
        seq=next(_seq) if seq is None else seq,
        speaker=speaker,
        segment=segment,
        language=language,
        kind=kind or ("transcript" if language == "en" else "translation"),
        stable=stable,
        draft=draft,
        final=final,
        start=start,
        end=end,
        heard=end,
        at=at,
        engine="fake",
    )


class Peer:
    """The server's end of one connection."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    async def tell(self, *messages: Message) -> None:
        """Send them."""
        for message in messages:
            await self.socket.send(encode(message).decode())

    async def hear(self) -> ClientMessage | bytes:
        """The next frame."""
        frame = await self.socket.recv()
        return frame if isinstance(frame, bytes) else decode_client(frame)


@asynccontextmanager
async def server(
    scene: Callable[[Peer], Awaitable[None]], subprotocol: str | None = SUBPROTOCOL
) -> AsyncIterator[str]:
    """The address of a server that plays this scene to everybody who connects."""

    async def play(socket: ServerConnection) -> None:
        await scene(Peer(socket))

    spoken = [Subprotocol(subprotocol)] if subprotocol else None
    async with serve(play, "127.0.0.1", 0, subprotocols=spoken) as running:
        port = next(iter(running.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"
