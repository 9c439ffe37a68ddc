"""Those who take part in a conversation: people who speak a track, and one who reads."""

import time
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path

from clients.audio import Pace, source
from clients.latency import ChunkToCaption, Meter
from clients.lines import Lines
from clients.link import Link
from streaming.messages import Hello, Pcm16, ServerMessage, State
from streaming.values import SAMPLE_RATE, AudioFrame

FRAME_MS = 20  # as a microphone would: what waits for its frame to fill is late by as much


class Talker:
    """Speaks one track at its pace and reads the captions of its own words, with a stopwatch."""

    def __init__(self, url: str, room: str, name: str, language: str, reads: list[str]) -> None:
        hello = Hello(name, reads, [language], Pcm16(SAMPLE_RATE), source=True)
        self.link = Link(url, room, hello)
        self.lines = Lines()
        self.late: ChunkToCaption | None = None

    @property
    def id(self) -> str:
        """Its speaker in captions."""
        return self.link.welcome.participant

    async def talk(self, track: Path, pace: Pace, seconds: float | None, meter: Meter) -> None:
        """Say it all, and return when the last caption of it is final."""
        self.late = ChunkToCaption(pace.captured, meter)
        self.lines.push(self.link.welcome)
        async with self.link.speaking(pace(shortened(source(str(track), ms=FRAME_MS), seconds))):
            async for message in self.link:
                self.read(message)
                if drained(message):
                    return

    def read(self, message: ServerMessage) -> None:
        """Take note of what it says about our own words, and when."""
        change = self.lines.push(message)
        if change is not None and change.key[1] == self.id and self.late is not None:
            self.late.push(change, time.monotonic())


class Reader:
    """Reads everything, and remembers it."""

    def __init__(self, url: str, room: str, name: str, reads: list[str]) -> None:
        self.link = Link(url, room, Hello(name, reads, [], source=True, trace=True))
        self.lines = Lines()
        self.first: float | None = None
        """The second (monotonic) of the first words."""

    async def messages(self) -> AsyncIterator[ServerMessage]:
        """All that comes, the welcome first, until nothing more will."""
        self.lines.push(self.link.welcome)
        yield self.link.welcome
        async for message in self.link:
            change = self.lines.push(message)
            if change is not None and change.caption is not None and self.first is None:
                self.first = time.monotonic()
            yield message
            if drained(message):
                return


def drained(message: ServerMessage) -> bool:
    """Whether nothing more will come on this connection."""
    return isinstance(message, State) and (message.scope, message.level) == (
        "connection",
        "drained",
    )


async def shortened(
    frames: AsyncIterable[AudioFrame], seconds: float | None
) -> AsyncIterator[AudioFrame]:
    """Only the first so many seconds; all if None."""
    async for frame in frames:
        if seconds is not None and frame.end > seconds * SAMPLE_RATE:
            return
        yield frame
