"""One microphone's windows on their way through the detector, and what is said between them."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from models.base import Detector
from models.base import Ear as Memory
from streaming.values import AudioFrame, samples

VOICE = 0.35  # a likelihood below it is silence
FORGET = samples(5_000)  # after so much silence or absence the detector's memory starts afresh


class Skip(Struct, frozen=True, gc=False):
    """Time that was not sent, up to position `to`."""

    to: int


class Pause(Struct, frozen=True, gc=False):
    """The microphone is muted, late or gone; positions do not move."""


Heard = AudioFrame | Skip | Pause
Known = Sequence[tuple[Heard, float]]
"""What was heard, in order, each with its likelihood of speech."""


class Asked(Protocol):
    """Who looks at windows: `Detection`."""

    detector: Detector

    def ask(self, ear: "Ear", windows: Sequence[AudioFrame]) -> None:
        """Look at the next windows of an ear, which gets the `answer` later."""


class Ear:
    """Windows go in, and are told in order once they have been looked at.

    `done` has a result when all is told after `close`, or what `tell` failed with.
    """

    def __init__(self, detection: Asked, tell: Callable[[Known], None]) -> None:
        self.detection, self.tell = detection, tell
        self.memory: Memory = detection.detector.ear()
        self.asked: deque[Heard] = deque()  # what has been pushed and not been answered
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False
        self.quiet_since = 0

    def hear(self, windows: Sequence[AudioFrame]) -> None:
        """Take the next windows."""
        if windows:
            self.asked.extend(windows)
            self.detection.ask(self, windows)

    def push(self, heard: Heard) -> None:
        """Take the next window, or what is said between windows."""
        if isinstance(heard, AudioFrame):
            self.hear([heard])
        else:
            self.asked.append(heard)
            self._tell(self._between())

    def answer(self, likelihoods: Sequence[float]) -> None:
        """The oldest windows that were asked about are speech with these likelihoods."""
        known: list[tuple[Heard, float]] = []
        for likelihood in likelihoods:
            window = self.asked.popleft()
            assert isinstance(window, AudioFrame)
            known.append((window, likelihood))
            if likelihood >= VOICE:
                self.quiet_since = window.end
            elif window.end - self.quiet_since >= FORGET:
                self.quiet_since = window.end
                self.memory = self.detection.detector.ear()
            if self.asked and not isinstance(self.asked[0], AudioFrame):
                known += self._between()
        self._tell(known)

    def close(self) -> None:
        """Nothing more will be pushed."""
        self.closed = True
        self._tell(self._between())

    def _between(self) -> list[tuple[Heard, float]]:
        """What was said before the next window that nobody has looked at."""
        found: list[tuple[Heard, float]] = []
        while self.asked and not isinstance(self.asked[0], AudioFrame):
            found.append((self.asked.popleft(), 0.0))
        return found

    def _tell(self, known: Known) -> None:
        if self.done.done():
            return
        try:
            if known:
                self.tell(known)
        except Exception as error:  # it ends this microphone, and no other
            self.done.set_exception(error)
        else:
            if self.closed and not self.asked:
                self.done.set_result(None)
