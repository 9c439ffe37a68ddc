"""One connection of a crowd: its socket, plain or secure, and what is known of who sits there.

Nothing here waits. Whoever has many of these polls their sockets and calls what fits.
"""

import errno
import select
import socket
import ssl
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from clients.console import Problem

from .dialects import Dialect
from .load import Load, Seat
from .websocket import Incoming, Refused, request
from .witness import Voice, Witness

ROOM_TO_SEND = 1 << 22  # bytes: a server that stalls for seconds does not stall its speakers
UNSENT_AT_MOST = 1 << 20  # bytes that a server does not take: half a minute of PCM
AT_ONCE = 1 << 18  # bytes


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is."""

    url: str
    """As it was said."""
    name: str
    port: int
    netloc: str
    path: str
    tls: ssl.SSLContext | None

    @classmethod
    def of(cls, url: str) -> Self:
        """http, https, ws or wss://host:port. Problem: it is none of these."""
        at = urlsplit(url if "://" in url else f"http://{url}")
        if at.scheme not in ("http", "ws", "https", "wss") or not at.hostname:
            raise Problem(f"{url!r} is no address to put a load on: write http://HOST:PORT")
        tls = ssl.create_default_context() if at.scheme in ("https", "wss") else None
        port = at.port or (443 if tls else 80)
        return cls(url, at.hostname, port, at.netloc, at.path.rstrip("/"), tls)


class Link:
    """`open` it, `connect` until it is, then `send` and `receive`."""

    def __init__(
        self, seat: Seat, load: Load, dialect: type[Dialect], order: int, at: Address
    ) -> None:
        self.seat, self.order, self.at = seat, order, at
        self.dialect = dialect(seat, load)
        self.incoming = Incoming(dialect.subprotocol)
        self.socket = socket.socket()
        self.connecting = True
        self.unsent = b""
        self.voice: Voice | None = None
        self.witness: Witness | None = None
        self.joined = self.ended = self.drained = False
        self.since = 0.0
        """The second at which it was let in."""
        self.place = "", ""
        """Epoch and participant: who it is."""
        self.before: Link | None = None
        """The connection that it is to go on from."""
        self.refused = False
        """The server has said why not."""
        self.gone = ""
        """Why the connection ended, if it did before it was drained."""

    def open(self) -> None:
        """Begin to connect. Refused, if it is known at once that nobody answers."""
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM_TO_SEND)
        try:
            began = self.socket.connect_ex((self.at.name, self.at.port))
        except socket.gaierror:
            raise Problem(f"there is no host of that name: {self.at.url}") from None
        if began not in (0, errno.EINPROGRESS):
            raise Refused(f"no server answers at {self.at.url}")

    def connect(self) -> int:
        """Go on, when the poll says so; returns what to poll for. Refused: why it cannot."""
        if self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise Refused(f"no server answers at {self.at.url}")
        if self.at.tls is not None:
            try:
                self._secure(self.at.tls).do_handshake()
            except ssl.SSLWantReadError:
                return select.EPOLLIN
            except ssl.SSLWantWriteError:
                return select.EPOLLOUT
            except OSError as error:
                raise Refused(f"no secure connection to {self.at.url}: {error}") from error
        self.connecting = False
        path = self.at.path + self.dialect.path()
        dialect = self.dialect
        self.send(request(self.at.netloc, path, dialect.subprotocol, dialect.headers()))
        return select.EPOLLIN

    def _secure(self, tls: ssl.SSLContext) -> ssl.SSLSocket:
        if not isinstance(self.socket, ssl.SSLSocket):
            self.socket = tls.wrap_socket(
                self.socket, do_handshake_on_connect=False, server_hostname=self.at.name
            )
        return self.socket

    def send(self, data: bytes = b"") -> None:
        """Send this, after what could not be sent before. Refused: the server takes nothing."""
        if self.unsent:
            data, self.unsent = self.unsent + data, b""
        try:
            taken = self.socket.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError):
            taken = 0
        except OSError:
            return  # whoever reads is told why
        if taken < len(data):
            self.unsent = data[taken:]
            if len(self.unsent) > UNSENT_AT_MOST:
                raise Refused("the server no longer reads")

    def receive(self) -> bytes | None:
        """What has come; None if nothing has, nothing if the connection is over."""
        try:
            data = self.socket.recv(AT_ONCE)
            while isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
                data += self.socket.recv(AT_ONCE)  # of this the poll would not tell
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except OSError:
            return b""
        return data

    @property
    def closed(self) -> bool:
        """Its socket is."""
        return self.socket.fileno() < 0
