"""The doors of the server: HTTP routes, and the WebSocket of each room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from streaming.messages import MAX_TEXT, SUBPROTOCOL

from .config import ConfigError
from .connection import Connection
from .house import House

HEARTBEAT_S = 10.0


def app(house: House) -> web.Application:
    """The routes that participants use."""
    made = web.Application()
    made[HOUSE] = house
    made.add_routes(
        [
            web.get("/v1/rooms/{room}", _room),
            web.get("/livez", _live),
            web.get("/readyz", _ready),
        ]
    )
    return made


def metrics_app(house: House) -> web.Application:
    """The route that operators use, on a port of its own."""
    made = web.Application()
    made[HOUSE] = house
    made.add_routes([web.get("/metrics", _metrics)])
    return made


HOUSE = web.AppKey("house", House)


@asynccontextmanager
async def listening(made: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve; yields the address. ConfigError: the port is taken or not allowed."""
    runner = web.AppRunner(made, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigError(
                f"cannot listen on {host} port {port} ({reason}): "
                "choose another port, or 0 for any free one"
            ) from error
        name, bound = runner.addresses[0][:2]
        yield f"http://{f'[{name}]' if ':' in name else name}:{bound}"
    finally:
        await runner.cleanup()


async def _room(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(
        protocols=(SUBPROTOCOL,),
        compress=False,
        heartbeat=HEARTBEAT_S,
        max_msg_size=4 * MAX_TEXT,
        timeout=2.0,
    )
    if not socket.can_prepare(request).ok:
        raise web.HTTPUpgradeRequired(
            text=f"this is a WebSocket, subprotocol {SUBPROTOCOL}; see docs/protocol.md\n",
            headers={"Upgrade": "websocket"},
        )
    await socket.prepare(request)
    assert request.transport is not None
    connection = Connection(request.app[HOUSE], socket, request.transport.abort)
    await connection.serve(request.match_info["room"])
    return socket


async def _live(request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _ready(request: web.Request) -> web.Response:
    if request.app[HOUSE].draining:
        return web.Response(status=503, text="the server is stopping\n")
    return web.Response(text="ok\n")


async def _metrics(request: web.Request) -> web.Response:
    page = await asyncio.to_thread(request.app[HOUSE].metrics.page)
    return web.Response(body=page, headers={"Content-Type": "text/plain; version=0.0.4"})
