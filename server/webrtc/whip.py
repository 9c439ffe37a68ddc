"""The door for WebRTC: an offer goes in, an answer comes out (WHIP, RFC 9725).

`POST /v1/rooms/{room}/whip` with an offer and the participant's `key`, which its `welcome` told it.
The answer's `Location` is the call: `DELETE` it to hang up. Captions travel by WebSocket as ever.
"""

import asyncio
import hmac

from aiohttp import web

from server.house import House
from server.member import Member
from streaming.messages import WebRtc

from .calls import Calls
from .offer import LONGEST, Refused

PATH = "/v1/rooms/{room}/whip"
SDP = "application/sdp"
COMES_S = 5.0  # a whole offer


def routes(house: House, calls: Calls) -> list[web.RouteDef]:
    """What to add to the app."""

    async def offered(request: web.Request) -> web.Response:
        try:
            member = _member(request, house)
            answer, token = await calls.answer(member, await _offer(request))
        except Refused as refused:
            return web.Response(status=refused.status, text=f"{refused}\n")
        headers = {"Location": f"{request.path}/{token}", "Cache-Control": "no-store"}
        return web.Response(status=201, text=answer, content_type=SDP, headers=headers)

    async def hung_up(request: web.Request) -> web.Response:
        if not calls.hang_up(request.match_info["call"]):
            return web.Response(status=404, text="there is no such call\n")
        return web.Response()

    return [web.post(PATH, offered), web.delete(f"{PATH}/{{call}}", hung_up)]


def _member(request: web.Request, house: House) -> Member:
    """Who calls. Refused: nobody whom this server knows, or one who did not say so."""
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key:
        raise Refused(401, "a call needs `Authorization: Bearer` and the key of `welcome`")
    room = house.rooms.get(request.match_info["room"])
    members = room.members.values() if room else ()
    given = key.strip().encode(errors="surrogateescape")  # bytes that are no UTF-8 come as such
    found = [member for member in members if hmac.compare_digest(member.key.encode(), given)]
    if not found:
        raise Refused(403, "nobody in this room has that key")
    if not isinstance(found[0].hello.audio, WebRtc):
        raise Refused(409, 'this participant said in `hello` that it does not call ("webrtc")')
    return found[0]


async def _offer(request: web.Request) -> bytes:
    if request.content_type != SDP:
        raise Refused(415, f"an offer is {SDP}")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(415, "an offer comes as it is: leave out Content-Encoding")
    if (request.content_length or 0) > LONGEST:
        raise Refused(413, f"an offer of {request.content_length} bytes: at most {LONGEST}")
    body = b""
    try:
        async with asyncio.timeout(COMES_S):
            async for piece in request.content.iter_chunked(LONGEST):
                body += piece
                if len(body) > LONGEST:
                    raise Refused(413, f"an offer of more than {LONGEST} bytes")
    except TimeoutError:
        raise Refused(408, f"the offer did not come within {COMES_S:g} s") from None
    return body
