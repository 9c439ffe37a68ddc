"""Who speaks by WebRTC: each participant has one call, and a newer one takes its place.

A call that takes another's place (the participant walked into another network; aiortc has no ICE
restart) is silent until its first packet; only then is the older one hung up, so nothing is lost
that either of them brings. Time in which neither spoke is a gap.
"""

import asyncio
import logging
import secrets
from array import array
from collections import Counter
from collections.abc import MutableMapping, Sequence
from functools import partial
from weakref import WeakKeyDictionary

from aiortc import RTCIceServer

from server.clock import Clock
from server.intake import AudioError, OpusPackets
from server.member import Member
from server.metrics import Metrics
from server.session import Session
from streaming.jitter import Frame
from streaming.messages import Error, WebRtc
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE

from .offer import Reach, Refused, checked
from .peer import Peer

log = logging.getLogger(__name__)

MOST = 60  # calls of one process: what aiortc carries on a core
BEGUN = 4  # of one participant, that have not brought a packet yet
CONNECTS_S = 15.0  # from the answer to the first packet
LOOKS_S = 0.5  # between two looks at whether the participant is still there
HOLE = SAMPLE_RATE // 100  # samples that two clocks may differ by before it is a gap
CONCEALED = SAMPLE_RATE * 60 // 1000  # samples of a hole that are made up: three packets
BROKEN = 50  # packets that are no Opus: a second of them
PACKETS = {
    "came": "RTP packets of calls that arrived",
    "heard": "of them, those that were heard",
    "lost": "RTP packets that never came, or not in time",
    "late": "RTP packets that came when they had been given up",
    "doubled": "RTP packets that came twice",
    "dropped": "RTP packets beyond what a microphone sends",
}


class Call:
    """One WebRTC connection of one participant, and where its audio goes."""

    def __init__(
        self, member: Member, clock: Clock, metrics: Metrics, heard: MutableMapping[Session, float]
    ) -> None:
        """`heard`: when the newest packet of each microphone came, by whichever call."""
        self._member, self.clock, self.metrics, self._heard = member, clock, metrics, heard
        self.token = secrets.token_urlsafe(16)
        """What its resource is called, unguessably."""
        self.begun, self.over = asyncio.Event(), asyncio.Event()
        self.peer: Peer | None = None
        self._intake = OpusPackets()
        self._first = self._next = 0  # positions, the first frame's and the next one's
        self._last = b""  # what was heard last
        self._broken = 0

    @property
    def member(self) -> Member:
        """Who calls, by the connection that he has now: calls outlast those."""
        return self._member.newest

    @property
    def session(self) -> Session | None:
        """Where the audio goes; None once he has left, or speaks another way."""
        session = self.member.session
        heard = session is not None and not session.ended
        return session if heard and isinstance(self.member.hello.audio, WebRtc) else None

    def hear(self, frame: Frame) -> None:
        """Take a frame of the stream, at its position in it."""
        session = self.session
        if session is None or self.over.is_set():
            self.over.set()
            return
        now = self.clock.now()
        if not self.begun.is_set():
            self.begun.set()
            silent = now - self._heard.get(session, now)
            self._first = session.position + round(silent * SAMPLE_RATE) - frame.start
            self._next = session.position
        self._heard[session] = now
        start = self._first + frame.start
        if start > self._next + HOLE:
            self._bridge(session, start)
        try:
            pcm = self._intake.push(frame.payload)
        except AudioError:
            self._broken += 1
            if self._broken > BROKEN:
                self.over.set()
            return
        self._last = pcm
        self._speak(pcm)

    def _bridge(self, session: Session, start: int) -> None:
        """Go on at `start`: what a few packets lack is made up, for a gap would stop the detector
        in the midst of a word; longer, it is one."""
        missing = start - self._next
        if missing <= CONCEALED + HOLE and self._last and not self.member.muted:
            session.push(dying_away(self._last, missing))
        else:
            session.push(self._intake.flush())
            session.skip(max(start, session.position))
        self._next = session.position

    def _speak(self, pcm: bytes) -> None:
        session, pace = self.member.session, self.member.pace
        assert session is not None and pace is not None
        samples = len(pcm) // BYTES_PER_SAMPLE
        self._next += samples
        self.metrics.audio.seconds += samples / SAMPLE_RATE
        if not pace.push(samples, self.clock.now()):
            why = "audio came faster than it is spoken, 30 s ahead and more"
            self.member.expel(Error.of(4429, why))
            self.over.set()
        elif self.member.muted:
            session.skip(session.position + samples)
        else:
            session.push(pcm)


