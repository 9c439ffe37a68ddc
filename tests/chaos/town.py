"""Twenty rooms of one server, and what happens to them.

In every room somebody speaks and reads, whose link breaks but who stays; a guest, who is a process,
reads, and in some rooms speaks, and is killed and comes again. All of them reach the server by a
relay of their own.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from server.journal import Journal
from streaming.messages import Caption
from tests.chaos.oracle import Seen, Verdict, judged
from tests.chaos.person import Person
from tests.chaos.plan import Blow
from tests.chaos.processes import House, Running, started
from tests.chaos.sentences import MOST, sentences, words
from tests.faults.relay import Relay, relay

TALKATIVE = 4  # in every so many rooms the guest speaks, too
SAID, HEARD = "sentences said by those who stayed", "of those, captioned whole"
AGAIN = "of those, in two lines, as their sound came again"
TOLD, DEAF = "cut off with a server, and told as a gap", "unheard while readers were told so"
LOST = "lost, and nobody was told"
OURS = MOST // 2  # sentences before this one are said by those who stay, the others by guests
GRANTED = 60  # sentences of a guest before he is killed
REST_S = 60.0  # for everybody to come back and read what was said
CALM_S = 5.0
KEPT_S = 1e6
AGO_S = 40.0  # a server that is killed takes with it what it had heard and not said


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it all."""

    blows: Mapping[str, int]
    verdict: Verdict
    sentences: Mapping[str, int]
    """By what became of them."""
    unruly: int
    """Servers that were asked to stop and did not, or not in order."""
    troubles: Sequence[str]
    """What else went wrong, in words."""

    @property
    def good(self) -> bool:
        """Nothing was lost that was promised."""
        return self.verdict.good and not (self.unruly or self.troubles)


@dataclass
class Guest:
    """Somebody who is killed and comes again, each time as somebody new."""

    room: str
    relay: Relay
    speaks: bool
    running: Running | None = None
    files: int = 0

    def notes(self, folder: Path, number: int) -> Path:
        """What he noted, the how-manieth time he came."""
        return folder / f"{self.room}-guest-{number}.notes"


