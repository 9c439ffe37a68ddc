"""The page that anyone can join from, `clients/web`: its files as they are, and what it may do.

A page from here runs no script but its own files, talks to no host but this one, is shown in no
other page, and asks for no device but the microphone.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from streaming import languages

from .house import House

FOLDER = Path(__file__).parents[1] / "clients" / "web"
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
    # Kept by browsers, and asked about each time: who reloads gets the page of this server.
    "Cache-Control": "no-cache",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass(frozen=True, slots=True)
class File:
    """One file of the page."""

    body: bytes
    kind: str
    tag: str

    @classmethod
    def read(cls, path: Path) -> "File":
        body = path.read_bytes()
        return cls(body, TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:20])


class Page:
    """The routes of the page; made once, when the doors open."""

    def __init__(self, house: House, folder: Path = FOLDER) -> None:
        self.house = house
        found = sorted(path for path in folder.iterdir() if path.suffix in TYPES)
        self.files = {path.name: File.read(path) for path in found}

    def routes(self) -> list[web.RouteDef]:
        """`/` is the lobby, `/rooms/{room}` the way into a room, `/page/` what both are made of."""
        return [
            web.get("/", self.index),
            web.get("/rooms/{room}", self.index),
            web.get("/page/{file}", self.file),
            web.get("/v1/languages", self.languages),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """The page itself: the same for every address, which its script reads."""
        return self._answer(request, self.files["index.html"])

    async def file(self, request: web.Request) -> web.Response:
        """A part of it."""
        file = self.files.get(request.match_info["file"])
        if file is None:
            raise web.HTTPNotFound(text="the page has no such file\n", headers=HEADERS)
        return self._answer(request, file)

    async def languages(self, request: web.Request) -> web.Response:
        """What microphones may say and readers may read, to be chosen from before one joins."""
        engines = self.house.engines
        if engines is None:
            raise web.HTTPServiceUnavailable(text="the server is starting\n")
        hears = sorted(code for code in engines.recognizers.languages if code in languages.NAMES)
        told = {"hears": hears, "pairs": engines.translation.pairs}
        return web.json_response(told, headers=HEADERS)

    def _answer(self, request: web.Request, file: File) -> web.Response:
        headers = {**HEADERS, "Content-Security-Policy": policy(request.host)}
        answer = web.Response(headers=headers)
        answer.etag = file.tag
        if any(tag.value in (file.tag, "*") for tag in request.if_none_match or ()):
            answer.set_status(304)
            return answer
        answer.body = file.body
        answer.content_type = file.kind
        answer.charset = "utf-8"
        return answer


def policy(host: str) -> str:
    """What a page from this host may do. Older Safaris do not take a WebSocket for 'self'."""
    sockets = f" ws://{host} wss://{host}" if HOST.fullmatch(host) else ""
    return POLICY.format(connect=f"'self'{sockets}")
