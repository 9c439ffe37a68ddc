"""A client, a server, and a cable between them that breaks: each word is captioned once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from clients.backoff import Backoff
from clients.link import Link
from streaming.messages import Caption, Hello, Pcm16, ServerMessage, State, Welcome
from tests.server.sockets import serving
from tests.server.stage import loud, quiet

pytestmark = [pytest.mark.socket, pytest.mark.slow]

FRAME = 640  # bytes: 20 ms
LINES = 5


@dataclass
class Cable:
    """Carries bytes both ways until it is cut; then it can be used again."""

    port: int
    ends: set[asyncio.StreamWriter] = field(default_factory=set)
    cuts: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        self.ends |= {writer, back}
        await asyncio.gather(
            self.carry(reader, back), self.carry(there, writer), return_exceptions=True
        )

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(4_096):
                writer.write(data)
                await writer.drain()
        finally:
            writer.transport.abort()
            self.ends.discard(writer)

    def cut(self) -> None:
        self.cuts += 1
        for end in list(self.ends):
            end.transport.abort()


@asynccontextmanager
async def cabled(url: str) -> AsyncIterator[tuple[str, Cable]]:
    cable = Cable(int(url.rpartition(":")[2]))
    async with await asyncio.start_server(cable, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", cable
        cable.cut()


async def test_however_often_it_breaks_every_word_is_captioned_once() -> None:
    told: list[ServerMessage] = []
    hello = Hello("Ana", ["en", "es"], ["en"], Pcm16(16_000))
    async with serving(speed=1.0) as (house, direct), cabled(direct) as (url, cable):
        backoff = Backoff(first=0.01, longest=0.01)
        async with Link(url, "kitchen", hello, backoff=backoff) as link:

            async def read() -> None:
                async for message in link:
                    told.append(message)

            reading = asyncio.create_task(read())
            pcm = (loud(1_000) + quiet(1_000)) * LINES
            for n, start in enumerate(range(0, len(pcm), FRAME)):
                await link.send_audio(pcm[start : start + FRAME])
                await asyncio.sleep(0.004)
                if n % 61 == 30:
                    cable.cut()
            (session,) = house.rooms["kitchen"].sessions.values()
            await link.end()
            async with asyncio.timeout(30):
                await reading
    assert cable.cuts > 5
    welcomes = [one for one in told if isinstance(one, Welcome)]
    assert len(welcomes) > 3
    assert {(one.participant, one.gap) for one in welcomes} == {(link.welcome.participant, False)}
    assert session.position == len(pcm) // 2, "all of the sound arrived, in its place"
    finals = [one.key for one in told if isinstance(one, Caption) and one.final]
    assert len(finals) == len(set(finals)) == 2 * LINES
    seqs = [one.seq for one in told if isinstance(one, Caption)]
    assert seqs == sorted(set(seqs))
    assert told[-1] == State("connection", "drained")
