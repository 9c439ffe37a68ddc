"""The doors of the server: HTTP routes, and the WebSocket of each room."""

import asyncio
from collections.abc import Iterable
from typing import get_args
from urllib.parse import urlsplit

from aiohttp import web

from streaming import languages
from streaming.clean import clean
from streaming.messages import MAX_TEXT, SUBPROTOCOL
from streaming.transcript import Form, render

from .connection import Connection
from .house import House
from .listening import listening
from .page import Page
from .refused import Refused
from .tokens import Pass, Role

__all__ = ["app", "listening", "metrics_app"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TYPES: dict[Form, str] = {
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "txt": "text/plain",
    "json": "application/json",
}


def app(house: House, more: Iterable[web.RouteDef] = ()) -> web.Application:
    """The routes that participants use, `more` among them."""
    made = web.Application()
    made[HOUSE] = house
    made.add_routes(
        [
            web.get("/v1/rooms", _rooms),
            web.get("/v1/rooms/{room}", _room),
            web.get("/v1/rooms/{room}/transcript.{form}", _transcript),
            web.delete("/v1/rooms/{room}/participants/{participant}", _remove),
            web.get("/livez", _live),
            web.get("/readyz", _ready),
            *Page(house).routes(),
            *more,
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


async def _room(request: web.Request) -> web.StreamResponse:
    _check_origin(request)
    socket = web.WebSocketResponse(
        protocols=(SUBPROTOCOL,),
        compress=False,
        autoping=False,  # the connection sees to that itself
        max_msg_size=4 * MAX_TEXT,
        timeout=2.0,
    )
    try:
        asks = socket.can_prepare(request).ok
    except ValueError:  # a key that cannot even be one
        asks = False
    if not asks:
        raise web.HTTPUpgradeRequired(
            text=f"this is a WebSocket, subprotocol {SUBPROTOCOL}; see docs/protocol.md\n",
            headers={"Upgrade": "websocket"},
        )
    try:
        await socket.prepare(request)
    except ConnectionError:  # gone before it was answered: no fault of anybody's
        return web.Response()
    if request.transport is None:
        return socket
    connection = Connection(request.app[HOUSE], socket, request.transport)
    authorization = request.headers.get("Authorization")
    await connection.serve(request.match_info["room"], request.remote or "", authorization)
    return socket


def _check_origin(request: web.Request) -> None:
    """A page of elsewhere may not use the rights of whoever opened it."""
    origin = request.headers.get("Origin")
    config = request.app[HOUSE].config
    if origin is None or origin in config.origins:
        return
    try:
        here = urlsplit(origin)
    except ValueError:
        raise web.HTTPForbidden(text="that Origin is none\n") from None
    # A name that leads to this machine for a moment only (DNS rebinding) is a page of elsewhere.
    rebound = config.loopback and not config.secret and here.hostname not in LOOPBACK
    if here.netloc != request.host or rebound:
        raise web.HTTPForbidden(text=f"pages of {clean(origin, 200)} may not join rooms here\n")


def _token(request: web.Request, *roles: Role) -> Pass | None:
    """Who asks, where tokens are asked for; of one of these roles, for the room that is named."""
    gate = request.app[HOUSE].gate
    if gate is None:
        return None
    try:
        found = gate.bearer(request.headers.get("Authorization"))
    except Refused as refused:
        bearer = {"WWW-Authenticate": "Bearer"}
        raise web.HTTPUnauthorized(text=f"{refused}\n", headers=bearer) from refused
    if found.room != request.match_info.get("room", found.room) or found.role not in roles:
        raise web.HTTPForbidden(text="this token does not allow that\n")
    return found


async def _rooms(request: web.Request) -> web.Response:
    token = _token(request, *get_args(Role))
    open_ = request.app[HOUSE].rooms.values()
    rooms = [room.describe() for room in open_ if token is None or room.name == token.room]
    return web.json_response({"rooms": rooms})


async def _transcript(request: web.Request) -> web.Response:
    _token(request, *get_args(Role))
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


async def _remove(request: web.Request) -> web.Response:
    if _token(request, "admin") is None:
        raise web.HTTPForbidden(text="a server without tokens has no admin: close the room\n")
    room = request.app[HOUSE].rooms.get(request.match_info["room"])
    if room is None or not room.people.remove_for_good(request.match_info["participant"]):
        raise web.HTTPNotFound(text="there is no such participant\n")
    return web.Response(status=204)


async def _live(request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _ready(request: web.Request) -> web.Response:
    if request.app[HOUSE].draining:
        return web.Response(status=503, text="the server is stopping\n")
    return web.Response(text="ok\n")


async def _metrics(request: web.Request) -> web.Response:
    pieces = []
    for piece in request.app[HOUSE].metrics.pieces():
        pieces.append(piece)
        await asyncio.sleep(0)  # in a thread it would hold the others up for longer
    headers = {"Content-Type": "text/plain; version=0.0.4"}
    return web.Response(body=b"".join(pieces), headers=headers)
