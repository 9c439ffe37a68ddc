"""One connection to a room: a hello, a welcome, then messages in and audio out.

A link ends in one of three ways: the server closes it in order (iteration ends), something breaks
(LinkError, which says whether trying again is worth it), or its block is left. It never reconnects:
whoever wants that opens another one, with the `resume` of this one's welcome in its hello.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self
from urllib.parse import quote, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    WebSocketException,
)
from websockets.typing import Subprotocol

from streaming.messages import (
    SUBPROTOCOL,
    End,
    Error,
    FromClient,
    Gap,
    Hello,
    Mute,
    Ping,
    ServerMessage,
    Welcome,
    WireError,
    decode_server,
    encode,
)
from streaming.values import AudioFrame

from .console import Problem

OPENING = 10  # seconds a server may take to answer
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


class Link:
    """`async with Link(url, room, hello) as link:`, then iterate over it for the messages.

    Keep iterating while audio is sent: what goes wrong is told there, and only there; what is
    sent on a closed connection goes nowhere. `tap` sees every text frame as it was received.
    """

    welcome: Welcome
    """Who this is in the room, and which translations there are; there once inside the block."""

    def __init__(
        self, url: str, room: str, hello: Hello, tap: Callable[[str], None] | None = None
    ) -> None:
        self.url = url
        self.room = room
        self.hello = hello
        self._address = address(url, room)
        self._tap = tap or (lambda frame: None)
        self._socket: ClientConnection

    async def __aenter__(self) -> Self:
        self._socket = await self._connect()
        try:
            await self._send(self.hello)
            self.welcome = await self._welcomed()
        except BaseException:
            await self._socket.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave at once: the iteration ends. Leaving the block does the same."""
        await self._socket.close()

    async def closed(self) -> None:
        """Wait until the connection has ended, whoever ended it; somebody has to iterate."""
        await self._socket.wait_closed()

    def __aiter__(self) -> AsyncIterator[ServerMessage]:
        return self._messages()

    async def send_audio(self, audio: bytes) -> None:
        """One binary frame: whole samples of PCM at the rate in the hello, or one Opus packet."""
        await self._put(audio)

    async def speak(self, frames: AsyncIterable[AudioFrame]) -> None:
        """All of these frames, each as it comes, then the end."""
        async for frame in frames:
            await self.send_audio(frame.pcm)
        await self.end()

    @asynccontextmanager
    async def speaking(self, frames: AsyncIterable[AudioFrame]) -> AsyncIterator[None]:
        """Speak in the background for as long as the block lasts; its errors end the block."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.speak(frames))
            yield
            task.cancel()

    async def gap(self, start: int, end: int) -> None:
        """The audio of these positions will never come."""
        await self._send(Gap(start, end))

    async def mute(self, on: bool) -> None:
        """Whether the speaker wants not to be heard."""
        await self._send(Mute(on))

    async def end(self) -> None:
        """No more audio: the last finals come, then `drained`, then the iteration ends."""
        await self._send(End())

    async def ping(self, t: float) -> None:
        """Asks for a `Pong` with the same `t`."""
        await self._send(Ping(t))

    async def change(self, hello: Hello) -> None:
        """Say hello anew: other languages, another dial. `hears` and `audio` stay as they were."""
        self.hello = hello
        await self._send(hello)

    async def _connect(self) -> ClientConnection:
        try:
            return await connect(
                self._address,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                proxy=None if loopback(self._address) else True,
                open_timeout=OPENING,
                close_timeout=CLOSING,
            )
        except (OSError, WebSocketException) as error:
            raise refusal(self.url, error) from error

    async def _welcomed(self) -> Welcome:
        if self._socket.subprotocol != SUBPROTOCOL:
            raise LinkError(None, f"what answers at {self.url} is no Surtitle server", False)
        first = await self._receive()
        if not isinstance(first, Welcome):
            raise LinkError(None, f"the server at {self.url} did not welcome us", False)
        return first

    async def _messages(self) -> AsyncIterator[ServerMessage]:
        while (message := await self._receive()) is not None:
            yield message

    async def _receive(self) -> ServerMessage | None:
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

    async def _send(self, message: FromClient) -> None:
        await self._put(encode(message).decode())

    async def _put(self, frame: str | bytes) -> None:
        with suppress(ConnectionClosed):  # the one who reads is told why
            await self._socket.send(frame)


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
        case InvalidHandshake() | WebSocketException():
            return LinkError(None, f"what answers at {url} is no Surtitle server: {error}", False)
        case ssl.SSLError():
            return LinkError(None, f"no secure connection to {url}: {error}", False)
        case socket.gaierror():
            return LinkError(None, f"there is no host of that name: {url}", True)
    return LinkError(
        None, f"no server answers at {url}: start one with `surtitle serve`, or check it", True
    )
