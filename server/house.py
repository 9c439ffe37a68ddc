"""All rooms of one server: opened by whoever comes first, closed when nobody has been there."""

import asyncio
import logging

from streaming.glossary import Glossary
from streaming.messages import Error, State

from .config import Config
from .engines import Engines
from .member import Member
from .metrics import Metrics
from .room import Room

log = logging.getLogger(__name__)

TICK_S = 0.1
ROSTER_TICKS = 5  # half a second
EMPTY_S = 300.0  # an empty room is kept so long for those who come back


class House:
    """Finds or opens rooms, and keeps time for them."""

    def __init__(self, config: Config, metrics: Metrics, glossary: Glossary) -> None:
        self.config, self.metrics, self.glossary = config, metrics, glossary
        self.rooms: dict[str, Room] = {}
        self.draining = False
        self.engines: Engines | None = None
        metrics.watch("rooms", "Open rooms", lambda: len(self.rooms))
        metrics.watch("speakers", "Microphones", lambda: len(self._sessions()))
        metrics.watch("readers", "Connections", lambda: len(self.members()))
        metrics.watch("waiting_captions", "Captions not sent yet", self._waiting)
        metrics.watch("waiting_segments", "Segments no recognizer has seen", self._unheard)
        metrics.watch("skipped_hops", "Updates replaced by newer ones unread", self._skipped)

    def room(self, name: str) -> Room:
        """The room called `name`, opened if need be."""
        assert self.engines is not None, "the engines are started before the doors open"
        if name not in self.rooms:
            self.rooms[name] = Room(name, self.engines, self.metrics, self.glossary)
            log.info("room %s opened", self.rooms[name].epoch)
        return self.rooms[name]

    def members(self) -> list[Member]:
        """Everybody, in all rooms."""
        return [member for room in self.rooms.values() for member in room.members.values()]

    def translation_changed(self, pair: tuple[str, str], reason: str) -> None:
        """A pair of languages broke, or works again."""
        for room in self.rooms.values():
            room.translation_changed(*pair, reason)

    async def keep_time(self) -> None:
        """Tick until cancelled."""
        ticks = 0
        while True:
            assert self.engines is not None
            await self.engines.clock.sleep(TICK_S)
            ticks += 1
            for room in list(self.rooms.values()):
                room.tick()
                if ticks % ROSTER_TICKS == 0:
                    room.tell_roster()
                if room.empty_s > EMPTY_S:
                    del self.rooms[room.name]
                    log.info("room %s closed", room.epoch)

    async def drain(self, within_s: float) -> None:
        """Stop: let nobody in, finish what is being said, close every connection."""
        self.draining = True
        for member in self.members():
            member.tell(State("room", "draining", "the server is stopping"))
        closing = [asyncio.ensure_future(room.close()) for room in self.rooms.values()]
        if closing:
            _, unfinished = await asyncio.wait(closing, timeout=within_s)
            for task in unfinished:
                task.cancel()
        for member in self.members():
            member.expel(Error.of(4503, "the server is stopping", retry_after_ms=1_000))

    def _sessions(self) -> list[object]:
        return [session for room in self.rooms.values() for session in room.sessions.values()]

    def _waiting(self) -> float:
        return sum(len(member.outbox) for member in self.members())

    def _unheard(self) -> float:
        rooms = self.rooms.values()
        return sum(len(session.segments) for room in rooms for session in room.sessions.values())

    def _skipped(self) -> float:
        rooms = self.rooms.values()
        return sum(s.segments.skipped for room in rooms for s in room.sessions.values())
