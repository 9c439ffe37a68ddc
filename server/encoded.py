"""Messages as they go over the wire: what goes to a thousand readers is encoded once."""

from streaming.messages import Message, encode

KEPT = 64  # messages: more than are on their way at once to the readers of one room


class Encoded:
    """Knows the last messages by identity: they are frozen, and held for as long as known."""

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = kept
        self.last: dict[int, tuple[Message, bytes]] = {}

    def __call__(self, message: Message) -> bytes:
        """The message as JSON in UTF-8."""
        known = self.last.get(id(message))
        if known is not None:
            return known[1]
        data = encode(message)
        self.last[id(message)] = message, data
        if len(self.last) > self.kept:
            del self.last[next(iter(self.last))]
        return data
