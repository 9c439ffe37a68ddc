"""A network that can go bad: what a client sends passes through here, or does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 1 << 16


@dataclass
class Relay:
    """Takes connections on a port of its own and leads each to `port`."""

    port: int
    source: str = "127.0.0.1"
    """The address that the server sees from now on."""
    url: str = ""
    carried: int = 0
    """Connections so far."""
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    open: set[asyncio.WriteTransport] = field(default_factory=set)

    def cut(self) -> None:
        """Break every connection without a word, as a router does that forgot them."""
        for transport in list(self.open):
            transport.abort()

    def hold(self) -> None:
        """Nothing passes any more, and nobody is told: a network that is gone."""
        self.flowing.clear()

    def release(self) -> None:
        """What was held passes, as what was lost is sent again."""
        self.flowing.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until one end of it closes."""
        self.carried += 1
        self.open.add(writer.transport)
        try:
            await self.flowing.wait()
            there, onward = await asyncio.open_connection(
                "127.0.0.1", self.port, local_addr=(self.source, 0)
            )
        except OSError:
            writer.transport.abort()
            self.open.discard(writer.transport)
            return
        self.open.add(onward.transport)
        ways = [
            asyncio.create_task(self._copy(reader, onward)),
            asyncio.create_task(self._copy(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, onward):
                end.close()
                self.open.discard(end.transport)
            await asyncio.gather(*ways, return_exceptions=True)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                await self.flowing.wait()
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def relay(port: int, source: str = "127.0.0.1") -> AsyncIterator[Relay]:
    """A relay to a port of this machine, for as long as the block lasts."""
    made = Relay(port, source)
    made.release()
    carrying: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(made.carry(reader, writer))
        carrying.add(task)
        task.add_done_callback(carrying.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        made.cut()
        for task in list(carrying):
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
