"""Several model servers that do the same: each room has its own, and another one in need."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress

import aiohttp

from models.base import EngineError

from . import errors
from .breaker import Seen, ranked
from .errors import ServerError
from .frames import Event
from .slots import ASK_EVERY_S, Slots
from .sse import Reader
from .transport import CONNECT_S, Body, Server, now

IDLE_S = 3.0  # uvicorn closes idle connections after 5 s; whoever writes into that loses a question
MOST = 256  # questions that one server is at work on for us: SGLang's own limit on one large card


class Servers:
    """All base URLs of one engine. `open` before the first call, `close` after the last."""

    def __init__(
        self, urls: Sequence[str], *, key: str = "", deadline_s: float = 4.0, most: int = MOST
    ) -> None:
        """`key`: sent as a bearer token; `deadline_s`: for one answer, all tries together."""
        self.urls = tuple(dict.fromkeys(urls))
        self.deadline_s = deadline_s
        self._most = most
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._session: aiohttp.ClientSession | None = None
        self._servers: dict[str, Server] = {}
        self._probing: dict[str, asyncio.Task[None]] = {}
        self._slots = Slots()
        self._counting: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def starting(self, kind: str, name: str, patience_s: float) -> AsyncIterator[None]:
        """For the engine `name`: open, and wait until a server is ready, `patience_s` if it loads.
        What fails inside closes it again. EngineError: no URL; ServerError: none is ready."""
        if not self.urls:
            raise EngineError(f"The {kind} {name} needs a server's address: --{kind}-url URL.")
        await self.open()
        try:
            await self.ready(patience_s)
            await self._count()
            self._counting = asyncio.create_task(self._keep_counting())
            yield
        except BaseException:
            await self.close()
            raise

    @property
    def troubled(self) -> Collection[asyncio.Task[None]]:
        """A task for each server that is left alone, done when it is asked again."""
        return self._probing.values()

    @property
    def slots(self) -> int | None:
        """How many questions they take at a time, as of seconds ago; None: they do not say."""
        return self._slots.total(
            [one.url for one in self._servers.values() if not one.breaker.open]
        )

    async def open(self) -> None:
        """Make ready; contacts nobody."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
            headers=self._headers,
        )
        self._servers = {url: Server(url, self._session, self._most) for url in self.urls}

    async def close(self) -> None:
        """End the probes and the connections."""
        tasks, self._probing = list(self._probing.values()), {}
        tasks += [self._counting] if self._counting is not None else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        self._session, self._servers = None, {}

    async def stream(
        self,
        path: str,
        body: Mapping[str, object],
        reader: Callable[[], Reader],
        room: str = "",
    ) -> AsyncGenerator[Event, None]:
        """Events of the answer, the last of which is an `End`. Close the iterator to drop it.

        `room` chooses the server, the same one as long as it works. A question that one server has
        not begun to answer is put to the next. ServerError.
        """
        due = now() + self.deadline_s
        trouble = self._trouble()
        for server in self._willing(room):
            begun = False
            try:
                async with aclosing(server.stream(path, body, reader(), room, due)) as events:
                    async for event in events:
                        begun = True
                        yield event
                return
            except ServerError as error:
                self._watch(server)
                if begun or not error.elsewhere:
                    raise
                trouble = error
        raise trouble

    async def ask(self, path: str, body: Callable[[], Body] | None = None, room: str = "") -> bytes:
        """The body of an answer that is not streamed: to a POST, or a GET without `body`.
        ServerError."""
        due = now() + self.deadline_s
        trouble = self._trouble()
        for server in self._willing(room):
            try:
                return await server.ask(path, body() if body else None, room, due)
            except ServerError as error:
                self._watch(server)
                if not error.elsewhere:
                    raise
                trouble = error
        raise trouble

    async def ready(self, patience_s: float = 0.0) -> None:
        """Return when one of them is ready; those that load get `patience_s`. ServerError: none."""
        until = now() + patience_s
        while True:
            said = await asyncio.gather(*(server.ready() for server in self._servers.values()))
            for server, trouble in zip(self._servers.values(), said, strict=True):
                if trouble is not None:
                    server.trouble = trouble
                    server.breaker.push(Seen.GONE, now())
                    self._watch(server)
            troubles = [trouble for trouble in said if trouble is not None]
            if len(troubles) < len(said):
                return
            loading = [trouble for trouble in troubles if isinstance(trouble, errors.Loading)]
            if not loading or now() >= until:
                raise (loading or troubles or [self._trouble()])[0]
            await asyncio.sleep(0.2)

    def _willing(self, room: str) -> list[Server]:
        order = (self._servers[url] for url in ranked(self._servers, room))
        return [server for server in order if not server.breaker.open]

    def _trouble(self) -> ServerError:
        """Why nobody can be asked, if so."""
        troubles = (server.trouble for server in self._servers.values())
        unknown = errors.Absent("No model server is known.")
        return next((trouble for trouble in troubles if trouble), unknown)

    def _watch(self, server: Server) -> None:
        """See to it that the recovery of a broken server is noticed."""
        if server.breaker.open and server.url not in self._probing:
            probe = self._probing[server.url] = asyncio.create_task(self._probe(server))
            probe.add_done_callback(lambda _: self._probing.pop(server.url, None))

    async def _probe(self, server: Server) -> None:
        while server.breaker.open:
            await asyncio.sleep(server.breaker.wait(now()))
            server.breaker.probed = now()
            if await server.ready() is None:
                server.breaker.push(Seen.BACK, now())
                await self._count(server)

    async def _keep_counting(self) -> None:
        while True:
            await asyncio.sleep(ASK_EVERY_S)
            await self._count()

    async def _count(self, *servers: Server) -> None:
        """Ask those, or all that can be asked, how many questions they take at a time."""
        here = [one for one in self._servers.values() if not one.breaker.open]
        for server in servers or here:
            with suppress(ServerError):  # what it said last stands
                self._slots.push(server.url, await server.running())
