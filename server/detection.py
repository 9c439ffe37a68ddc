"""Ask the detector about every microphone's windows, many at a time.

Whatever has arrived makes the next batch. Batches begin at least 3 ms after each other: without
load nothing waits; with a hundred microphones, whose windows come one by one, looking at them takes
a quarter less of a core, and each window 2 ms more; with two hundred both gain.

Where there is a second core, a thread looks at them while the event loop goes on. Where there is
none, a thread would only take the same core by turns and cost the turns: there the event loop does
it itself, 1-2 ms at a time.
"""

import asyncio
import logging
import os
import queue
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from models.base import Detector
from models.base import Ear as Memory
from streaming.values import BYTES_PER_SAMPLE, WINDOW, AudioFrame

from .ear import Ear

log = logging.getLogger(__name__)

APART_S = 0.003  # from the beginning of one call to that of the next
DEEPEST = 128  # windows in one call: more cost others' latency and gain no speed


@dataclass(slots=True)
class Question:
    """Windows of one microphone that nobody has looked at."""

    ear: Ear
    memory: Memory
    windows: Sequence[AudioFrame]


Answers = Sequence[tuple[Ear, Sequence[float]]]


def detection(detector: Detector) -> "Detection":
    """What suits the cores that this process may use."""
    return Beside(detector) if _cores() > 1 else Between(detector)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS does not say which of them are ours


class Detection(ABC):
    """`ask` from the event loop; answers come back there."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.loop = asyncio.get_running_loop()

    @abstractmethod
    def ask(self, ear: Ear, windows: Sequence[AudioFrame]) -> None:
        """Look at the next windows of an ear; a short one, before a gap, is filled with silence."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what was asked."""

    def _answers(self, asked: Sequence[Question]) -> Answers:
        size = WINDOW * BYTES_PER_SAMPLE
        windows = [(q.memory, w.pcm.ljust(size, b"\0")) for q in asked for w in q.windows]
        likelihoods = iter(self._likelihoods(windows))
        return [(q.ear, [next(likelihoods) for _ in q.windows]) for q in asked]

    def _likelihoods(self, windows: list[tuple[Memory, bytes]]) -> Sequence[float]:
        try:
            return self.detector.probabilities(windows)
        except Exception:  # it serves every room: one bad batch must not end it
            log.exception("the detector failed; %d windows are taken for silence", len(windows))
            return [0.0] * len(windows)


class Between(Detection):
    """In the event loop, between its other work."""

    def __init__(self, detector: Detector) -> None:
        super().__init__(detector)
        self.waiting: deque[Question] = deque()
        self.turning = False
        self.began = 0.0  # the last call

    def ask(self, ear: Ear, windows: Sequence[AudioFrame]) -> None:
        """See `Detection`."""
        self.waiting.append(Question(ear, ear.memory, windows))
        if not self.turning:
            self.turning = True
            self.loop.call_at(self.began + APART_S, self._turn)

    async def close(self) -> None:
        """See `Detection`."""
        while self.waiting:
            self._look()

    def _turn(self) -> None:
        self.began = self.loop.time()
        self._look()
        self.turning = bool(self.waiting)
        if self.turning:
            self.loop.call_soon(self._turn)

    def _look(self) -> None:
        """Look at the oldest."""
        asked: list[Question] = []
        deep = 0
        while self.waiting and deep < DEEPEST:
            asked.append(self.waiting.popleft())
            deep += len(asked[-1].windows)
        _deliver(self._answers(asked))


class Beside(Detection):
    """In a thread of its own."""

    def __init__(self, detector: Detector) -> None:
        super().__init__(detector)
        self.questions: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="detection", daemon=True)
        self.closing = False
        self.began = 0.0  # the last call
        self.thread.start()

    def ask(self, ear: Ear, windows: Sequence[AudioFrame]) -> None:
        """See `Detection`."""
        self.questions.put(Question(ear, ear.memory, windows))

    async def close(self) -> None:
        """See `Detection`; the thread ends."""
        self.questions.put(None)
        await asyncio.to_thread(self.thread.join)

    def _work(self) -> None:
        while not self.closing:
            if asked := self._arrived():
                answers = self._answers(asked)
                self.loop.call_soon_threadsafe(_deliver, answers)

    def _arrived(self) -> list[Question]:
        """Everything that has been asked by now; at least one question, or the end."""
        found: list[Question] = []
        deep = 0
        try:
            while deep < DEEPEST:
                question = self.questions.get(block=not found)
                if question is None:
                    self.closing = True
                    break
                if not found:
                    self._space()
                found.append(question)
                deep += len(question.windows)
        except queue.Empty:
            pass
        return found

    def _space(self) -> None:
        """Let some more arrive, if the last call was a moment ago."""
        now = time.monotonic()
        if now < self.began + APART_S:
            time.sleep(self.began + APART_S - now)
        self.began = time.monotonic()


def _deliver(answers: Answers) -> None:
    for ear, likelihoods in answers:
        ear.answer(likelihoods)
