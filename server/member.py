"""One participant of a room: who it is, what it reads, and what waits to be sent to it."""

import secrets
from collections import deque
from collections.abc import Collection

import msgspec

from streaming.audience import Reader
from streaming.messages import (
    Caption,
    Error,
    Hello,
    Message,
    Participant,
    Roster,
    Stability,
    TokenExpiring,
)
from streaming.outbox import Outbox
from streaming.pace import Pace

from .bell import Bell
from .session import Session
from .tokens import Pass
from .turns import Turns

NEWS_BOUND = 200  # messages other than captions that may wait: a reader that far behind is gone
WARNED_S = 60.0  # before a token ends
REPEATED = 1_000  # captions of a member's own that are remembered
READERS = 20  # of what it asked to read before


class Member:
    """A participant, with or without a microphone, in one connection."""

    def __init__(self, id: str, hello: Hello, turns: Turns) -> None:
        self.id, self.turns = id, turns
        self.key = secrets.token_hex(16)
        self.hello = hello
        self.reader = Reader.of(hello)
        self.hears = [] if hello.hears is msgspec.UNSET else list(hello.hears)
        self.session: Session | None = None
        self.newer: Member | None = None  # once it has come back
        self.pace: Pace | None = None
        self.muted = False
        self.pass_: Pass | None = None  # its token, where the server asks for one
        self.warned = False
        self.was: dict[Reader, int] = {}  # what it read before, and up to which `seq`
        self.repeated: deque[Caption] = deque(maxlen=REPEATED)  # what was sent to it alone
        self.news: deque[Message] = deque()  # what is not a caption, and goes first
        self.outbox = Outbox()
        self.wake = Bell()
        self.expelled: Error | None = None

    def again(self, hello: Hello, seq: int) -> "Member":
        """The same participant in another connection, having seen all up to `seq`."""
        member = Member(self.id, self.hello, self.turns)
        member.key, member.hears, member.muted = self.key, self.hears, self.muted
        member.session, member.pace = self.session, self.pace
        member.was, member.repeated = self.was, self.repeated
        member.greet(hello, seq)
        self.session, self.newer = None, member  # the old connection hears no more
        return member

    @property
    def newest(self) -> "Member":
        """The same participant in the connection it has now, or had last."""
        found = self
        while found.newer is not None:
            found = found.newer
        return found

    def greet(self, hello: Hello, seq: int) -> bool:
        """Take a later `hello`, given when all up to `seq` was read; whether it reads anew."""
        reader = Reader.of(hello)
        changed = reader != self.reader
        if changed:
            self.was.pop(self.reader, None)
            self.was[self.reader] = seq
            if len(self.was) > READERS:
                del self.was[next(iter(self.was))]
        self.hello, self.reader = hello, reader
        return changed

    def remembers(self, seq: int) -> bool:
        """All that was sent to it alone after `seq` is still known."""
        return len(self.repeated) < REPEATED or self.repeated[0].seq <= seq

    def carry(self, token: Pass | None) -> None:
        """It has this token from now on."""
        self.pass_, self.warned = token, False

    def tick(self, wall: float) -> None:
        """Notice that the token ends soon, or has ended. `wall`: by the clock it ends by."""
        if self.pass_ is None:
            return
        left = self.pass_.expires - wall
        if left <= 0:
            self.expel(Error.of(4401, "the token has expired: ask for a new one"))
        elif left <= WARNED_S and not self.warned:
            self.warned = True
            self.tell(TokenExpiring(max(0, round(1_000 * left))))

    def hang_up(self) -> None:
        """No more will be heard of it."""
        if self.session is not None:
            self.session.end()
            self.session = None

    def tell(self, message: Message) -> None:
        """Queue anything but a caption. A newer roster replaces one that waits."""
        if isinstance(message, Roster):
            self.news = deque(held for held in self.news if not isinstance(held, Roster))
        self.news.append(message)
        self._check()

    def next(self) -> Message | None:
        """What is sent next; None if nothing waits."""
        return self.news.popleft() if self.news else self.outbox.take()

    def send(self, caption: Caption) -> None:
        """Queue a caption for this reader."""
        self.outbox.put(caption)
        self._check()

    def replay(self, captions: Collection[Caption]) -> None:
        """Queue what was missed: however much it is, it does not make a slow reader."""
        self.outbox.bound += len(captions)
        for caption in captions:
            self.send(caption)

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
        self.turns.wake(self.wake)
