"""All rooms of one server: opened by whoever comes first, closed when nobody has been there."""

import asyncio
import logging
import time
from functools import partial

from streaming.glossary import Glossary
from streaming.messages import Error, Hello, Level, State

from .admission import Admission
from .carrying import Conversation, Load, loads
from .config import Config
from .encoded import Encoded
from .engines import Engines
from .journal import Journal
from .member import Member
from .metrics import Carried, Metrics
from .room import Room
from .tokens import Gate

log = logging.getLogger(__name__)

TICK_S = 0.2
ROSTER_TICKS = 3  # a little more than half a second
AT_ONCE = 20  # rooms: a fraction of a millisecond
EMPTY_S = 300.0  # an empty room is kept so long for those who come back


class House:
    """Finds or opens rooms, and keeps time for them."""

    def __init__(self, config: Config, metrics: Metrics, glossary: Glossary) -> None:
        self.config, self.metrics, self.glossary = config, metrics, glossary
        self.rooms: dict[str, Room] = {}
        self.encoded = Encoded()
        self.draining = False
        self.engines: Engines | None = None
        self.journal: Journal | None = None
        self.admission = Admission(config.limits)
        self.gate = Gate(config.secret, steady=time.monotonic) if config.secret else None
        self.admission.on_refused = metrics.turned_away
        metrics.registry.register(Carried(self.loads, self.admission.most))
        metrics.watch("rooms", "Open rooms", lambda: len(self.rooms))
        metrics.watch("speakers", "Microphones", lambda: len(self._sessions()))
        metrics.watch("readers", "Connections", lambda: len(self.members()))
        metrics.watch("waiting_captions", "Captions not sent yet", self._waiting)
        metrics.watch("waiting_segments", "Segments no recognizer has seen", self._unheard)
        levels: tuple[Level, ...] = "degraded", "down"
        for level in levels:
            what = f"Directions of translation that are {level}"
            metrics.watch(f"directions_{level}", what, partial(self._directions, level))
        metrics.watch("recognitions_down", "Microphones that cannot be heard", self._deaf)
        metrics.watch("skipped_hops", "Updates replaced by newer ones unread", self._skipped)

    def room(self, name: str) -> Room:
        """The room called `name`, opened if need be."""
        if name not in self.rooms:
            room = self._made(name)
            if self.journal is not None:
                self.journal.opened(name, room.epoch)
                self.journal.reached(room.epoch, 0)
            log.info("room %s opened", room.epoch)
        return self.rooms[name]

    def keep(self, journal: Journal) -> None:
        """Go on with the rooms of a journal, and keep what is said from now on."""
        self.journal = journal
        journal.on_lost = self._recording_lost
        for kept in journal.rooms():
            self._made(kept.name).restore(kept)
            journal.reached(kept.epoch, kept.seq)
            log.info("room %s opened again", kept.epoch)

    def admit(self, name: str, hello: Hello) -> None:
        """One more wants to go into this room. Refused: not now, unless he only comes back."""
        room = self.rooms.get(name)
        if room is not None and hello.resume is not None and room.people.knows(hello.resume):
            return
        self.admission.check(
            len(self.rooms),
            len(self._sessions()),
            len(self.members()),
            opens=room is None,
            speaks=bool(hello.hears),
        )
        if hello.hears:
            before = Conversation() if room is None else room.asked()
            after = Conversation([*before.heard, hello.hears], {*before.read, *hello.reads})
            self.admission.carry(self.loads(before, after))

    def loads(
        self, before: Conversation | None = None, after: Conversation | None = None
    ) -> list[Load]:
        """What models carry now; with `after`, what would come to it if a room changed so."""
        if self.engines is None:
            return []
        return loads(self.engines, (room.asked() for room in self.rooms.values()), before, after)

    @property
    def speaking(self) -> bool:
        """Somebody speaks, in some room."""
        return any(one.speaking for room in self.rooms.values() for one in room.sessions.values())

    def members(self) -> list[Member]:
        """Everybody, in all rooms."""
        return [member for room in self.rooms.values() for member in room.members.values()]

    def translation_changed(self, pair: tuple[str, str], level: Level, reason: str) -> None:
        """A pair of languages broke, is done by a lesser engine, or works again."""
        self.metrics.changes.labels("translation", level).inc()
        for room in self.rooms.values():
            room.translation_changed(pair, level, reason)

    async def keep_time(self) -> None:
        """Tick until cancelled."""
        ticks = 0
        while True:
            assert self.engines is not None
            await self.engines.clock.sleep(TICK_S)
            ticks += 1
            await self.tick(roster=ticks % ROSTER_TICKS == 0)

    async def tick(self, roster: bool) -> None:
        """Let every room notice the time, and close those where nobody has been for long. Between
        some and the next the loop sees to other work."""
        for number, room in enumerate(list(self.rooms.values()), 1):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            room.tick()
            if roster:
                room.tell_roster()
            if room.empty_s > EMPTY_S:
                del self.rooms[room.name]
                self.metrics.rooms.closed(room.epoch)
                if self.journal is not None:
                    self.journal.closed(room.epoch)
                log.info("room %s closed", room.epoch)

    async def drain(self, within_s: float) -> bool:
        """Stop: let nobody in, finish what is being said, close every connection.

        Whether everything could be finished.
        """
        self.draining = True
        for member in self.members():
            member.tell(State("room", "draining", "the server is stopping"))
        unfinished: set[asyncio.Future[None]] = set()
        closing = [asyncio.ensure_future(room.close()) for room in self.rooms.values()]
        if closing:
            _, unfinished = await asyncio.wait(closing, timeout=within_s)
            for task in unfinished:
                task.cancel()
        for member in self.members():
            member.expel(Error.of(4503, "the server is stopping", retry_after_ms=1_000))
        return not unfinished

    def _made(self, name: str) -> Room:
        assert self.engines is not None, "the engines are started before the doors open"
        room = Room(name, self.engines, self.metrics, self.glossary, self.journal)
        if self.gate is not None:
            room.wall = self.gate.steady
        self.rooms[name] = room
        return room

    def _recording_lost(self) -> None:
        for room in self.rooms.values():
            room.recording_lost()

    def _sessions(self) -> list[object]:
        return [session for room in self.rooms.values() for session in room.sessions.values()]

    def _directions(self, level: Level) -> float:
        known = self.engines.translation.directions.values() if self.engines is not None else ()
        return sum(one.state[0] == level for one in known)

    def _deaf(self) -> float:
        rooms = self.rooms.values()
        return sum(one.recognition.down for room in rooms for one in room.sessions.values())

    def _waiting(self) -> float:
        return sum(len(member.outbox) for member in self.members())

    def _unheard(self) -> float:
        rooms = self.rooms.values()
        return sum(len(session.segments) for room in rooms for session in room.sessions.values())

    def _skipped(self) -> float:
        rooms = self.rooms.values()
        here = sum(s.segments.skipped for room in rooms for s in room.sessions.values())
        return self.metrics.skipped + here
