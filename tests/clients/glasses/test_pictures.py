"""What a wearer sees, pixel for pixel, against pictures that somebody has looked at.

Drawn with Unifont, a bitmap font, so that they are the same everywhere. A picture that differs is
written beside the one it should be, as NAME.now.png. After a change that is meant:

    SURTITLE_SNAPSHOTS=renew python -m pytest tests/clients/glasses/test_pictures.py
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from PIL import Image, ImageChops, features

from clients.glasses.fonts import Font
from clients.glasses.painter import Painter
from clients.glasses.profiles import names, profile
from streaming.messages import State
from tests.clients.fakes import caption
from tests.clients.glasses.desk import Desk, desk
from tests.clients.glasses.test_layout import unifont

PICTURES = Path(__file__).parent / "pictures"
RASTER = [name for name in names() if profile(name).measure == "font"]

pytestmark = pytest.mark.skipif(not unifont(), reason="apt-get install fonts-unifont")


def english(table: Desk) -> None:
    table.tell(caption("Good morning. ", "The new lens is", speaker="a"))


def chinese(table: Desk) -> None:
    table.tell(caption("我们下午三点在会议室见面，", "讨论新的", speaker="w", language="zh"))


def mixed(table: Desk) -> None:
    table.tell(caption("The 光波导 is thin", segment=1, final=True))
    table.tell(caption("对，only 1.2 毫米", segment=2, speaker="w", language="zh"))


def long_word(table: Desk) -> None:
    table.tell(caption("Donaudampfschifffahrtsgesellschaftskapitän", language="de", final=True))


def very_fast_speech(table: Desk) -> None:
    for segment in range(1, 9):
        table.tell(caption(f"This is sentence {segment}.", segment=segment, final=True))
    table.wait(1.2)


def both_lines(table: Desk) -> None:
    table.tell(caption("我们开始吧", speaker="w", language="zh", kind="transcript"))
    table.tell(caption("Let us ", "begin", speaker="w", kind="translation"))


def from_the_right(table: Desk) -> None:
    table.tell(caption("שלום עולם, ", "מה שלומך", segment=1, language="he", kind="transcript"))
    table.tell(caption("مرحبا بالعالم ", "كيف", segment=2, speaker="me", language="ar"))


def reconnecting(table: Desk) -> None:
    table.tell(caption("We were just saying", final=True))
    table.tell(State("connection", "down"))
    table.wait(3.2)


def standing_in(table: Desk) -> None:
    table.tell(caption("The server is", speaker="a", final=True))
    table.tell(State("connection", "down"))
    table.reader.handover.lost()
    table.reader.status.instead = ("apertium here", "local")
    here = caption("and we go on ", "without", speaker="this device 1")
    table.reader.stand_in(replace(here, degraded="fallback"), table.now)
    table.wait(3.2)


SCENES: dict[str, Callable[[Desk], None]] = {
    scene.__name__.replace("_", "-"): scene
    for scene in (
        *(english, chinese, mixed, long_word, from_the_right),
        *(very_fast_speech, both_lines, reconnecting, standing_in),
    )
}


def drawn(name: str, scene: str) -> Image.Image:
    """The display at the end of the scene."""
    reads = ("en",) if scene == "both-lines" else ("en", "zh", "de", "he", "ar")
    table = desk(name, reads=reads, show="both" if scene == "both-lines" else "target")
    SCENES[scene](table)
    table.wait(0.2)
    letters = table.reader.layout.face
    assert isinstance(letters, Font)
    return Painter(table.profile, letters).paint(table.screens[-1][1])


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("name", RASTER)
def test_the_display_looks_as_it_did(name: str, scene: str) -> None:
    if scene == "from-the-right" and not features.check("fribidi"):
        pytest.skip("apt-get install libfribidi0")
    image = drawn(name, scene)
    file = PICTURES / name / f"{scene}.png"
    if os.environ.get("SURTITLE_SNAPSHOTS") == "renew":
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(file, optimize=True)
    beside = file.with_suffix(".now.png")
    beside.unlink(missing_ok=True)
    with Image.open(file) as before:
        same = before.size == image.size and before.mode == image.mode
        if same and ImageChops.difference(before, image).getbbox() is None:
            return
    image.save(beside)
    raise AssertionError(f"{name} {scene} looks different: compare {file.name} with {beside.name}")


@pytest.mark.parametrize("name", RASTER)
def test_words_are_painted_within_the_width_they_were_measured(name: str) -> None:
    shown = profile(name)
    letters = Font(shown)
    for words in ("minimum Wilhelm", "中文字幕的宽度", "Ünïcödé", "0123456789"):
        assert letters.drawn.getlength(words) <= sum(letters.widths(words))
