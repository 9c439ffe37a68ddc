"""What the microphone heard in the last seconds, for whoever comes late to listen."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from streaming.values import AudioFrame, samples

KEPT_MS = 25_000  # a server lets a speaker run 30 s ahead: beyond, it would close the connection


class Heard:
    """Frames go in as they are captured; everybody who asks gets those since a position."""

    def __init__(self, keep: int = samples(KEPT_MS)) -> None:
        self.keep = keep
        self._frames: deque[AudioFrame] = deque()
        self._ended = False
        self._news: set[asyncio.Event] = set()

    @property
    def oldest(self) -> int:
        """The position from which there is any."""
        return self._frames[0].start if self._frames else 0

    def push(self, frame: AudioFrame) -> None:
        """The next one."""
        self._frames.append(frame)
        while self._frames[0].end <= frame.end - self.keep:
            self._frames.popleft()
        self._tell()

    def end(self) -> None:
        """There will be no more."""
        self._ended = True
        self._tell()

    async def since(self, position: int) -> AsyncIterator[AudioFrame]:
        """The frames from there, as far as they are kept, and then each as it comes."""
        news = asyncio.Event()
        self._news.add(news)
        try:
            while True:
                news.clear()
                for frame in self._after(position):
                    position = frame.end
                    yield frame
                if not self._after(position):
                    if self._ended:
                        return
                    await news.wait()
        finally:
            self._news.discard(news)

    def _after(self, position: int) -> list[AudioFrame]:
        found = []
        for frame in reversed(self._frames):
            if frame.start < position:
                break
            found.append(frame)
        return found[::-1]

    def _tell(self) -> None:
        for news in self._news:
            news.set()
