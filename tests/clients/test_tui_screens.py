"""Every screen and state as a picture, compared with `snapshots/NAME.svg`: see `pictures.py`."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from clients.console import Problem
from clients.latency import Meter
from clients.tui import reading
from clients.tui.first import First
from clients.tui.remembered import Remembered
from clients.tui.status import Status
from streaming.messages import Latency, Participant, Roster, State, Welcome
from tests.clients.fakes import WELCOME, caption
from tests.clients.pictures import SNAPSHOTS, compare
from tests.clients.stage import Keys, Stage, spanish, stage

pytestmark = pytest.mark.tui

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


HEARS_ENGLISH = Keys(refuses="hello: pocketsphinx does not hear 'es'; it hears en")


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
async def picker_refuses(room: Stage) -> None:
    """French can be read here, and not spoken."""
    await conversation(room)
    await room.press("g", "up", "space", "s")


@scene(status=Status("kitchen", hears=["en"], reads=["es"]), controls=HEARS_ENGLISH)
async def cannot_be_heard(room: Stage) -> None:
    await conversation(room)
    await room.press("g", "s", "enter")


@scene(colours=False, **SPEAKER)
async def without_colours(room: Stage) -> None:
    await conversation(room)


@scene()
async def speakers_who_left(room: Stage) -> None:
    """They said something before we came; no roster has their names."""
    for number, speaker in enumerate(["p1", "p4", "p1"]):
        text = f"Esto se dijo antes, frase {number + 1}."
        await room.tell(spanish(text, speaker=speaker, segment=number, at=number, final=True))


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


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands, nothing blinks, and what is said is not taken back, however slow we are."""
    monkeypatch.setattr(reading, "datetime", Noon)
    monkeypatch.setattr(reading, "SAID_S", 3_600.0)
    monkeypatch.setattr(Input, "_toggle_cursor", lambda field: None)


@pytest.mark.parametrize("name", SCENES)
async def test_screen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    play, options = SCENES[name]
    if not options.get("colours", True):
        monkeypatch.setenv("NO_COLOR", "1")
    async with stage(**options) as room:
        await play(room)
        await room.settled()
        compare(name, room.app)


async def test_the_first_screen_of_all() -> None:
    app = First(Remembered(), "ana", lambda: ["Yeti Stereo", "Built-in"])
    async with app.run_test(size=(80, 24)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        compare("first_run", app)
        await pilot.press("enter", *"spansh, zh", "ctrl+s")
        await pilot.pause()
        compare("first_run_wrong", app)


def test_there_is_no_picture_of_what_no_longer_is() -> None:
    assert {file.stem for file in SNAPSHOTS.glob("*.svg") if ".now" not in file.name} == {
        *SCENES,
        "first_run",
        "first_run_wrong",
    }


class Noon(datetime):
    """The clock stands still."""

    @classmethod
    def now(cls, tz: Any = None) -> "Noon":
        return cls(2026, 11, 21, 12, 0)
