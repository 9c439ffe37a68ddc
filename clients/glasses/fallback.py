"""A server of one's own on this device, which captions the wearer while the real one is away.

    starting -- it listens -->                             idle
    idle -- the real server has been gone for 2 s -->      standing in
    standing in -- the real one has caught up, and no
                   sentence is open -->                    idle
    any -- it ends, hangs, or breaks a connection -->      starting, later and later

It is a child process (`surtitle serve` on loopback), started with the glasses and kept idle: a cold
start takes seconds, which are what somebody who reads has not. Which side captions which sentence
is decided in `handover.py`; the real link goes on trying, and keeps what it has to resend, without
knowing of any of this.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, suppress

from msgspec.structs import replace

from clients.backoff import Backoff
from clients.child import Ready
from clients.console import Problem, first
from clients.link import Link, LinkError
from clients.words import Troubles, sentence
from streaming import languages
from streaming.messages import Caption, Hello, Pcm16, State
from streaming.values import SAMPLE_RATE

from .heard import Heard
from .reader import Reader

GONE = 2.0  # seconds without the server until this device stands in
EVERY = 0.1  # seconds between two looks at whether it is back
FINISHING = 20.0  # seconds for the sentence that is open when it is: a line is cut after 15
LAST_LINES = 8.0  # seconds for the child's last finals
AGAIN = 1.0, 60.0  # seconds until the child is started again: the first, doubling to the longest
REFUSED = 4400  # the child does not hear these languages

Starts = Callable[[], AbstractAsyncContextManager[Ready]]


class Fallback:
    """`run` it beside everything else; `hear` gives it the sound.

    `start` starts the child; `absent` says for how many seconds the real server has been gone,
    `back` whether it hears what is said now. `say` is told what the wearer should know, `wake` that
    there is something to show.
    """

    def __init__(
        self,
        start: Starts,
        room: str,
        hello: Hello,
        reader: Reader,
        say: Callable[[str], None],
        wake: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start = start
        self.room = room
        self.hello = replace(hello, audio=Pcm16(SAMPLE_RATE), resume=None)
        self.reader = reader
        self.status = reader.status
        self.handover = reader.handover
        self.say = say
        self.wake = wake
        self.clock = clock
        self.heard = Heard()
        self.absent: Callable[[], float] = lambda: 0.0
        self.back: Callable[[], bool] = lambda: True
        self.speaker = ""
        """Who the wearer is in the captions of this device: another each time it stands in."""
        self._times = 0
        self._refused = ""
        """Why the child will not hear us."""
        self._told = ""

    async def run(self) -> None:
        """Keep a child running, and stand in whenever it is needed; until cancelled."""
        backoff = Backoff(*AGAIN)
        while True:
            began = self.clock()
            self.status.instead = ("this device gets ready", "getting ready")
            try:
                await self._kept()
            except* (Problem, OSError) as group:  # such as no memory for another process
                self._failed(str(first(group)))
            backoff.lost(self.clock() - began)
            await asyncio.sleep(backoff.next(at_least=AGAIN[0]))

    async def _kept(self) -> None:
        """One child, until it fails: a Problem, perhaps in a group."""
        async with self._start() as ready:
            self._refused, self.status.instead = "", ()
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_watched(ready))
                    while True:
                        await self._until(lambda: self.absent() >= GONE)
                        await self._help(ready)
            except* (Problem, OSError):
                if ready.child is not None:
                    with suppress(ProcessLookupError):
                        ready.child.process.kill()  # it may not even hear that it is to stop
                raise

    def _failed(self, why: str) -> None:
        self.status.instead = ("this device fails, tries again", "local fails, retrying", "no help")
        if why != self._told:
            self._told = why
            self.say(f"this device cannot stand in for the server: {why}; trying again")

    async def _help(self, ready: Ready) -> None:
        """Until the server is back."""
        unable = self._unable(ready)
        if not unable:
            try:
                await self._stand_in(ready)
            except LinkError as error:
                if error.code != REFUSED:
                    raise
                self._refused = error.message
                unable = self._unable(ready)
        if unable:
            self.status.instead = unable
            if unable[0] != self._told:
                self._told = unable[0]
                self.say(unable[0])
        await self._until(self.back)
        self.status.connected()
        self.status.instead = ()

    def _unable(self, ready: Ready) -> Sequence[str]:
        """Why it can be of no help, the longest sentence first; nothing if it can."""
        hears, reads = list(self.hello.hears or []), self.hello.reads
        kept = "the last 30 s are kept for the server"
        if self._refused:
            return (
                f"nothing here hears {_names(hears)}: {kept} ({self._refused})",
                f"nothing here hears {_names(hears)}, 30 s kept",
                f"cannot hear {','.join(hears)}, 30 s kept",
                "cannot hear",
            )
        if not reads or engine(ready, hears, reads):
            return ()
        short = f"{','.join(hears)}-{','.join(reads)}"
        return (
            f"nothing here translates {_names(hears)} into {_names(reads)}: {kept}",
            f"no {short} here, 30 s kept",
            f"no {short}",
        )

    async def _stand_in(self, ready: Ready) -> None:
        self._times += 1
        self.speaker = f"this device {self._times}"
        who = engine(ready, list(self.hello.hears or []), self.hello.reads) or "this device"
        troubles = Troubles()
        try:
            async with Link(ready.url, self.room, self.hello, patience=0) as link:
                since = max(self._gone(), self.heard.oldest)
                self.status.instead = (f"{who} here", "local")
                self._told = ""
                self.say(f"no server: {who} on this device stands in")
                async with asyncio.TaskGroup() as group:
                    feeding = group.create_task(self._feed(link, since))
                    ending = group.create_task(self._ending(link, feeding))
                    async for message in link:
                        if isinstance(message, Caption):
                            self._caption(message)
                        elif isinstance(message, State) and troubles.push(message):
                            self._trouble(message)
                    feeding.cancel()
                    ending.cancel()
        finally:
            self.reader.stood_in(self.clock())
            self.wake()
        if self.back():
            self.say("the server is back")

    def _gone(self) -> int:
        """The display says so, whether or not the link has noticed; where to hear from."""
        self.status.lost(self.clock() - self.absent())
        return self.handover.lost()

    async def _feed(self, link: Link, position: int) -> None:
        """All that was heard since, and what is heard now."""
        told = 0
        async for frame in self.heard.since(position):
            if frame.start > told:
                await link.gap(told, frame.start)
            await link.send_audio(frame.pcm)
            told = frame.end
        await link.end()

    async def _ending(self, link: Link, feeding: "asyncio.Task[None]") -> None:
        """Wait for the server and for the end of what is being said, and leave."""
        while True:
            await self._until(self.back)
            self.handover.back()
            self.status.connected()
            self.status.catching_up = True
            self.wake()
            try:
                async with asyncio.timeout(FINISHING):
                    await self._until(lambda: self.handover.rested or not self.back())
            except TimeoutError:
                pass
            finally:
                self.status.catching_up = False
            if self.back():
                break
            self._gone()
        feeding.cancel()
        await link.end()
        await asyncio.sleep(LAST_LINES)
        await link.close()

    def _caption(self, caption: Caption) -> None:
        """One of the child's, as one of ours. A reader is not helped by words he cannot read: of
        those the server has a translation when it is back."""
        if caption.degraded == "untranslated" and self.hello.reads:
            return
        if caption.kind == "translation":
            self.status.instead = (f"{caption.engine} here", "local")
        ours = replace(caption, speaker=self.speaker, degraded="fallback")
        self.reader.stand_in(ours, self.clock())
        self.wake()

    def _trouble(self, state: State) -> None:
        """Of the child's engines."""
        self.say(f"this device: {sentence(state)}")
        if state.level == "down":
            self.status.instead = (f"{state.scope} fails here", "no help")

    async def _until(self, true: Callable[[], bool]) -> None:
        while not true():
            await asyncio.sleep(EVERY)


async def _watched(ready: Ready) -> None:
    """Until the child ends, which is a Problem."""
    if ready.child is None:
        return
    raise await ready.child.failed("it ended")


def engine(ready: Ready, hears: Iterable[str], reads: Iterable[str]) -> str:
    """Who translates some of that there; "" if nobody does.

    Who reads what is spoken needs no translation: "this device".
    """
    known = {(source, target): name for source, target, name in ready.pairs}
    for heard in hears:
        for read in reads:
            source, target = languages.base(heard), languages.base(read)
            if source == target:
                return "this device"
            if (source, target) in known:
                return known[source, target]
    return ""


def _names(codes: Iterable[str]) -> str:
    return " or ".join(languages.name(code) for code in codes)
