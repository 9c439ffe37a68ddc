"""A server whose every delay, loss, repetition and change of mind is known beforehand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

from msgspec import UNSET
from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed

from streaming.messages import Caption, End, Error, Hello, Latency, Message, State
from tests.clients.fakes import WELCOME, Peer, server

UPDATES = 5  # of a line: one a frame, and then its final
WORDS = ("one", "two", "three", "four", "five")


@dataclass
class Known:
    """What it does, and what it has done."""

    delay_s: float = 0.0
    """From a frame's arrival to its caption."""
    recognize_ms: float = 0.0
    """What it says that its recognizer took of that."""
    translate_ms: float = 0.0
    never_final: Sequence[int] = ()
    """Lines (segments) whose final is never sent."""
    twice: Sequence[int] = ()
    """Lines whose final is sent twice."""
    mistaken: Sequence[int] = ()
    """Lines whose last word is another in the final."""
    break_at: int = 0
    """The frame after which it throws everybody out; 0: never."""
    resumes: bool = False
    """Whoever comes back is who he was; otherwise he is told that this is not offered."""
    speakers: int = 0
    finals: int = 0
    erased: int = 0
    written: int = 0
    positions: dict[str, int] = field(default_factory=dict)
    """Of each speaker, in samples."""
    said: dict[str, list[Caption]] = field(default_factory=dict)
    """The finals of each."""
    peers: list[Peer] = field(default_factory=list)
    seq: "count[int]" = field(default_factory=lambda: count(1))


@asynccontextmanager
async def known(it: Known) -> AsyncIterator[str]:
    """The address of such a server."""

    async def scene(peer: Peer) -> None:
        hello = await peer.hear()
        assert isinstance(hello, Hello)
        it.peers.append(peer)
        if hello.resume is not None and not it.resumes:
            await peer.tell(Error.of(4400, "hello: `resume` is not offered"))
            await peer.socket.close(4400)
            return
        try:
            me = await welcomed(it, peer, hello)
            if hello.hears is UNSET or not hello.hears:
                while await peer.hear() != End():
                    pass
            else:
                await spoken(it, peer, me)
            await peer.tell(State("connection", "drained"))
        except ConnectionClosed:
            pass

    async with server(scene) as url:
        yield url


async def welcomed(it: Known, peer: Peer, hello: Hello) -> str:
    """Let somebody in, again or for the first time; who it is."""
    was = hello.resume
    me = f"p{len(it.peers)}" if was is None else was.participant
    at = it.positions.get(me, 0)
    await peer.tell(replace(WELCOME, participant=me, audio_at=at))
    missed = [one for one in it.said.get(me, ()) if was is not None and one.seq > was.seq]
    await peer.tell(*(replace(one, replay=True) for one in missed))
    return me


async def spoken(it: Known, peer: Peer, me: str) -> None:
    """One caption for every frame, `delay_s` after it came, in lines of so many updates."""
    it.speakers += me not in it.positions
    position, frames = it.positions.setdefault(me, 0), 0
    waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting.set_result(None)
    while (frame := await peer.hear()) != End():
        assert isinstance(frame, bytes)
        size = len(frame) // 2
        position += size
        frames = position // size
        if frames == it.break_at:
            await peer.socket.close(4500, "out of order")
            return
        it.positions[me] = position
        said = captions(it, me, frames - 1, position, size)
        it.said.setdefault(me, []).extend(one for one in said if one.final)
        waiting = later(it, peer, said)
    if frames % UPDATES:  # the end of the sound ends its line
        waiting = later(it, peer, [ended(it, me, frames, position)])
    await waiting


def ended(it: Known, me: str, frames: int, heard: int) -> Caption:
    """The final of the line that the end of the sound cut short."""
    segment, shown = divmod(frames, UPDATES)
    start = heard * segment * UPDATES // frames
    it.finals, it.written = it.finals + 1, it.written + shown
    return Caption(
        next(it.seq), me, segment, "en", "transcript",
        " ".join(WORDS[:shown]), "", True, start, heard, heard, 0, "fake",
    )  # fmt: skip


def later(it: Known, peer: Peer, messages: Sequence[Message]) -> asyncio.Future[None]:
    """Tell these when the delay is over."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[None] = loop.create_future()

    async def tell() -> None:
        with suppress(ConnectionClosed):
            await peer.tell(*messages)
        if not told.done():
            told.set_result(None)

    loop.call_later(it.delay_s, lambda: asyncio.ensure_future(tell()))
    return told


def captions(it: Known, me: str, n: int, heard: int, size: int) -> list[Caption]:
    """What the n-th frame gives: the line so far, and at its end the final."""
    segment, step = divmod(n, UPDATES)
    start = heard - (step + 1) * size
    words = list(WORDS[: step + 1])
    spent = 1000 * it.delay_s
    latency = Latency(0.0, it.recognize_ms, it.translate_ms, 0.0, spent)

    def made(text: str, final: bool) -> Caption:
        return Caption(
            next(it.seq), me, segment, "en", "transcript",
            text if final else "", "" if final else text, final,
            start, heard, heard, 0, "fake", latency,
        )  # fmt: skip

    if step < UPDATES - 1:
        return [made(" ".join(words), False)]
    found = [made(" ".join(words), False)]
    if segment in it.never_final:
        return found
    if segment in it.mistaken:
        words[-1] = "fünf"
        it.erased += 1
    it.written += len(words)
    it.finals += 1
    final = made(" ".join(words), True)
    return [*found, final, *([replace(final, seq=next(it.seq))] if segment in it.twice else [])]
