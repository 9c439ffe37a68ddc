"""A WebSocket for crowds: RFC 6455 as a client, no extensions, no I/O, and little work per frame.

`clients.link` is what people join with. Here a thousand connections share one loop, and whatever
it spends on a frame is time in which other frames wait to be timed.
"""

import base64
import os
import re
from collections.abc import Mapping
from urllib.parse import quote

from clients.console import Problem
from clients.plain import clean

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA  # RFC 6455, 5.2
FIN = 0x80
MASK = b"\0\0\0\0"  # clients must mask (RFC 6455, 5.3); this one leaves the bytes as they are
LONGEST_WHY = 300  # characters of what a server says of its refusal
HEADERS_AT_MOST = 16_384  # bytes of an answer to the handshake


class Refused(Problem):
    """What answers there does not go along with this connection."""


def frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame, whole."""
    size = len(payload)
    if size < 126:
        length = bytes((0x80 | size,))
    elif size < 1 << 16:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes((FIN | opcode,)) + length + MASK + payload


def request(host: str, path: str, subprotocol: str | None, headers: Mapping[str, str]) -> bytes:
    """The opening of a connection (RFC 6455, 4.1)."""
    lines = [
        f"GET {quote(path, safe='/?&=%-_.~:')} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        *([f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []),
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class Incoming:
    """What a server sends: `push` bytes as they come, take whole messages.

    After a push, `answers` are frames to send back (pongs, the echo of a close); who sends them
    empties it.
    """

    def __init__(self, subprotocol: str | None = None) -> None:
        self.subprotocol = subprotocol
        self.open = False
        """The handshake is over."""
        self.closed: tuple[int, str] | None = None
        """Code and reason of the server's goodbye."""
        self.answers: list[bytes] = []
        self._held = b""
        self._parts = b""

    def push(self, data: bytes) -> list[bytes]:
        """The payloads of the messages that are whole now. Refused if it is no WebSocket."""
        held = self._held + data if self._held else data
        if not self.open:
            held = self._shaken(held)
            if not self.open:
                return []
        found: list[bytes] = []
        at, size = 0, len(held)
        while size - at >= 2:
            first, length = held[at], held[at + 1]
            body = at + 2
            if length > 125:
                extra = 2 if length == 126 else 8
                body += extra
                if size < body:
                    break
                length = int.from_bytes(held[body - extra : body], "big")
            end = body + length
            if size < end:
                break
            if first == FIN | TEXT:  # nearly all of them
                found.append(held[body:end])
            else:
                self._rare(first, held[body:end], found)
            at = end
        self._held = held[at:] if at else held
        return found

    def _rare(self, first: int, payload: bytes, found: list[bytes]) -> None:
        opcode = first & 0x0F
        if opcode == PING:
            self.answers.append(frame(PONG, payload))
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self.closed = code, payload[2:].decode(errors="replace")
            self.answers.append(frame(CLOSE, payload[:2]))
        elif opcode in (TEXT, BINARY, CONTINUATION):
            self._parts += payload
            if first & FIN:
                found.append(self._parts)
                self._parts = b""

    def _shaken(self, held: bytes) -> bytes:
        """What follows the answer to the handshake; nothing while that is not whole."""
        head, end, rest = held.partition(b"\r\n\r\n")
        if not end:
            if len(held) > HEADERS_AT_MOST or not b"HTTP/1.1 "[: len(held)] == held[:9]:
                raise Refused("what answers there is no WebSocket server")
            self._held = held
            return b""
        status, _, fields = head.decode("latin-1").partition("\r\n")
        if status.split(" ")[1:2] != ["101"]:
            said = rest.decode(errors="replace").split("\n")[0].strip()[:200]
            why = status.partition(" ")[2] + (f": {said}" if said else "")
            raise Refused(f"the server refused with {clean(why[:LONGEST_WHY])}")
        spoken = re.search(r"(?im)^sec-websocket-protocol:[ \t]*(\S+)", fields)
        if self.subprotocol and (spoken is None or spoken[1] != self.subprotocol):
            raise Refused(f"what answers there does not speak {self.subprotocol}")
        self.open, self._held = True, b""
        return rest
