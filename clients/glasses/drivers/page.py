"""A page for any browser: black, large lines, one Server-Sent Event for each screen.

A few dozen lines of HTTP of our own, because a thin client brings no web server: it knows GET and
four paths, answers at once or not at all, and closes. Only loopback is listened on unless another
address is asked for, and only the names it is reached by are answered (so that no web page of a
stranger reads captions through a name that it has turned to 127.0.0.1).
"""

import asyncio
import ipaddress
from contextlib import suppress
from importlib.resources import files

import msgspec

from clients.glasses.faces import Face
from clients.glasses.profiles import Profile
from clients.glasses.screen import Screen

from . import DisplayError, Driver, Place

FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'"
)
ASKED_IN = 5.0  # seconds a request may take to come
LONGEST = 8192  # bytes of it
READERS = 16  # pages at once
ALIVE = 10.0  # seconds between two signs of life while nothing is said
SENT_IN = 5.0  # seconds a page may take to read what it is sent


class Page(Driver):
    """Serves while it is open."""

    def __init__(self, profile: Profile, face: Face, place: Place) -> None:
        self.host, self.port = place.listen
        self.profile = profile
        self._server: asyncio.Server | None = None
        self._event = self._as_event(Screen())
        self._news = asyncio.Event()
        self._pages: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where it is served."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    async def open(self) -> None:
        """Listen."""
        try:
            self._server = await asyncio.start_server(self._answer, self.host, self.port)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise DisplayError(
                f"the page cannot be served on {self.host}:{self.port}: {why}"
            ) from error

    async def show(self, screen: Screen) -> None:
        """Tell every page that is open; one that is slow gets the newest when it can."""
        self._event = self._as_event(screen)
        self._news.set()
        self._news = asyncio.Event()

    async def close(self) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
            for page in self._pages:
                page.cancel()
            await asyncio.gather(*self._pages, return_exceptions=True)
            self._server = None

    def _as_event(self, screen: Screen) -> bytes:
        rows = [
            {"tone": row.tone, "sure": row.halves[0], "draft": row.halves[1]} for row in screen.rows
        ]
        size = {"columns": self.profile.columns, "lines": self.profile.lines}
        return b"data: " + msgspec.json.encode({**size, "rows": rows}) + b"\n\n"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pages.add(task)
        try:
            with suppress(OSError, TimeoutError, asyncio.CancelledError):
                await self._exchange(reader, writer)
        finally:
            self._pages.discard(task)
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status, path = await self._asked(reader)
        if status == 200 and path == "/events":
            if len(self._pages) <= READERS:
                await self._tell(writer)
                return
            status = 503
        body, kind = b"", "text/plain"
        if status == 200 and path in FILES:
            name, kind = FILES[path]
            body = files(__package__).joinpath("web", name).read_bytes()
        elif status == 200:
            status = 404
        writer.write(_head(status, kind, len(body)) + body)
        async with asyncio.timeout(SENT_IN):
            await writer.drain()
            writer.write_eof()
            await reader.read(1)  # until it is read: what is aborted sooner may be lost

    async def _asked(self, reader: asyncio.StreamReader) -> tuple[int, str]:
        """The status it deserves, and the path."""
        try:
            async with asyncio.timeout(ASKED_IN):
                request = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return 400, ""
        first, *fields = request[:LONGEST].decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3:
            return 400, ""
        if words[0] != "GET":
            return 405, ""
        hosts = [field[5:].strip() for field in fields if field[:5].lower() == "host:"]
        if len(hosts) != 1 or not self._ours(hosts[0]):
            return 403, ""
        return 200, words[1].partition("?")[0]

    def _ours(self, host: str) -> bool:
        """Whether a page may have reached us by this name: an address, or localhost."""
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        if name.lower() in ("localhost", self.host.lower()):
            return True
        with suppress(ValueError):
            ipaddress.ip_address(name.strip("[]"))
            return True
        return False

    async def _tell(self, writer: asyncio.StreamWriter) -> None:
        """Every screen from now on, the one that is shown first."""
        writer.write(_head(200, "text/event-stream"))
        told = b""
        while True:
            news = self._news
            writer.write(self._event if self._event is not told else b":\n\n")
            told = self._event
            async with asyncio.timeout(SENT_IN):
                await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), ALIVE)


def _head(status: int, kind: str, length: int | None = None) -> bytes:
    words = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}
    words |= {405: "Method Not Allowed", 503: "Service Unavailable"}
    fields = [
        f"HTTP/1.1 {status} {words[status]}",
        f"Content-Type: {kind}; charset=utf-8",
        f"Content-Security-Policy: {POLICY}",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if length is not None:
        fields.append(f"Content-Length: {length}")
    return ("\r\n".join(fields) + "\r\n\r\n").encode()
