"""The doors of the server: HTTP routes, and the WebSocket of each room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from aiohttp import web

from streaming import languages
from streaming.messages import MAX_TEXT, SUBPROTOCOL
from streaming.transcript import Form, render

from .config import ConfigError
from .connection import Connection
from .house import House

HEARTBEAT_S = 10.0
TYPES: dict[Form, str] = {
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "txt": "text/plain",
    "json": "application/json",
}


def app(house: House) -> web.Application:
    """The routes that participants use."""
    made = web.Application()
    made[HOUSE] = house
    made.add_routes(
        [
            web.get("/v1/rooms", _rooms),
            web.get("/v1/rooms/{room}", _room),
            web.get("/v1/rooms/{room}/transcript.{form}", _transcript),
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
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise web.HTTPForbidden(text=f"pages of {origin[:200]} may not join rooms here\n")
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


async def _rooms(request: web.Request) -> web.Response:
    rooms = [room.describe() for room in request.app[HOUSE].rooms.values()]
    return web.json_response({"rooms": rooms})


async def _transcript(request: web.Request) -> web.Response:
    language = request.query.get("language")
    room = request.app[HOUSE].rooms.get(request.match_info["room"])
    form = next((form for form in TYPES if form == request.match_info["form"]), None)
    if form is None:
        raise web.HTTPNotFound(text=f"there are transcript.{', transcript.'.join(TYPES)}\n")
    if room is None:
        raise web.HTTPNotFound(text="there is no such room, or it has closed\n")
    try:
        if language is not None:
            languages.check(language)
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from error
    text = await asyncio.to_thread(render, room.conversation(), form, language)
    name = f'attachment; filename="{room.name}.{form}"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return web.Response(text=text, content_type=TYPES[form], charset="utf-8", headers=headers)


async def _live(request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _ready(request: web.Request) -> web.Response:
    if request.app[HOUSE].draining:
        return web.Response(status=503, text="the server is stopping\n")
    return web.Response(text="ok\n")


async def _metrics(request: web.Request) -> web.Response:
    page = await asyncio.to_thread(request.app[HOUSE].metrics.page)
    return web.Response(body=page, headers={"Content-Type": "text/plain; version=0.0.4"})
