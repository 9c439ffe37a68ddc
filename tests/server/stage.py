"""A room on a stage: scripted engines, a clock that is moved by hand, sound that is loud or not."""

import asyncio
from collections.abc import Callable, Sequence

from models.base import Translator
from models.detectors.energy import Energy
from models.scripted import ScriptedRecognizer, ScriptedTranslator
from server.clock import Clock
from server.config import Config
from server.detection import Detection
from server.ear import Ear
from server.engines import Engines
from server.house import House
from server.member import Member
from server.metrics import Metrics
from server.recognizers import Recognizers
from server.room import Room
from server.translation import Translation
from streaming.glossary import Glossary
from streaming.messages import Caption, Hello, Message, Pcm16
from streaming.values import WINDOW, AudioFrame, samples

CHUNK = 1_600  # samples: 100 ms


class HandClock(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = 100.0
        self.sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        waiting = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.moment + seconds, waiting))
        await waiting

    def advance(self, seconds: float) -> None:
        self.moment += seconds
        for due, waiting in list(self.sleepers):
            if due <= self.moment and not waiting.done():
                waiting.set_result(None)
        self.sleepers = [held for held in self.sleepers if not held[1].done()]


class PromptDetection(Detection):
    """Answers at once, without a thread; or as one that had no time for `late_s`."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.late_s = 0.0
        self.detector = Energy()

    def ask(self, ear: Ear, windows: Sequence[AudioFrame]) -> None:
        size = 2 * WINDOW
        self.clock.advance(self.late_s)
        asked = [(ear.memory, window.pcm.ljust(size, b"\0")) for window in windows]
        ear.answer(self.detector.probabilities(asked))

    async def close(self) -> None:
        pass


def loud(ms: float, level: int = 8_000) -> bytes:
    """A buzz that the energy detector takes for speech."""
    half = level.to_bytes(2, "little", signed=True) + (-level).to_bytes(2, "little", signed=True)
    return half * (samples(ms) // 2)


def quiet(ms: float) -> bytes:
    return bytes(2 * samples(ms))


async def settle() -> None:
    """Let every stage do what it can without more time or sound."""
    for _ in range(60):
        await asyncio.sleep(0)


class Stage:
    """One room, and what its members were told."""

    def __init__(
        self,
        recognizer: ScriptedRecognizer | None = None,
        translator: Translator | None = None,
        glossary: Glossary | None = None,
        deadline_s: float = 5.0,
    ) -> None:
        self.clock = HandClock()
        self.house = House(Config(), Metrics(), glossary or Glossary())
        translation = Translation(
            [translator or ScriptedTranslator(forces_prefix=False)],
            self.house.translation_changed,
            deadline_s,
        )
        self.detection = PromptDetection(self.clock)
        self.engines = self.house.engines = Engines(
            self.clock,
            self.detection,
            Recognizers([recognizer or ScriptedRecognizer()]),
            translation,
        )
        self.room: Room = self.house.room("kitchen")
        self.told: dict[str, list[Message]] = {}

    def join(
        self,
        name: str = "Ana",
        hears: str = "",
        reads: str = "",
        **more: object,
    ) -> Member:
        """Somebody joins; languages are named apart by spaces."""
        audio = Pcm16(16_000) if hears else None
        hello = Hello(name, reads.split(), hears.split(), audio, **more)  # type: ignore[arg-type]
        member = self.room.join(hello)
        self.told[member.id] = []
        return member

    async def speak(self, member: Member, pcm: bytes) -> None:
        """The member's microphone hears `pcm`, in real time."""
        assert member.session is not None
        for start in range(0, len(pcm), 2 * CHUNK):
            piece = pcm[start : start + 2 * CHUNK]
            self.clock.advance(len(piece) / 32_000)
            member.session.push(piece)
            await settle()
            self.read()

    async def wait(self, seconds: float) -> None:
        """Time passes without sound."""
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            self.room.tick()
            await settle()
        self.read()

    def read(self) -> None:
        """Every member reads what waits for it."""
        for member in self.room.members.values():
            told = self.told[member.id]
            while member.news:
                told.append(member.news.popleft())
            while (caption := member.outbox.take()) is not None:
                told.append(caption)

    def captions(
        self, member: Member, wanted: Callable[[Caption], bool] = lambda _: True
    ) -> list[Caption]:
        """The captions that a member has read."""
        self.read()
        told = self.told[member.id]
        return [one for one in told if isinstance(one, Caption) and wanted(one)]

    def finals(self, member: Member) -> list[tuple[str, str]]:
        """(language, text) of the finals that a member has read."""
        return [(one.language, one.text) for one in self.captions(member, lambda c: c.final)]
