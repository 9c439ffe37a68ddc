"""Messages as they go over the wire: what goes to a thousand readers is encoded once."""

from streaming.messages import Message, encode

KEPT = 64  # messages: more than are on their way at once to the readers of one room
TEXT = 0x81  # a whole message, of text (RFC 6455, section 5.2)


class Encoded:
    """Knows the last messages by identity: they are frozen, and held for as long as known."""

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = kept
        self.last: dict[int, tuple[Message, bytes]] = {}

    def __call__(self, message: Message) -> bytes:
        """The message as a WebSocket frame of JSON in UTF-8."""
        known = self.last.get(id(message))
        if known is not None:
            return known[1]
        data = frame(encode(message))
        self.last[id(message)] = message, data
        if len(self.last) > self.kept:
            del self.last[next(iter(self.last))]
        return data


def frame(text: bytes) -> bytes:
    """Text as a server sends it: in one frame, unmasked (RFC 6455, section 5.1)."""
    size = len(text)
    if size < 126:
        return bytes((TEXT, size)) + text
    if size < 65_536:
        return bytes((TEXT, 126)) + size.to_bytes(2, "big") + text
    return bytes((TEXT, 127)) + size.to_bytes(8, "big") + text