class Town:
    """All rooms; `suffers` once."""

    def __init__(self, folder: Path, rooms: int) -> None:
        self.folder = folder
        self.rooms = [f"room-{n}" for n in range(rooms)]
        self.house = House(folder)
        self.hosts: dict[str, Person] = {}
        self.guests: list[Guest] = []
        self.relays: list[Relay] = []
        self.numbers = iter(range(OURS))
        self.theirs = iter(range(OURS, MOST - GRANTED, GRANTED))
        self.counts: Counter[str] = Counter()
        self.unruly = 0
        self.troubles: list[str] = []
        self.serving, self.translating = asyncio.Lock(), asyncio.Lock()  # a blow at a time
        self.mending: set[asyncio.Task[None]] = set()

    async def suffers(self, blows: Sequence[Blow], seconds: float) -> Outcome:
        """Live through all blows, come to rest, and be judged."""
        async with self._living() as living:
            begun = time.monotonic()
            for blow in blows:
                await asyncio.sleep(begun + blow.at - time.monotonic())
                self._befall(blow)
            await asyncio.sleep(max(0.0, begun + seconds - time.monotonic()))
            while self.mending:
                await asyncio.wait(self.mending)
            await self._rest()
            for room, task in zip(self.rooms, living, strict=True):
                if task.done():
                    self.troubles.append(f"the link of {room} was given up: {task.exception()!r}")
                await self.hosts[room].link.close()
            await asyncio.gather(*living, return_exceptions=True)
            assert self.house.running is not None
            self._ended(await self.house.running.stop())
        return self._judged()

    @asynccontextmanager
    async def _living(self) -> AsyncIterator[list[asyncio.Task[None]]]:
        """Everybody, from the first to the last moment; nothing is left behind."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._end)
            await self.house.translate()
            await asyncio.sleep(2)
            await self.house.open()
            tasks = []
            for n, room in enumerate(self.rooms):
                ours, theirs = [
                    await stack.enter_async_context(relay(self.house.port)) for _ in range(2)
                ]
                self.relays += ours, theirs
                file = stack.enter_context((self.folder / f"{room}-host.notes").open("w"))
                host = Person(ours.url, room, ["en", "es"], file, self.numbers)
                self.hosts[room] = host
                tasks.append(asyncio.create_task(host.live()))
                guest = Guest(room, theirs, speaks=n % TALKATIVE == 0)
                self.guests.append(guest)
                await self._invite(guest)
            yield tasks

    async def _end(self) -> None:
        for guest in self.guests:
            if guest.running is not None:
                await guest.running.kill()
        if self.house.running is not None:
            await self.house.running.kill()
        await self.house.close()

    async def _invite(self, guest: Guest) -> None:
        guest.files += 1
        said: list[str] = []
        if guest.speaks and (first := next(self.theirs, None)) is not None:
            said = [str(first), str(first + GRANTED)]
        guest.running = await started(
            "tests.chaos.guest",
            *(guest.relay.url, guest.room, str(guest.notes(self.folder, guest.files)), *said),
            log=self.folder / "guests.log",
        )

    # What happens

    def _befall(self, blow: Blow) -> None:
        """Begin it, and do not wait until it is over."""
        task = asyncio.create_task(self._suffer(blow))
        self.mending.add(task)
        task.add_done_callback(self._mended)

    def _mended(self, task: asyncio.Task[None]) -> None:
        self.mending.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.troubles.append(repr(task.exception())[:300])

    async def _suffer(self, blow: Blow) -> None:
        """One blow, until what it took away is given back."""
        one = int(blow.which * len(self.relays))
        match blow.kind:
            case "kill" | "stop":
                await self._restart(blow)
            case "deaf" | "hang":
                how = signal.SIGKILL if blow.kind == "deaf" else signal.SIGSTOP
                self.counts[blow.kind] += self.house.strike(blow.which, how)
            case "mute":
                await self._silence(blow)
            case "cut":
                self.counts["cut"] += 1
                self.relays[one].cut()
            case "hold":
                await self._hold(self.relays[one], blow.lasts)
            case "leave":
                await self._replace(self.guests[int(blow.which * len(self.guests))], blow.lasts)

    async def _restart(self, blow: Blow) -> None:
        async with self.serving:
            self.counts[blow.kind] += 1
            assert self.house.running is not None
            if blow.kind == "kill":
                await self.house.running.kill()
            else:
                self._ended(await self.house.running.stop())
            await asyncio.sleep(blow.lasts)
            await self.house.open()

    async def _silence(self, blow: Blow) -> None:
        async with self.translating:
            self.counts["mute"] += 1
            assert self.house.translator is not None
            await self.house.translator.kill()
            await asyncio.sleep(blow.lasts)
            await self.house.translate()

    async def _hold(self, held: Relay, seconds: float) -> None:
        if held.flowing.is_set():
            self.counts["hold"] += 1
            held.hold()
            await asyncio.sleep(seconds)
            held.release()

    async def _replace(self, guest: Guest, seconds: float) -> None:
        running, guest.running = guest.running, None
        if running is None:
            return  # it is being replaced
        self.counts["leave"] += 1
        await running.kill()
        await asyncio.sleep(seconds)
        await self._invite(guest)

    def _ended(self, code: int | None) -> None:
        if code != 0:
            self.unruly += 1
            self.troubles.append(f"a server that was asked to stop ended with {code}")

    # What comes of it

    async def _rest(self) -> None:
        """Nobody speaks any more; wait until nothing new has come for a while."""
        for host in self.hosts.values():
            host.quiet.set()
        for guest in self.guests:
            if guest.speaks and guest.running is not None:
                await guest.running.kill()
                guest.running = None
        before: list[tuple[int, bool]] = []
        for _ in range(int(REST_S / CALM_S)):
            await asyncio.sleep(CALM_S)
            now = [(host.seq, host.link.connected) for host in self.hosts.values()]
            if now == before and all(connected for _, connected in now):
                return
            before = now
        self.troubles.append(f"after {REST_S:g} s not everybody had come to rest")

    def _judged(self) -> Outcome:
        journal = Journal(self.house.journal, KEPT_S)
        rooms: dict[str, dict[str, list[Caption]]] = {}
        for kept in journal.rooms():
            rooms.setdefault(kept.name, {})[kept.epoch] = kept.finals
        journal.close()
        seen = []
        for room in self.rooms:
            path = self.folder / f"{room}-host.notes"
            seen.append(Seen.of("the host", ["en", "es"], room, _lines(path), stayed=True))
        for guest in self.guests:
            for n in range(1, guest.files + 1):
                stayed = n == guest.files and guest.running is not None
                read = _lines(guest.notes(self.folder, n))
                seen.append(Seen.of(f"guest {n}", ["es"], guest.room, read, stayed))
        return Outcome(
            dict(self.counts),
            judged(rooms, seen),
            self._heard(rooms),
            self.unruly,
            self.troubles,
        )

    def _heard(self, rooms: Mapping[str, Mapping[str, Sequence[Caption]]]) -> dict[str, int]:
        """What became of the sentences of those who stayed."""
        known = {" ".join(words(number)): number for number in range(MOST)}
        finals = [one for epochs in rooms.values() for kept in epochs.values() for one in kept]
        texts = [one.text for one in finals if one.kind == "transcript"]
        heard = Counter(number for text in texts for number in sentences(text, known))
        found = dict.fromkeys((SAID, HEARD, AGAIN, TOLD, DEAF, LOST), 0)
        for room, host in self.hosts.items():
            for number, (begun, ended) in host.said.items():
                gap, deaf = (
                    any(begun <= moment <= ended + AGO_S for moment in moments)
                    for moments in (host.gaps, host.deaf)
                )
                what = HEARD if number in heard else TOLD if gap else DEAF if deaf else LOST
                found[SAID] += 1
                found[AGAIN] += heard[number] > 1
                found[what] += 1
                if what == LOST:
                    self.troubles.append(f"sentence {number} of {room} is in no line")
        return found


def _lines(path: Path) -> list[str]:
    """What was noted, nothing by those who were killed before they could."""
    return path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
