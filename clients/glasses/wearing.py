"""One wearer in a room: hears, speaks, reads, and none of it waits for another."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from clients.backoff import Backoff
from clients.latency import AGE_EVERY_MS, Captured
from clients.link import Link, LinkError
from clients.microphone import Microphone
from clients.tui.sound import Voice
from streaming.messages import Ack, Caption, ServerMessage

from .display import Display
from .reader import Reader

LAST_LOOK = 10.0  # seconds the last words may take to be shown when all is over


class Wearing:
    """`run` ends when the conversation does; LinkError: no trying again is of use.

    `link` makes a link that is not open yet. `ends`: what we say is all there is, as of a file.
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
    ) -> None:
        self._link = link
        self.reader = reader
        self.display = display
        self.voice = voice
        self.ends = ends
        self.say = say
        self.clock = clock
        self._microphone: Microphone | None = None
        self._tasks = asyncio.TaskGroup()

    async def run(self) -> None:
        """Connect, however long it takes, and stay."""
        self.reader.begin(self.clock())
        async with self._tasks as group:
            beside = [group.create_task(self.display.run()), group.create_task(self._sampled())]
            async with self._connected() as link:
                beside.append(group.create_task(self._speak(link)))
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
        if self._microphone is None:
            return
        self.reader.status.muted = on = not self._microphone.muted
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
                    yield link
                return
            except LinkError as error:
                if not error.retry or self._microphone is not None:
                    raise
                if not said:
                    self.say(f"{error}; trying again")
                said = True
                await asyncio.sleep(backoff.next(at_least=(error.retry_after_ms or 0) / 1000))

    def _push(self, message: ServerMessage) -> None:
        now = self.clock()
        self.reader.push(message, now)
        if isinstance(message, Ack) and self._microphone is not None:
            self._microphone.arrived(message.samples)
        if isinstance(message, Caption) and message.speaker in self.reader.me:
            self._judge(message, now)
        self.display.wake()

    def _judge(self, caption: Caption, now: float) -> None:
        """How late our own words are we know for sure."""
        if self.captured is not None and not caption.replay:
            self.reader.late(now - self.captured(caption.heard), now)

    async def _speak(self, link: Link) -> None:
        if self.voice is None:
            return
        self._microphone = Microphone(link)
        await self._microphone.speak(self.voice.frames)
        if self.ends:
            await link.end()

    async def _sampled(self) -> None:
        while True:
            await asyncio.sleep(AGE_EVERY_MS / 1000)
            self.display.figures.sample()


@contextmanager
def on_signal(number: signal.Signals, act: Callable[[], None]) -> Iterator[None]:
    """While the block lasts that signal does this: what a button of the device can send."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)
