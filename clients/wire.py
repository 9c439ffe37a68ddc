"""One WebSocket to a room: a hello, a welcome, then messages in and frames out.

It ends in one of three ways: the server closes it in order, something breaks (LinkError, which says
whether trying again is worth it), or it is closed here.
"""

import ipaddress
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    WebSocketException,
)
from websockets.typing import Subprotocol

from streaming.messages import (
    SUBPROTOCOL,
    Error,
    FromClient,
    Hello,
    ServerMessage,
    Welcome,
    WireError,
    decode_server,
    encode,
)

from .console import Problem

# Never on a command line, where everybody on the machine can read it. A file may be written anew
# before its token ends.
TOKEN, TOKEN_FILE = "SURTITLE_TOKEN", "SURTITLE_TOKEN_FILE"
OPENING = 10  # seconds a server may take to answer
ASKED = 5  # seconds between two looks at whether it is still there
SILENT = 10  # seconds it may take to answer: a network that is gone does not say so
CLOSING = 2  # seconds to wait for its goodbye: nothing is lost when it does not come


class LinkError(Problem):
    """The connection failed or was closed: the protocol's code if it has one, and in words why."""

    def __init__(
        self, code: int | None, message: str, retry: bool, retry_after_ms: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry = retry
        self.retry_after_ms = retry_after_ms


class Wire:
    """One connection; made by `opened`. `tap` sees every text frame as it was received."""

    welcome: Welcome

    def __init__(self, url: str, socket: ClientConnection, tap: Callable[[str], None]) -> None:
        self.url = url
        self._socket = socket
        self._tap = tap

    @classmethod
    async def opened(
        cls, url: str, room: str, hello: Hello, tap: Callable[[str], None] = lambda frame: None
    ) -> "Wire":
        """A connection that has been welcomed. LinkError: there is none to be had."""
        wire = cls(url, await _connected(url, room), tap)
        try:
            await wire.send(hello)
            wire.welcome = await wire._welcomed()
        except BaseException:
            await wire.close()
            raise
        return wire

    async def close(self) -> None:
        """Leave at once."""
        await self._socket.close()

    def drop(self) -> None:
        """Break it, as a network would: the server waits for us to come back."""
        self._socket.transport.abort()

    async def send(self, message: FromClient) -> None:
        """One message; on a closed connection it goes nowhere."""
        await self.put(encode(message).decode())

    async def put(self, frame: str | bytes) -> None:
        """One frame; on a closed connection it goes nowhere."""
        with suppress(ConnectionClosed):  # the one who reads is told why
            await self._socket.send(frame)

    async def _welcomed(self) -> Welcome:
        if self._socket.subprotocol != SUBPROTOCOL:
            raise LinkError(None, f"what answers at {self.url} is no Surtitle server", False)
        first = await self.receive()
        if not isinstance(first, Welcome):
            raise LinkError(None, f"the server at {self.url} did not welcome us", False)
        return first

    async def receive(self) -> ServerMessage | None:
        """The next message of a known type, None when the server has closed in order."""
        while True:
            try:
                frame = await self._socket.recv(decode=True)
                self._tap(frame)
                message = decode_server(frame)
            except ConnectionClosed as closed:
                if closed.rcvd and closed.rcvd.code == 1000:
                    return None
                raise self._broken(closed) from closed
            except WireError as error:
                raise LinkError(None, f"the server at {self.url} sent {error}", False) from error
            if isinstance(message, Error):
                raise LinkError(
                    message.code, message.message, message.retry, message.retry_after_ms
                )
            if message is not None:
                return message

    def _broken(self, closed: ConnectionClosed) -> LinkError:
        """Why the connection ended out of order, when no error message came before it."""
        if closed.rcvd is None:
            return LinkError(None, f"the connection to {self.url} was lost", True)
        code = closed.rcvd.code
        meaning, retry = Error.MEANINGS.get(code, (f"close code {code}", True))
        why = closed.rcvd.reason or meaning
        return LinkError(code, f"the server at {self.url} closed: {why}", retry)


async def _connected(url: str, room: str) -> ClientConnection:
    where = address(url, room)
    try:
        return await connect(
            where,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            proxy=None if loopback(where) else True,
            open_timeout=OPENING,
            close_timeout=CLOSING,
            ping_interval=ASKED,
            ping_timeout=SILENT,
        )
    except (OSError, WebSocketException) as error:
        raise refusal(url, error) from error


def token() -> str | None:
    """What lets us in, if the environment has or names anything. LinkError: it cannot be read."""
    if file := os.environ.get(TOKEN_FILE):
        try:
            return Path(file).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise LinkError(None, f"the token in {file} cannot be read: {error}", False) from error
    return os.environ.get(TOKEN) or None


def address(url: str, room: str) -> str:
    """The WebSocket address of a room on `http(s)://host:port` or `ws(s)://host:port`.

    LinkError in words if that is no address of a server.
    """
    whole = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(whole)
        scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}[parts.scheme]
        if not parts.hostname or (parts.port is None and parts.netloc.endswith(":")):
            raise ValueError
    except (KeyError, ValueError):
        example = "http://127.0.0.1:8765"
        raise LinkError(None, f"{url!r} is no server's address: write {example}", False) from None
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/v1/rooms/{quote(room, safe='')}"


def loopback(url: str) -> bool:
    """Whether it is on this machine, where no proxy can lead."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def refusal(url: str, error: Exception) -> LinkError:
    """Why there is no connection, in words."""
    match error:
        case TimeoutError():
            return LinkError(None, f"the server at {url} did not answer in {OPENING} s", True)
        case InvalidStatus(response=response):
            body = (response.body or b"")[:200].decode(errors="replace").strip()
            status = f"{response.status_code} {response.reason_phrase}".strip()
            why = f"{status}: {body}" if body else status
            again = response.status_code >= 500 or response.status_code == 429
            return LinkError(None, f"the server at {url} refused with {why}", again)
        case InvalidMessage(__cause__=EOFError()):  # a server that is just ending, or a router
            return LinkError(None, f"the server at {url} hung up before it answered", True)
        case InvalidHandshake() | WebSocketException():
            return LinkError(None, f"what answers at {url} is no Surtitle server: {error}", False)
        case ssl.SSLError():
            return LinkError(None, f"no secure connection to {url}: {error}", False)
        case socket.gaierror():
            return LinkError(None, f"there is no host of that name: {url}", True)
    return LinkError(
        None, f"no server answers at {url}: start one with `surtitle serve`, or check it", True
    )
