"""One wearer in a room: hears, speaks, reads, and none of it waits for another."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress

from clients.backoff import Backoff
from clients.latency import AGE_EVERY_MS, Captured
from clients.link import Link, LinkError
from clients.microphone import Microphone
from clients.tui.sound import Voice
from streaming.messages import Ack, Caption, ServerMessage
from streaming.values import SAMPLE_RATE, AudioFrame

from .display import Display
from .fallback import Fallback
from .reader import Reader

LAST_LOOK = 10.0  # seconds the last words may take to be shown when all is over
CATCHING_UP = 2.0  # times the pace of speech: as a link resends


class Wearing:
    """`run` ends when the conversation does; LinkError: no trying again is of use.

    `link` makes a link that is not open yet. `ends`: what we say is all there is, as of a file.
    `fallback` captions what we say while the server is away; then the sound is heard from the
    beginning, whether or not there is a server yet.
    """

    def __init__(
        self,
        link: Callable[[], Link],
        reader: Reader,
        display: Display,
        voice: Voice | None = None,
        ends: bool = False,
        say: Callable[[str], None] = lambda sentence: None,
        clock: Callable[[], float] = time.monotonic,
        fallback: Fallback | None = None,
    ) -> None:
        self._link = link
        self.reader = reader
        self.display = display
        self.voice = voice
        self.ends = ends
        self.say = say
        self.clock = clock
        self.fallback = fallback
        self._linked: Link | None = None
        """Since the first connection."""
        self._microphone: Microphone | None = None
        self._tasks = asyncio.TaskGroup()

    async def run(self) -> None:
        """Connect, however long it takes, and stay."""
        self.reader.begin(self.clock())
        async with self._tasks as group:
            beside = [group.create_task(self.display.run()), group.create_task(self._sampled())]
            if self.fallback is not None:
                beside += [group.create_task(one) for one in self._falling_back(self.fallback)]
            async with self._connected() as link:
                if self.voice is not None:
                    beside.append(group.create_task(self._speak(link, self.voice)))
                self._push(link.welcome)
                async for message in link:
                    self._push(message)
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_LOOK):
                    await self.display.all_shown()
            for task in beside:
                task.cancel()

    def mute(self) -> None:
        """Stop speaking, or go on: the other of what it is."""
        if self.voice is None:
            return
        self.reader.status.muted = on = not self.reader.status.muted
        if self._microphone is not None:
            self._tasks.create_task(self._microphone.mute(on))
        self.display.wake()

    @property
    def captured(self) -> Captured | None:
        """When each position of our own sound was captured."""
        return self.voice.captured if self.voice else None

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Link]:
        """Glasses are switched on before their server is reached, so the first try is not all."""
        backoff, said = Backoff(), False
        while True:
            try:
                async with self._link() as link:
                    self._linked = link
                    yield link
                return
            except LinkError as error:
                if not error.retry or self._linked is not None:
                    raise
                if not said:
                    self.say(f"{error}; trying again")
                said = True
                await asyncio.sleep(backoff.next(at_least=(error.retry_after_ms or 0) / 1000))

    def _push(self, message: ServerMessage) -> None:
        now = self.clock()
        shown = self.reader.push(message, now)
        if isinstance(message, Ack) and self._microphone is not None:
            self._microphone.arrived(message.samples)
        for change in shown:
            if change.caption is not None and change.caption.speaker in self.reader.me:
                self._judge(change.caption, now)
        self.display.wake()

    def _judge(self, caption: Caption, now: float) -> None:
        """How late our own words are we know for sure."""
        if self.captured is not None and not caption.replay:
            self.reader.late(now - self.captured(caption.heard), now)

    async def _speak(self, link: Link, voice: Voice) -> None:
        self._microphone = Microphone(link)
        if self.reader.status.muted:
            await self._microphone.mute(True)
        heard = voice.frames
        if self.fallback is not None:
            heard = _caught_up(self.fallback.heard.since(0), self.clock)
        await self._microphone.speak(heard)
        if self.ends:
            await link.end()

    def _falling_back(self, fallback: Fallback) -> Iterator[Coroutine[None, None, None]]:
        """What has to run for it."""
        began = self.clock()

        def absent() -> float:
            link = self._linked
            return link.absent if link is not None else self.clock() - began

        def back() -> bool:
            return self._linked is not None and self._linked.connected

        fallback.absent, fallback.back = absent, back
        yield fallback.run()
        if self.voice is not None:
            yield self._hear(fallback, self.voice)

    async def _hear(self, fallback: Fallback, voice: Voice) -> None:
        async for frame in voice.frames:
            if not self.reader.status.muted:
                fallback.heard.push(frame)
        fallback.heard.end()

    async def _sampled(self) -> None:
        while True:
            await asyncio.sleep(AGE_EVERY_MS / 1000)
            self.display.figures.sample()


async def _caught_up(
    frames: AsyncIterable[AudioFrame], clock: Callable[[], float]
) -> AsyncIterator[AudioFrame]:
    """Those that were heard before there was a server follow at twice the pace of speech."""
    due = clock()
    async for frame in frames:
        await asyncio.sleep(due - clock())
        due = max(due, clock()) + (frame.end - frame.start) / SAMPLE_RATE / CATCHING_UP
        yield frame
