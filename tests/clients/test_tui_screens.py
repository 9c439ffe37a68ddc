"""Every screen and state as the text that is on it, compared with `snapshots/NAME.txt`.

After a change that is meant, look at the differences and renew them:

    SURTITLE_SNAPSHOTS=renew python -m pytest tests/clients/test_tui_screens.py

With SURTITLE_PICTURES=FOLDER each screen is also saved there as an SVG, to be looked at.
"""

import difflib
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from clients.console import Problem
from clients.latency import Meter
from clients.tui import reading
from clients.tui.status import Status
from loadtest.show import without_fonts
from streaming.messages import Latency, Participant, Roster, State, Welcome
from tests.clients.fakes import WELCOME, caption
from tests.clients.stage import Keys, Stage, spanish, stage

pytestmark = pytest.mark.tui

SNAPSHOTS = Path(__file__).parent / "snapshots"
THREE = Roster(
    [
        Participant("me", "Ana", ["en"], ["es"], muted=True),
        Participant("r", "Rosa", ["es"], ["en"], speaking=True),
        Participant("w", "王小明", ["zh"], ["es", "en"]),
        Participant("o", "أمل", [], ["ar"]),
    ]
)
PAIRS = [("en", "es", "fake"), ("es", "en", "fake"), ("zh", "es", "fake"), ("en", "fr", "fake")]

Scene = Callable[[Stage], Awaitable[None]]
SCENES: dict[str, tuple[Scene, dict[str, Any]]] = {}


def scene(**options: Any) -> Callable[[Scene], Scene]:
    """A screen to be compared: its name is the function's."""

    def add(play: Scene) -> Scene:
        SCENES[play.__name__] = (play, options)
        return play

    return add


SPEAKER = {"status": Status("kitchen", hears=["en"], reads=["es"]), "controls": Keys()}


async def conversation(room: Stage) -> None:
    """Three people, the last in mid-sentence."""
    await room.tell(
        Welcome(**{**_fields(WELCOME), "pairs": PAIRS}),
        THREE,
        caption("Good morning, everyone.", speaker="me", segment=1, final=True, at=10),
        spanish("Buenos días a todos.", speaker="me", segment=1, final=True, at=10),
        spanish("¿Empezamos con las gafas?", speaker="r", segment=1, final=True, at=2_000),
        spanish(
            "Sí. La batería pesa ahora unos nueve gramos y dura casi todo el día de trabajo,",
            speaker="w",
            segment=1,
            final=True,
            at=4_000,
        ),
        spanish("así que nadie la nota.", speaker="w", segment=2, final=True, at=8_000),
        spanish("Mañana vamos a ", "visitar la fábrica", speaker="r", segment=2, at=9_000),
    )


def _fields(message: Any) -> dict[str, Any]:
    return {name: getattr(message, name) for name in message.__struct_fields__}


@scene()
async def empty(room: Stage) -> None:
    """Nobody has spoken."""


@scene(**SPEAKER)
async def three_speakers(room: Stage) -> None:
    await conversation(room)


@scene(source=True, size=(160, 45), **SPEAKER)
async def three_speakers_wide(room: Stage) -> None:
    await conversation(room)


@scene(source=True, status=Status("kitchen", reads=["zh", "ar"]))
async def han_and_arabic(room: Stage) -> None:
    await room.tell(
        THREE,
        caption("The weather is lovely today, let us walk in the park.", speaker="r", final=True),
        caption("今天天气很好，我们去公园散步吧。", language="zh", speaker="r", final=True),
        caption("الطقس جميل اليوم، لنتمشَّ في الحديقة.", language="ar", speaker="r", final=True),
        caption(
            "我们今天讨论的主要问题是怎样让每一个人都能够用自己的语言参加会议，而不必等待翻译。",
            language="zh",
            speaker="w",
            segment=2,
            at=5,
            final=True,
        ),
        caption("👩‍💻 cafe\u0301 ❤️ ", "한국어 नमस्ते", language="zh", speaker="o", segment=3, at=9),
    )


