"""Sentences that are translated while they grow, in a room of a server in this process.

Mandarin and English lines are heard word by word as they are written, each speaker in his turn, and
translated by the teensy Qwen on the real SGLang. Every final is held against what the same model
says when it is asked afterwards, at once and without a draft.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.audio import Pace
from clients.link import Link
from models.base import Heard
from models.detectors.energy import Energy
from models.registry import Engines
from models.scripted import ScriptedRecognizer
from models.sglang.translator import SGLang
from server.offline import Before
from server.telling import told_at_once
from server.translation import Translation
from streaming.captions import Captions
from streaming.messages import Hello, Pcm16
from streaming.units import units
from streaming.values import SAMPLE_RATE, AudioFrame, SpeechSegment, samples

from .reading import Read, listened, rounded, said
from .serving import exported, inside, spent

TEENSY = Path(__file__).parent / "teensy"
OTHER = {"zh": "en", "en": "zh"}
HOP_MS = 320
FRAME_MS = 20


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, and its language."""

    text: str
    language: str

    @property
    def states(self) -> list[str]:
        """What is heard of it, hop by hop: a word more, or a character of Han."""
        words = units(self.text)
        return ["".join(words[: n + 1]).strip() for n in range(len(words))]


def written_lines(count: int) -> list[Line]:
    """Held-out sentences, one line in Mandarin, one in English, and so on; every second pair of
    lines has two sentences."""
    pairs = json.loads((TEENSY / "heldout.json").read_text("utf-8"))
    found: list[Line] = []
    for n in range(count):
        english, chinese = zip(*pairs[2 * n : 2 * n + 1 + n % 2], strict=True)
        found += Line("".join(chinese), "zh"), Line(" ".join(english), "en")
    return found


async def written(says: str, count: int, speed: float = 1.0) -> dict[str, Any]:
    """So many lines of each language in a room of a server in this process."""
    lines = written_lines(count)
    script = [[Heard(state, line.language) for state in line.states] for line in lines]
    recognizer = ScriptedRecognizer(script, languages=("zh", "en"), hop_ms=HOP_MS, punctuates=True)
    async with inside(Engines(Energy(), (recognizer,), (SGLang(urls=[says]),)), speed) as server:
        read, schedules = await _spelled(server["url"], lines, speed)
        page = await exported(server["metrics"])
    spoken = {one.key[:2]: one for one in read.finals() if one.kind == "transcript"}
    told_of = {one.key[:2]: one for one in read.finals() if one.kind == "translation"}
    expected = await offline(says, [Line(one.text, one.language) for one in spoken.values()])
    ends = [told_of.get(key) for key in spoken]
    figures = read.figures(schedules, ["translation"])
    return {
        "lines": len(spoken),
        "different": [
            [one.text, end.text, alone]
            for one, end, alone in zip(spoken.values(), ends, expected, strict=True)
            if end is not None and end.degraded != "untranslated" and end.text != alone
        ],
        "untranslated": sum(end is None or end.degraded == "untranslated" for end in ends),
        "lost": figures.lost,
        "retracted": figures.retracted,
        "updates": figures.updates,
        "erasure": rounded(figures.erasure),
        **spent(page),
    }


async def _spelled(url: str, lines: Sequence[Line], speed: float) -> tuple[Read, dict[str, Pace]]:
    """Two microphones, of which one hums as long as each line takes, and then the other."""
    read, pace = Read(), Pace(speed)
    sound = {code: b"".join(_hum(line, line.language == code) for line in lines) for code in OTHER}
    async with AsyncExitStack() as stack:
        hello = Hello("Reader", [*OTHER], [], source=True)
        reader = await stack.enter_async_context(Link(url, "written", hello))
        links = {}
        for code in OTHER:
            hello = Hello(code, [], [code], Pcm16(SAMPLE_RATE))
            links[code] = await stack.enter_async_context(Link(url, "written", hello))
        reading = asyncio.create_task(listened(reader, read))
        pace.begin()
        async with asyncio.TaskGroup() as group:
            for code, link in links.items():
                group.create_task(said(link, pace(_frames(sound[code]))))
        await reader.end()
        await reading
        return read, {link.welcome.participant: pace for link in links.values()}


def _hum(line: Line, aloud: bool) -> bytes:
    """As long as the line takes, and a pause that ends it."""
    loud, pause = samples(HOP_MS * (len(line.states) + 1)), samples(1_500)
    return (b"\x40\x1f\xc0\xe0" * (loud // 2) if aloud else bytes(2 * loud)) + bytes(2 * pause)


async def _frames(sound: bytes) -> AsyncIterator[AudioFrame]:
    size = 2 * samples(FRAME_MS)
    for at in range(0, len(sound), size):
        yield AudioFrame(at // 2, sound[at : at + size])


async def offline(says: str, lines: Sequence[Line]) -> list[str]:
    """Each line at once and whole, asked of the same model and judged as a room's answers are."""
    translator = SGLang(urls=[says])
    await translator.start()
    try:
        alone = Translation([translator], lambda *change: None)
        return [await _alone(alone, line) for line in lines]
    finally:
        await translator.close()


async def _alone(translation: Translation, line: Line) -> str:
    spoken = SpeechSegment(0, 0, 0, 0, 0, final=True), line.language, line.text
    target = OTHER[line.language]
    told, _ = await told_at_once(*spoken, target, translation, Before(Captions()))
    return told.text