class Calls:
    """All calls of one server."""

    def __init__(
        self,
        clock: Clock,
        metrics: Metrics,
        reach: Reach,
        addresses: Sequence[str],
        servers: Sequence[RTCIceServer] = (),
    ) -> None:
        """`addresses`: this machine's, for media sockets; [] = all but loopback. `servers`: STUN
        and TURN."""
        self.clock, self.metrics = clock, metrics
        self._reach, self._addresses, self._servers = reach, tuple(addresses), tuple(servers)
        self._calls: dict[str, Call] = {}  # by token
        self._speaks: dict[Session, Call] = {}  # whose packets came last
        self._heard = WeakKeyDictionary[Session, float]()
        self._tasks: set[asyncio.Task[None]] = set()
        self._counted = Counter[str]()  # of calls that are over
        metrics.watch("calls", "WebRTC connections", lambda: len(self._calls))
        for name, what in PACKETS.items():
            metrics.watch(f"call_packets_{name}", what, partial(self._count, name))

    async def answer(self, member: Member, offer: bytes) -> tuple[str, str]:
        """The answer to a participant's offer, and the token by which to hang up. Refused."""
        if len(self._calls) >= MOST:
            raise Refused(503, f"{MOST} calls are all this server takes: use pcm16 or opus")
        text = checked(offer, self._reach)
        self._replace(member)
        call = Call(member, self.clock, self.metrics, self._heard)
        call.peer = Peer(call.hear, self._addresses, self._servers)
        self._calls[call.token] = call
        try:
            answer = await call.peer.answer(text)
        except BaseException:
            await self._end(call)
            raise
        task = asyncio.create_task(self._watch(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return answer, call.token

    def _replace(self, member: Member) -> None:
        """Calls of his that have not brought anything give way. Refused: he calls and calls."""
        his = [call for call in self._calls.values() if call.member is member.newest]
        begun = [call for call in his if not call.begun.is_set()]
        if len(begun) >= BEGUN:
            raise Refused(429, "this participant has calls that are still being made: wait")
        for call in begun:
            call.over.set()

    def hang_up(self, token: str) -> bool:
        """End a call; False if there is none called so."""
        call = self._calls.get(token)
        if call is None:
            return False
        call.over.set()
        return True

    async def close(self) -> None:
        """End all calls."""
        for call in self._calls.values():
            call.over.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _count(self, name: str) -> int:
        """Packets of all calls that there were."""
        now = (call.peer.ordered.counts()[name] for call in self._calls.values() if call.peer)
        return self._counted[name] + sum(now)

    async def _watch(self, call: Call) -> None:
        """Until it is over: hung up, failed, replaced, or its participant gone."""
        assert call.peer is not None
        gone = asyncio.create_task(call.peer.gone.wait())
        over = asyncio.create_task(call.over.wait())
        try:
            await self._first_packet(call, gone, over)
            while not (gone.done() or over.done() or call.session is None):
                await asyncio.wait((gone, over), timeout=LOOKS_S, return_when="FIRST_COMPLETED")
        finally:
            gone.cancel()
            over.cancel()
            await self._end(call)

    async def _first_packet(self, call: Call, *ends: asyncio.Task[bool]) -> None:
        begun = asyncio.create_task(call.begun.wait())
        await asyncio.wait((begun, *ends), timeout=CONNECTS_S, return_when="FIRST_COMPLETED")
        begun.cancel()
        if not call.begun.is_set():
            log.info("a call of %s never brought a packet", call.member.id)
            call.over.set()
        elif (session := call.session) is not None:
            older, self._speaks[session] = self._speaks.get(session), call
            if older is not None:
                older.over.set()

    async def _end(self, call: Call) -> None:
        call.over.set()
        if self._calls.pop(call.token, None) is not None and call.peer is not None:
            self._counted.update(call.peer.ordered.counts())
        self._speaks = {where: one for where, one in self._speaks.items() if one is not call}
        if call.peer is not None:
            await call.peer.close()


def dying_away(pcm: bytes, count: int) -> bytes:
    """So many samples more of it, again and again and ever quieter: the simplest concealment."""
    heard = array("h", pcm)
    fading = (
        heard[n % len(heard)] * (CONCEALED - n) // CONCEALED if n < CONCEALED else 0
        for n in range(count)
    )
    return array("h", fading).tobytes()
