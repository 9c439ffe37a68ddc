"""One participant of a room: who it is, what it reads, and what waits to be sent to it."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable

import msgspec

from streaming.audience import Reader, wants
from streaming.captions import Posted
from streaming.messages import (
    Caption,
    Error,
    Hello,
    Message,
    Participant,
    Roster,
    Stability,
    State,
)
from streaming.outbox import Outbox

from .session import Session

NEWS_BOUND = 200  # messages other than captions that may wait: a reader that far behind is gone


class Member:
    """A participant, with or without a microphone."""

    def __init__(self, id: str, hello: Hello) -> None:
        self.id = id
        self.key = secrets.token_hex(16)
        self.hello = hello
        self.reader = Reader.of(hello)
        self.hears = [] if hello.hears is msgspec.UNSET else list(hello.hears)
        self.session: Session | None = None
        self.muted = False
        self.news: deque[Message] = deque()  # what is not a caption, and goes first
        self.outbox = Outbox()
        self.wake = asyncio.Event()
        self.expelled: Error | None = None

    def greet(self, hello: Hello) -> None:
        """Take a later `hello`."""
        self.hello, self.reader = hello, Reader.of(hello)

    def tell(self, message: Message) -> None:
        """Queue anything but a caption. A newer roster replaces one that waits."""
        if isinstance(message, Roster):
            self.news = deque(held for held in self.news if not isinstance(held, Roster))
        self.news.append(message)
        self._check()

    def show(self, posted: Posted, works: Callable[[str, str], bool]) -> bool:
        """Queue what this reader gets of an update; False if that is nothing."""
        caption = posted.traced if self.reader.trace else posted.plain
        return self.send(wants(self.reader, caption, works))

    def send(self, caption: Caption | None) -> bool:
        """Queue a caption for this reader; False if there is none."""
        if caption is None:
            return False
        self.outbox.put(caption)
        self._check()
        return True

    def expel(self, error: Error) -> None:
        """Close the connection with this error; the first one counts."""
        if self.expelled is None:
            self.expelled = error
        self.wake.set()

    @property
    def stability(self) -> Stability:
        return self.reader.stability

    @property
    def profile(self) -> Participant:
        """This participant's line of the roster."""
        speaking = self.session is not None and self.session.speaking
        hello = self.hello
        return Participant(self.id, hello.name, self.hears, list(hello.reads), speaking, self.muted)

    def _check(self) -> None:
        if self.outbox.full or len(self.news) > NEWS_BOUND:
            self.expel(Error.of(4408, "too slow: more captions wait than may"))
        self.wake.set()


def unavailable(source: str, target: str, reason: str) -> State:
    """Nothing translates `source` for those who read `target`."""
    return State("translation", "down", f"{source} to {target}: {reason}", language=target)
