"""What is read from one peer: audio at once, everything else by whoever waits for it.

aiohttp keeps what has come in a queue and wakes the task that reads it, which takes longer than all
that is done with a frame of sound. So sound that nothing waits in front of skips both. The queue is
no public part of aiohttp: where it is another one some day, sound is read like the rest, and a test
says so.
"""

from collections.abc import Callable

from aiohttp import WSMessage, WSMsgType, web, web_ws

try:
    from aiohttp._websocket.reader import WebSocketDataQueue
except ImportError:

    class WebSocketDataQueue:  # type: ignore[no-redef]
        """Nobody makes one."""


class Inlet(WebSocketDataQueue):
    """One connection's queue. `take` gets the sound as it comes. What it raises is `failed`, and
    whoever reads gets a message of type ERROR."""

    take: Callable[[bytes], None] | None = None
    failed: Exception | None = None

    def feed_data(self, data: WSMessage, size: int) -> None:  # type: ignore[override]
        """Something has come."""
        if self.take is None or data.type is not WSMsgType.BINARY or self._buffer:
            super().feed_data(data, size)
            return
        try:
            self.take(data.data)
        except Exception as error:  # for who reads: the parser, whose turn this is, would drop it
            self.take, self.failed = None, error
            super().feed_data(WSMessage(WSMsgType.ERROR, error, None), 0)


web_ws.WebSocketDataQueue = Inlet  # type: ignore[attr-defined]


def inlet(socket: web.WebSocketResponse) -> Inlet | None:
    """The queue of a socket that is open; None where aiohttp has another one."""
    found = getattr(socket, "_reader", None)
    return found if isinstance(found, Inlet) else None
