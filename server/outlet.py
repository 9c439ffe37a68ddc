"""What is written to one peer: at once while it takes it, and not for long when it does not."""

import asyncio
import logging
from collections.abc import Callable

from streaming.messages import Error, Message

from .member import Member

log = logging.getLogger(__name__)

SEND_S = 4.0  # real seconds that one message may take to leave: beyond, nobody is reading
UNHEEDED = 32_768  # bytes that may wait in the connection itself, on their way to the peer
LOOKS_S = 0.02  # real seconds between two looks whether they have left
FAILED = "the server failed; join again"
PING = bytes((0x89, 0))  # RFC 6455, section 5.5.2


class Outlet:
    """One connection's. `encoded`: a message as a WebSocket frame."""

    def __init__(self, transport: asyncio.Transport, encoded: Callable[[Message], bytes]) -> None:
        self.transport, self.encoded = transport, encoded

    def flush(self, member: Member) -> bool:
        """Write what waits for a member as far as the peer takes it; False: there is more to do."""
        if member.expelled is not None or self.transport.is_closing():
            return False
        try:
            while self.transport.get_write_buffer_size() < UNHEEDED:
                message = member.next()
                if message is None:
                    return True
                self.transport.write(self.encoded(message))
        except Exception:  # a bug of ours, but not of whoever publishes: it costs this connection
            log.exception("writing to %s failed", member.id)
            member.expel(Error.of(4500, FAILED))
        return False

    async def send(self, message: Message) -> None:
        """Write a message, and wait until the peer takes more. TimeoutError: it takes nothing.
        ConnectionResetError: it is gone."""
        if self.transport.is_closing():
            raise ConnectionResetError("the peer is gone")
        self.transport.write(self.encoded(message))
        left = SEND_S
        while self.transport.get_write_buffer_size() >= UNHEEDED:
            if left <= 0:
                raise TimeoutError(f"it took nothing for {SEND_S:g} s")
            await asyncio.sleep(LOOKS_S)
            left -= LOOKS_S

    def ping(self) -> None:
        """Ask the peer whether it is there."""
        if not self.transport.is_closing():
            self.transport.write(PING)
