"""Ask the detector about every microphone's windows, many at a time, in one worker thread.

Whatever has arrived when the thread is free makes the next batch. Batches begin at least 3 ms after
each other: without load nothing waits; with a hundred microphones, whose windows come one by one,
the thread takes a quarter less of a core, and each window 2 ms more; with two hundred both gain.
"""

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from msgspec import Struct

from models.base import Detector
from models.base import Ear as Memory
from streaming.values import BYTES_PER_SAMPLE, WINDOW, AudioFrame, samples

log = logging.getLogger(__name__)

APART_S = 0.003  # from the beginning of one call to that of the next
DEEPEST = 48  # windows in one call: more cost others' latency and gain no speed
VOICE = 0.35  # a likelihood below it is silence
FORGET = samples(5_000)  # after so much silence or absence the detector's memory starts afresh


class Skip(Struct, frozen=True, gc=False):
    """Time that was not sent, up to position `to`."""

    to: int


class Pause(Struct, frozen=True, gc=False):
    """The microphone is muted, late or gone; positions do not move."""


Heard = AudioFrame | Skip | Pause


class Ear:
    """One microphone: windows in, and out again in order with their likelihood of speech, as many
    at a time as have been looked at."""

    def __init__(self, detection: "Detection") -> None:
        self.detection = detection
        self.memory: Memory = detection.detector.ear()
        self.waiting: list[tuple[Heard, float]] = []
        self.asked: deque[Heard] = deque()  # what has been pushed and not been answered
        self.changed = asyncio.Event()
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
            self._pass()

    def answer(self, likelihoods: Sequence[float]) -> None:
        """The oldest windows that were asked about are speech with these likelihoods."""
        for likelihood in likelihoods:
            window = self.asked.popleft()
            assert isinstance(window, AudioFrame)
            self.waiting.append((window, likelihood))
            if likelihood >= VOICE:
                self.quiet_since = window.end
            elif window.end - self.quiet_since >= FORGET:
                self.quiet_since = window.end
                self.memory = self.detection.detector.ear()
            if self.asked and not isinstance(self.asked[0], AudioFrame):
                self._pass()
        self.changed.set()

    def close(self) -> None:
        """Nothing more will be pushed: the reader gets what was, then stops."""
        self.closed = True
        self.changed.set()

    async def __aiter__(self) -> AsyncIterator[list[tuple[Heard, float]]]:
        while True:
            while self.waiting:
                known, self.waiting = self.waiting, []
                yield known
            if self.closed and not self.asked:
                return
            self.changed.clear()
            await self.changed.wait()

    def _pass(self) -> None:
        while self.asked and not isinstance(self.asked[0], AudioFrame):
            self.waiting.append((self.asked.popleft(), 0.0))
        self.changed.set()


@dataclass(slots=True)
class Question:
    """Windows of one microphone that nobody has looked at."""

    ear: Ear
    memory: Memory
    windows: Sequence[AudioFrame]


class Detection:
    """The worker thread; `ask` from the event loop, answers come back there."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.questions: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="detection", daemon=True)
        self.loop = asyncio.get_running_loop()
        self.closing = False
        self.began = 0.0  # the last call
        self.thread.start()

    def ask(self, ear: Ear, windows: Sequence[AudioFrame]) -> None:
        """Queue the next windows of an ear; a short one, before a gap, is filled with silence."""
        self.questions.put(Question(ear, ear.memory, windows))

    async def close(self) -> None:
        """Let the thread finish what was asked, and end it."""
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

    def _answers(self, asked: Sequence[Question]) -> list[tuple[Ear, Sequence[float]]]:
        size = WINDOW * BYTES_PER_SAMPLE
        windows = [(q.memory, w.pcm.ljust(size, b"\0")) for q in asked for w in q.windows]
        likelihoods = iter(self._likelihoods(windows))
        return [(q.ear, [next(likelihoods) for _ in q.windows]) for q in asked]

    def _likelihoods(self, windows: list[tuple[Memory, bytes]]) -> Sequence[float]:
        try:
            return self.detector.probabilities(windows)
        except Exception:  # the thread serves every room: one bad batch must not end it
            log.exception("the detector failed; %d windows are taken for silence", len(windows))
            return [0.0] * len(windows)


def _deliver(answers: list[tuple[Ear, Sequence[float]]]) -> None:
    for ear, likelihoods in answers:
        ear.answer(likelihoods)
