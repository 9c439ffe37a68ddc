"""Somebody in a room who notes all he reads, and may have something to say."""

import asyncio
import time
from collections.abc import Iterable
from itertools import chain
from random import Random
from typing import TextIO

from clients.link import Link
from streaming.messages import Caption, Hello, Pcm16, State, Welcome
from tests.chaos.notes import Came, Read, write
from tests.chaos.sentences import sound

FRAME_MS = 100
FOREVER_S = 1e9
SENTENCE_MS, PAUSE_MS = (900, 2_400), (1_100, 1_900)  # a pause ends a line in 800 ms


class Person:
    """`numbers`: of the sentences to say, one after the other; none: only reads."""

    def __init__(
        self,
        url: str,
        room: str,
        reads: list[str],
        notes: TextIO,
        numbers: Iterable[int] = (),
    ) -> None:
        self.notes, self.numbers = notes, iter(numbers)
        self.first = next(self.numbers, None)
        audio = Pcm16(16_000) if self.first is not None else None
        hello = Hello("Person", reads, ["en"] if audio else [], audio)
        self.link = Link(url, room, hello, patience=FOREVER_S)
        self.quiet = asyncio.Event()
        """Set: say no more."""
        self.seq = 0
        """Of the newest caption read in this epoch."""
        self.said: dict[int, tuple[float, float]] = {}
        """Monotonic seconds from when to when each sentence was said."""
        self.gaps: list[float] = []
        """Monotonic seconds when he was told that something is lost."""
        self.deaf: list[float] = []
        """Monotonic seconds when he was told that nothing is heard."""

    async def live(self) -> None:
        """Until the link is closed: LinkError is a failure of the server's."""
        async with self.link:
            self._welcomed(self.link.welcome)
            speaking = asyncio.create_task(self._speak())
            try:
                async for message in self.link:
                    if isinstance(message, Welcome):
                        self._welcomed(message)
                    elif isinstance(message, Caption):
                        self._read(message)
                    elif isinstance(message, State):
                        self._told(message)
            finally:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)

    def _welcomed(self, welcome: Welcome) -> None:
        if welcome.gap:
            self.gaps.append(time.monotonic())
        write(self.notes, Came(welcome.epoch, welcome.replay_to, welcome.gap))

    def _read(self, caption: Caption) -> None:
        self.seq = max(self.seq, caption.seq)
        if caption.final:
            plain = caption.degraded == "untranslated"
            write(self.notes, Read(caption.seq, caption.key, caption.text, plain))
        else:
            write(self.notes, Read(caption.seq))

    def _told(self, state: State) -> None:
        if (state.scope, state.level) == ("recognition", "down"):
            self.deaf.append(time.monotonic())

    async def _speak(self) -> None:
        """Sentences and pauses in real time; then silence, so that the last line ends."""
        if self.first is None:
            return
        random, due = Random(self.first), time.monotonic()
        for number in chain([self.first], self.numbers):
            begun = due
            due = await self._send(sound(number, _whole(random.uniform(*SENTENCE_MS))), due)
            self.said[number] = begun, due
            due = await self._send(bytes(32 * _whole(random.uniform(*PAUSE_MS))), due)
            if self.quiet.is_set():
                break
        while True:
            due = await self._send(bytes(32 * FRAME_MS), due)

    async def _send(self, pcm: bytes, due: float) -> float:
        size = 32 * FRAME_MS
        for start in range(0, len(pcm), size):
            await asyncio.sleep(due - time.monotonic())
            await self.link.send_audio(pcm[start : start + size])
            due += FRAME_MS / 1000
        return due


def _whole(ms: float) -> int:
    return round(ms / FRAME_MS) * FRAME_MS
