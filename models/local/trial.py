"""Load a folder as the server would, have it do its work once, and say how fast and how large."""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.base import EngineError, Recognizer, Request, Translator

from . import places
from .streams import RATE

TIMES = 10
SAMPLES = {
    "en": "We would like to see the display before the meeting begins.",
    "zh": "会议开始之前,我们想先看一下显示屏。",
    "es": "Nos gustaría ver la pantalla antes de que empiece la reunión.",
    "de": "Wir würden die Anzeige gern sehen, bevor die Besprechung beginnt.",
    "fr": "Nous aimerions voir l'écran avant le début de la réunion.",
    "ja": "会議が始まる前に画面を見たいです。",
}
ANYTHING = "OK"


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it. Times in ms, memory in MB."""

    role: str
    what: str
    """The family, or the kind of model."""
    covers: tuple[str, ...]
    """Languages heard, or directions."""
    load_ms: float
    memory_mb: float
    """That the process takes more than before."""
    threads: int
    """Likewise."""
    each_ms: float
    """For a sentence, or for a second of sound."""
    answer: str
    """To the sample sentence, or what was made of noise."""


Work = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class AtWork:
    """A folder that has been loaded."""

    what: str
    covers: tuple[str, ...]
    load_ms: float
    memory_mb: float
    threads: int
    work: Work
    """Translate the sample sentence, or hear a second of noise; what came of it."""


async def tried(folder: Path) -> Trial:
    """EngineError says what is wrong with the folder, or with this machine."""
    async with at_work(folder) as it:
        began, answer = time.perf_counter(), ""
        for _ in range(TIMES):
            answer = await it.work()
        each_ms = (time.perf_counter() - began) * 1000 / TIMES
    role = "translator" if translates(folder) else "recognizer"
    return Trial(role, it.what, it.covers, it.load_ms, it.memory_mb, it.threads, each_ms, answer)


def translates(folder: Path) -> bool:
    """It holds a translator; if not, a recognizer. EngineError: it holds neither."""
    if not folder.is_dir():
        raise EngineError(f"{folder} is no folder.")
    if places.translates(folder):
        return True
    if places.hears(folder):
        return False
    raise EngineError(
        f"{folder} holds neither model.bin (a translator for CTranslate2) nor tokens.txt (a "
        "recognizer for sherpa-onnx): docs/local.md says what belongs into a folder."
    )


@asynccontextmanager
async def at_work(folder: Path) -> AsyncIterator[AtWork]:
    """The folder's model, loaded as the server would. EngineError."""
    async with _translator(folder) if translates(folder) else _recognizer(folder) as it:
        yield it


@asynccontextmanager
async def _translator(folder: Path) -> AsyncIterator[AtWork]:
    from .ctranslate import CTranslate2
    from .families import inspect

    engine = CTranslate2(folders=[folder])
    pairs = list(engine.pairs)
    source, target = next((pair for pair in pairs if pair[0] in SAMPLES), pairs[0])
    request = Request(source, target, SAMPLES.get(source, ANYTHING), final=True)

    async def work() -> str:
        return "".join([piece async for piece in engine.translate(request)])

    covers = tuple(f"{one}-{other}" for one, other in pairs)
    async with _started(engine) as took:
        yield AtWork(inspect(folder).family, covers, *took, work)


@asynccontextmanager
async def _recognizer(folder: Path) -> AsyncIterator[AtWork]:
    from .sherpa import Sherpa
    from .streams import inspect

    engine = Sherpa(folder=folder)
    kind = "transducer" if inspect(folder).takes_hints else "ctc"
    noise = np.random.default_rng(1).normal(0, 500, RATE).astype("<i2").tobytes()

    async def work() -> str:
        hearing = await engine.open("trial", list(engine.languages))
        heard = await hearing.hear(noise, "")
        await hearing.close()
        return heard.text

    async with _started(engine) as took:
        yield AtWork(kind, tuple(engine.languages), *took, work)


@asynccontextmanager
async def _started(engine: Recognizer | Translator) -> AsyncIterator[tuple[float, float, int]]:
    """Time, memory and threads that starting takes; closed at the end."""
    before, began = _taken(), time.perf_counter()
    try:
        await engine.start()
        load_ms, now = (time.perf_counter() - began) * 1000, _taken()
        yield load_ms, (now[0] - before[0]) / 1024, now[1] - before[1]
    finally:
        await engine.close()


def _taken() -> tuple[int, int]:
    """kB of memory and threads of this process; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0, 0
    found = dict(re.findall(r"^(VmRSS|Threads):\s+(\d+)", status, re.MULTILINE))
    return int(found.get("VmRSS", 0)), int(found.get("Threads", 0))
