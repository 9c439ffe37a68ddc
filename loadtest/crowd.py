"""Many people in one loop, so light that a slow figure is the server's: sockets, no event loop.

Every frame has a due time that depends on no answer, so a server that stalls is charged for all it
delays (no coordinated omission). What arrives is timed at once and understood when there is nothing
else to do. The loop watches itself: how late frames leave, how long it was away from its sockets.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Sequence
from random import Random

from clients.console import Problem
from streaming.messages import Welcome

from .connection import Address, Link
from .dialects import DIALECTS
from .listening import Listening
from .load import Load, Seat
from .tally import Tally
from .verdict import Bars
from .websocket import Refused
from .witness import Room, Voice, Witness

AT_ONCE = 50  # connections that are being opened
OPENING_S = 15.0  # without any of them getting in
IDLE_S = 0.0005  # before the next frame is due: time enough to understand a message
LOOK_S = 0.005  # between two looks at the sockets, however much is to be sent
REJOIN_S = 0.25  # until one who was thrown out by a fault tries again
ENDING_S = 15.0  # for the last finals
SEND, REJOIN, BREAK = range(3)


class Crowd:
    """`join`, then `run`, then `end`; all block. `tick` is called about once a second."""

    def __init__(
        self,
        url: str,
        load: Load,
        seats: Sequence[Seat],
        frames: Sequence[bytes],
        protocol: str = "surtitle",
        bars: Bars | None = None,
    ) -> None:
        self.load, self.frames, self.bars = load, frames, bars or Bars()
        self.protocol = DIALECTS[protocol]
        self.at = Address.of(url)
        self.tally = Tally()
        self.links: list[Link] = [
            Link(seat, load, self.protocol, n, self.at) for n, seat in enumerate(seats)
        ]
        self.start = 0.0
        self.window = (0.0, 0.0)
        self.sent = 0
        self.lost: list[str] = []
        """Why connections ended that should not have."""
        self._rooms: dict[tuple[str, str], Room] = {}
        self._calls = None
        if load.transport == "webrtc":
            from .calls import Calls  # aiortc, which nobody else needs

            self._calls = Calls(url)
        self._listening = Listening(self.tally, self._let_in, self._lose, self._over)
        self._heap: list[tuple[float, int, int]] = []
        self._tick: Callable[[float], None] = lambda now: None
        self._ticks = 0.0

    # Coming in

    def join(self) -> None:
        """Open all connections and wait until everybody was let in. Problem: why not."""
        try:
            self._join()
        except BaseException:
            self._leave()
            raise

    def _join(self) -> None:
        unopened = deque(self.links)
        opening = 0
        heard = time.monotonic()
        joined = 0
        while joined < len(self.links):
            while unopened and opening < AT_ONCE:
                self._open(unopened.popleft())
                opening += 1
            self._listening.receive(0.05)
            for link in self.links:
                if link.gone:
                    raise Problem(f"{link.seat.name} was not let in by {self.at.url}: {link.gone}")
            now_in = sum(link.joined for link in self.links)
            if now_in > joined:
                opening, joined, heard = opening - (now_in - joined), now_in, time.monotonic()
            elif time.monotonic() - heard > OPENING_S:
                raise Problem(
                    f"the server at {self.at.url} let in {joined} of {len(self.links)} people and"
                    f" then nobody for {OPENING_S:g} s"
                )
        if self._calls is not None:
            self._calls.ready()

    def _open(self, link: Link) -> None:
        try:
            link.open()
        except Refused as refused:
            self._lose(link, str(refused))
            return
        self._listening.watch(link)

    def _let_in(self, link: Link, welcome: Welcome | None = None) -> None:
        link.joined, link.since = True, time.monotonic()
        participant = welcome.participant if welcome is not None else link.seat.name
        link.place = (welcome.epoch if welcome is not None else ""), participant
        before = link.before
        if before is not None:
            self.tally.counts["rejoined"] += 1
        if before is not None and welcome is not None and before.place == link.place:
            self._resume(link, before, welcome)
            return
        room = self._rooms.setdefault((link.seat.room, link.place[0]), Room())
        link.witness = Witness(room, self.tally, self.window, self.bars)
        if link.seat.hears:
            link.voice = Voice(0.0, self.load.frame, self.load.speed)
            room.voices[participant] = link.voice
        if self._calls is not None and link.voice is not None and welcome is not None:
            self._calls.dial(link.order, link.seat.room, welcome.key)
        if before is not None:
            self._begin_anew(link, before, welcome)

    def _resume(self, link: Link, before: Link, welcome: Welcome) -> None:
        """The same person goes on; what the server has not heard is said again."""
        self.tally.counts["resumed"] += 1
        self.tally.counts["gaps"] += welcome.gap
        link.witness, link.voice = before.witness, before.voice
        if link.voice is not None:
            link.voice.rewind(welcome.audio_at or 0)
            heapq.heappush(self._heap, (link.voice.next, SEND, link.order))

    def _begin_anew(self, link: Link, before: Link, welcome: Welcome | None) -> None:
        """Somebody new goes on, at the place in the speech where the other one would be now."""
        if before.witness is not None:
            before.witness.close()
        if link.voice is None:
            return
        base = link.since
        if welcome is not None and welcome.audio_at is None and before.voice is not None:
            base = before.voice.base
            link.voice.frames = int((link.since - base) / link.voice.period)
            for frame in link.dialect.gap(link.voice.frames * self.load.frame):
                self._send(link, frame)
        self._speak_from(link, base)

    def _speak_from(self, link: Link, base: float) -> None:
        assert link.voice is not None
        link.voice.base = base
        heapq.heappush(self._heap, (link.voice.next, SEND, link.order))

    # Speaking

    def run(self, start: float, tick: Callable[[float], None] | None = None) -> None:
        """Everybody speaks from `start` on, as the load says; returns after the last frame."""
        self.start, self._tick, self._ticks = start, tick or self._tick, start + 1
        begin, end = self.load.counted
        self.window = self._listening.window = start + begin, start + end
        for link in self.links:
            if link.witness is not None:
                link.witness.window = self.window
            if link.voice is not None:
                self._speak_from(link, start + link.seat.begins)
        for fault in self.load.faults:
            if fault.kind == "loss":
                heapq.heappush(self._heap, (start + fault.at, BREAK, 0))
        until = start + self.load.lasts
        while (due := self._due(until)) < until:
            now = self._until(due)
            if self._heap and self._heap[0][0] <= now:
                due, what, order = self._heap[0]
                if what == SEND:
                    self._speak(self.links[order], due, now)
                else:
                    heapq.heappop(self._heap)
                    self._disturb(what, order)
        self._until(until)

    def _due(self, until: float) -> float:
        """When there is something to do next; while nobody is there, whether somebody came back."""
        if self._heap:
            return self._heap[0][0]
        return min(until, time.monotonic() + REJOIN_S)

    def _speak(self, link: Link, due: float, now: float) -> None:
        voice = link.voice
        if voice is None or link.gone:
            heapq.heappop(self._heap)
            return
        place = int(link.seat.first * len(self.frames)) + voice.frames
        position = voice.frames * self.load.frame
        voice.send(now)
        heapq.heapreplace(self._heap, (voice.next, SEND, link.order))
        said = self.frames[place % len(self.frames)]
        if self._calls is not None:
            self._calls.say(link.order, position, said)
        else:
            self._send(link, said)
        self.sent += 1
        if self.window[0] <= due < self.window[1] and due >= link.since:
            self.tally["tester.late"].add(1000 * (now - due))

    def _until(self, due: float) -> float:
        """Take in what comes, and understand it, until it is time; returns the time."""
        while (now := time.monotonic()) < due:
            if now >= self._ticks:
                self._ticks += 1
                self._tick(now)
            elif self._listening.waiting and due - now > IDLE_S:
                if not self._listening.receive(0.0):
                    self._listening.understand_one()
            else:
                self._listening.receive(min(due, self._ticks) - now)
        if now - self._listening.looked > LOOK_S:
            self._listening.receive(0.0)
        return now

    def _send(self, link: Link, data: bytes) -> None:
        try:
            link.send(data)
        except Refused as refused:
            self._lose(link, str(refused))

    # Going

    def _over(self, link: Link) -> None:
        """The server closed the connection, in order or not."""
        self._listening.understand_all_of(link)
        closed = link.incoming.closed
        if link.ended and (link.drained or (closed is not None and closed[0] in (1000, 1005))):
            link.drained = True
            self._shut(link)
            return
        said = "the connection broke" if closed is None else closed[1] or f"code {closed[0]}"
        self._lose(link, link.gone or said)

    def _lose(self, link: Link, why: str) -> None:
        """This connection is gone, and should not be."""
        if link.closed:
            return
        link.gone = why
        self._shut(link)
        if not self.start or link.ended:  # whoever had ended counts as not drained
            return
        if self.load.faults and time.monotonic() < self.start + self.load.lasts:
            heapq.heappush(self._heap, (time.monotonic() + REJOIN_S, REJOIN, link.order))
        else:
            self.lost.append(why)

    def _shut(self, link: Link) -> None:
        self._listening.unwatch(link)
        link.socket.close()

    def _disturb(self, what: int, order: int) -> None:
        """Do what a fault asks for."""
        if what == REJOIN:
            tried = self.links[order]
            before = tried if tried.witness is not None else tried.before
            after = self.links[order] = Link(tried.seat, self.load, self.protocol, order, self.at)
            after.before = before
            if before is not None and (tried.joined or not tried.refused):
                after.dialect.resume(before.dialect)
            self._open(after)
            return
        here = [link for link in self.links if link.joined and not link.gone]
        for link in Random(len(here)).sample(here, max(1, len(here) // 10)) if here else []:
            self.tally.counts["broken"] += 1
            self._lose(link, "broken on purpose")

    def end(self, within: float = ENDING_S) -> None:
        """No more audio: the speakers get their last finals, then the readers leave."""
        if self._calls is not None:
            self._calls.flush()
        for spoke in (True, False):
            part = [link for link in self.links if bool(link.seat.hears) is spoke and not link.gone]
            for link in part:
                link.ended = True
                for frame in link.dialect.ending():
                    self._send(link, frame)
            until = time.monotonic() + within
            while time.monotonic() < until:
                while self._listening.waiting:
                    self._listening.understand_one()
                if all(link.drained or link.gone for link in part):
                    break
                for link in part:
                    if link.unsent:
                        self._send(link, b"")
                self._listening.receive(0.05)
        counts = self.tally.counts
        while self._listening.waiting:
            self._listening.understand_one()
        for link in self.links:
            counts["undrained"] += not link.drained
            held = link if link.witness is not None else link.before
            if held is not None and held.witness is not None:
                held.witness.close()
        self._leave()

    def _leave(self) -> None:
        for link in self.links:
            self._shut(link)
        self._listening.close()
        if self._calls is not None:
            self._calls.close()

    @property
    def backlog(self) -> int:
        """Messages that came and are not understood yet."""
        return len(self._listening.waiting)