@scene(**SPEAKER)
async def degraded(room: Stage) -> None:
    await conversation(room)
    await room.tell(State("translation", "degraded", "the engine is slow", "es"))


@scene()
async def reconnecting(room: Stage) -> None:
    await conversation(room)
    await room.tell(State("connection", "down", "the network is away"))


@scene()
async def lost(room: Stage) -> None:
    await conversation(room)
    await room.tell(Problem("the connection to http://127.0.0.1:8765 was lost"))


@scene(**SPEAKER)
async def muted(room: Stage) -> None:
    await conversation(room)
    await room.press("m")


@scene()
async def big(room: Stage) -> None:
    await conversation(room)
    await room.press("b")


@scene(status=Status("kitchen", reads=["zh"]))
async def big_in_han(room: Stage) -> None:
    await room.tell(
        THREE, caption("今天天气很好，", "我们去公园散步吧。", language="zh", speaker="w")
    )
    await room.press("b")


@scene(size=(160, 45))
async def big_wide(room: Stage) -> None:
    await conversation(room)
    await room.press("b")


@scene()
async def light(room: Stage) -> None:
    await conversation(room)
    await room.press("t")


@scene()
async def high_contrast(room: Stage) -> None:
    await conversation(room)
    await room.press("t", "t")


@scene()
async def help_screen(room: Stage) -> None:
    await room.press("question_mark")


@scene(**SPEAKER)
async def searching(room: Stage) -> None:
    await conversation(room)
    await room.press("slash", *"manana", "enter")


@scene(**SPEAKER)
async def picker(room: Stage) -> None:
    await conversation(room)
    await room.press("g")


@scene(**SPEAKER)
async def people(room: Stage) -> None:
    await conversation(room)
    await room.press("r")


@scene(meter=Meter(), **SPEAKER)
async def delay(room: Stage) -> None:
    traced = Latency(0.4, 81.0, 42.5, 1.2, 125.1)
    await conversation(room)
    await room.tell(replace(spanish("Mañana vamos", segment=9, at=9_500), latency=traced))
    assert room.app.figures.meter is not None
    room.app.figures.meter.add(212.0)
    room.app.figures.stages.meters["draw"].values.clear()
    await room.press("l")


@scene(**SPEAKER)
async def export(room: Stage) -> None:
    await conversation(room)
    await room.press("e")


@scene(size=(80, 10))
async def reading_back(room: Stage) -> None:
    await conversation(room)
    await room.press("home")
    await room.tell(spanish("Otra cosa.", speaker="w", segment=3, final=True, at=12_000))


@scene(size=(20, 5))
async def too_small(room: Stage) -> None:
    await conversation(room)


@pytest.mark.parametrize("name", SCENES)
async def test_screen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "datetime", Noon)
    play, options = SCENES[name]
    async with stage(**options) as room:
        await play(room)
        await room.settled()
        shown = "\n".join(room.screen) + "\n"
        if folder := os.environ.get("SURTITLE_PICTURES"):
            picture = without_fonts(room.app.export_screenshot(title=name))
            (Path(folder) / f"{name}.svg").write_text(picture, encoding="utf-8")
    compare(name, shown)


class Noon(datetime):
    """The clock stands still."""

    @classmethod
    def now(cls, tz: Any = None) -> "Noon":
        return cls(2026, 11, 21, 12, 0)


def compare(name: str, shown: str) -> None:
    """It is what it was; renewed where that is wanted."""
    file = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("SURTITLE_SNAPSHOTS") == "renew":
        file.write_text(shown, encoding="utf-8")
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    changes = difflib.unified_diff(before.splitlines(), shown.splitlines(), "before", "now", "", "")
    assert before == shown, f"{name} looks different (see the top of this file):\n" + "\n".join(
        changes
    )
