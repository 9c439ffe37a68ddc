"""Listen on a port: whoever connects has to ask for something soon."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from .config import ConfigError

log = logging.getLogger(__name__)
ASKING_S = 10.0  # real seconds from connecting to a whole request: a slower one never comes
KEPT_S = 15.0  # a connection without a request


def ours(record: logging.LogRecord) -> bool:
    """Whether it is worth a line: what is no HTTP is not, and would bring a stranger's words with
    it, and a traceback."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


log.addFilter(ours)
# It warns of subprotocols that are not ours, in the words of whoever asks for them.
logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)


def text(headers: str) -> bool:
    """Whether it is; bytes that are no UTF-8 come as half characters, which nobody can answer."""
    try:
        headers.encode()
    except UnicodeEncodeError:
        return False
    return True


class Waiting:
    """Makes the protocols of new connections, and closes those that ask for nothing."""

    def __init__(self, server: web.Server) -> None:
        self.server = server
        self.loop = asyncio.get_running_loop()
        self.silent: set[asyncio.BaseProtocol] = set()

    def __call__(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self.server()
        self.silent.add(protocol)
        self.loop.call_later(ASKING_S, self._look, protocol)
        return protocol

    def asked(self, request: web.BaseRequest) -> None:
        """This one has sent a whole request."""
        self.silent.discard(request.protocol)

    def _look(self, protocol: asyncio.BaseProtocol) -> None:
        if protocol in self.silent:
            self.silent.discard(protocol)
            transport = getattr(protocol, "transport", None)
            if transport is not None:
                transport.abort()


@asynccontextmanager
async def listening(
    made: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve; yields the address. ConfigError: the port is taken or not allowed."""
    waiting: Waiting | None = None

    @web.middleware
    async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
        assert waiting is not None
        waiting.asked(request)
        if not text("".join(request.headers.values())):
            raise web.HTTPBadRequest(text="a header is not text in UTF-8\n")
        return await handler(request)

    made.middlewares.append(noted)
    runner = web.AppRunner(
        made,
        access_log=None,
        logger=log,
        shutdown_timeout=1.0,
        keepalive_timeout=KEPT_S,
        auto_decompress=False,  # 300 kB unpack to 300 MB: nobody here sends that much
    )
    await runner.setup()
    assert runner.server is not None
    waiting = Waiting(runner.server)
    try:
        listener = await _bound(waiting, host, port, tls)
        try:
            name, bound = listener.sockets[0].getsockname()[:2]
            scheme = "http" if tls is None else "https"
            yield f"{scheme}://{f'[{name}]' if ':' in name else name}:{bound}"
        finally:
            listener.close()
    finally:
        await runner.cleanup()


async def _bound(
    protocols: Waiting, host: str, port: int, tls: ssl.SSLContext | None
) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(
            protocols, host, port, ssl=tls, ssl_handshake_timeout=ASKING_S if tls else None
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(
            f"cannot listen on {host} port {port} ({reason}): "
            "choose another port, or 0 for any free one"
        ) from error
