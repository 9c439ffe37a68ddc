"""What comes from many sockets: timed at once, understood when there is nothing else to do."""

import select
import time
from collections import deque
from collections.abc import Callable

from streaming.messages import Caption, Error, State, Welcome

from .connection import Link
from .tally import Tally
from .websocket import Refused


class Listening:
    """Watch a link, and `receive`; then `understand_one` after the other.

    `let_in` is called with a link that the server lets in, and its welcome if there is one; `lose`
    with one that is gone and should not be, and why; `over` with one that the server closed.
    """

    def __init__(
        self,
        tally: Tally,
        let_in: Callable[[Link, Welcome | None], None],
        lose: Callable[[Link, str], None],
        over: Callable[[Link], None],
    ) -> None:
        self.tally, self.let_in, self.lose, self.over = tally, let_in, lose, over
        self.window = (0.0, 0.0)
        """The seconds between which what comes counts."""
        self.looked = 0.0
        """When the sockets were last looked at."""
        self.waiting: deque[tuple[Link, float, bytes]] = deque()
        self._poll = select.epoll()
        self._by_fd: dict[int, Link] = {}

    def watch(self, link: Link) -> None:
        """A connection that is being opened."""
        self._by_fd[link.socket.fileno()] = link
        self._poll.register(link.socket.fileno(), select.EPOLLOUT)

    def unwatch(self, link: Link) -> None:
        """Its socket is about to be closed."""
        if self._by_fd.pop(link.socket.fileno(), None) is not None:
            self._poll.unregister(link.socket.fileno())

    def close(self) -> None:
        """Nothing is watched any more."""
        self._poll.close()

    def receive(self, wait: float) -> bool:
        """Take in what is there, or comes within `wait` seconds; whether anything did."""
        # epoll waits whole milliseconds; select, which waits microseconds, waits for epoll.
        if not select.select([self._poll], [], [], max(0.0, wait))[0]:
            self.looked = time.monotonic()
            return False
        now = time.monotonic()
        for fd, _ in self._poll.poll(0):
            link = self._by_fd.get(fd)
            if link is None:  # lost a moment ago
                continue
            try:
                if link.connecting:
                    self._poll.modify(fd, link.connect())
                else:
                    self._take(link, now)
            except Refused as refused:
                self.lose(link, str(refused))
        self.looked = time.monotonic()
        if self.window[0] <= now < self.window[1]:
            self.tally["tester.away"].add(1000 * (self.looked - now))
        return True

    def understand_one(self) -> None:
        """The oldest message that nobody has looked into."""
        self._understand(*self.waiting.popleft())

    def understand_all_of(self, link: Link) -> None:
        """Everything that came from this one."""
        for other, now, message in [it for it in self.waiting if it[0] is link]:
            self._understand(other, now, message)
        self.waiting = deque(it for it in self.waiting if it[0] is not link)

    def _take(self, link: Link, now: float) -> None:
        """What has come from one. Refused: it is not what was asked for."""
        data = link.receive()
        if data is None:
            return
        if not data:
            self.over(link)
            return
        self._weigh(link, "bytes", len(data), now)
        opened = link.incoming.open
        messages = link.incoming.push(data)
        if not opened and link.incoming.open:
            for frame in link.dialect.opening():
                link.send(frame)
            if not link.dialect.welcomes:
                self.let_in(link, None)
        for answer in link.incoming.answers:
            link.send(answer)
        link.incoming.answers.clear()
        if link.joined and not link.ended:
            self.waiting.extend((link, now, message) for message in messages)
        else:
            for message in messages:
                self._understand(link, now, message)
        if link.incoming.closed:
            self.over(link)

    def _weigh(self, link: Link, what: str, size: int, now: float) -> None:
        """Count bytes of the time that counts, apart for those who speak and those who read."""
        if self.window[0] <= now < self.window[1]:
            self.tally.counts[f"{'speaker' if link.seat.hears else 'reader'}_{what}"] += size

    def _understand(self, link: Link, now: float, message: bytes) -> None:
        for heard in link.dialect.hear(message):
            if isinstance(heard, Caption):
                if link.witness is not None:
                    link.witness.push(heard, now)
                self._weigh(link, "caption_bytes", len(message), now)
            elif isinstance(heard, Welcome):
                self.let_in(link, heard)
            elif isinstance(heard, Error):
                link.gone, link.refused = link.gone or heard.message, True
            elif isinstance(heard, State):
                link.drained = link.drained or heard.level == "drained"
