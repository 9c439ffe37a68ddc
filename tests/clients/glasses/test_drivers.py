"""What each kind of display does with a screen, and what it says when it cannot."""

import asyncio
import io
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from clients.console import Problem
from clients.glasses.drivers import DRIVERS, DisplayError, Place, driver
from clients.glasses.drivers.page import Page
from clients.glasses.drivers.terminal import Terminal
from clients.glasses.faces import Cells, Face, face
from clients.glasses.profiles import Profile, profile
from clients.glasses.screen import Row, Screen
from tests.clients.glasses.test_layout import unifont

SCREEN = Screen((Row("A: good <morning>", 8), Row("reconnecting 3 s", 16, "state")))

needs_unifont = pytest.mark.skipif(not unifont(), reason="apt-get install fonts-unifont")


async def test_svg_has_the_words_as_words(tmp_path: Path) -> None:
    out = tmp_path / "now.svg"
    shown = driver("svg", profile("page"), Cells(), Place(out))
    await shown.open()
    await shown.show(SCREEN)
    rows = ["".join(text.itertext()) for text in ElementTree.parse(out).iter() if _is_text(text)]
    assert rows == ["A: good <morning>", "reconnecting 3 s"]


def _is_text(element: ElementTree.Element) -> bool:
    return element.tag.endswith("}text")


@needs_unifont
async def test_png_has_a_picture_for_every_screen(tmp_path: Path) -> None:
    ours = profile("hud-640x200")
    shown = driver("png", ours, face(ours), Place(tmp_path / "all"))
    await shown.open()
    await shown.show(SCREEN)
    await shown.show(Screen())
    first, second = sorted((tmp_path / "all").iterdir())
    with Image.open(first) as words, Image.open(second) as nothing:
        assert words.size == nothing.size == (640, 200)
        assert words.getbbox() is not None
        assert nothing.getbbox() is None


async def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shown = driver("svg", profile("page"), Cells(), Place(tmp_path / "file" / "in it"))
    with pytest.raises(DisplayError, match="cannot be written"):
        await shown.open()


def _on_luma(**changes: object) -> tuple[Profile, Face]:
    from msgspec.structs import replace

    ours = profile("ssd1309")
    assert ours.luma is not None
    ours = replace(ours, luma=replace(ours.luma, **changes))
    return ours, face(ours)


@needs_unifont
async def test_luma_gets_the_pixels() -> None:
    ours, letters = _on_luma(device="dummy")
    shown = driver("luma", ours, letters, Place())
    await shown.open()
    await shown.show(SCREEN)
    image = shown.device.image  # type: ignore[attr-defined]
    assert (image.mode, image.size) == ("1", (128, 64))
    assert image.getbbox() is not None
    await shown.close()


@needs_unifont
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "the display ssd1309 on SPI 0.0"),
        ({"interface": "i2c", "bus": 99}, "ssd1309 on I2C bus 99, address 0x3c, does not work"),
    ],
)
async def test_an_oled_that_is_not_there_is_a_sentence(
    changes: dict[str, object], sentence: str
) -> None:
    shown = driver("luma", *_on_luma(**changes), Place())
    with pytest.raises(DisplayError) as wrong:
        await shown.open()
    assert sentence in str(wrong.value)


async def test_the_terminal_draws_over_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", out)
    shown = Terminal(profile("terminal"), Cells(), Place())
    await shown.open()
    await shown.show(SCREEN)
    await shown.close()
    text = out.getvalue()
    assert text.count("╭") == 2 and "\x1b[6A" in text
    assert "A: good \x1b[2m<morning>\x1b[0m" in text
    assert text.endswith("\x1b[?25h")


def test_without_a_terminal_there_is_no_preview() -> None:
    with pytest.raises(Problem, match="no terminal here"):
        Terminal(profile("terminal"), Cells(), Place())


def test_letters_without_pixels_cannot_be_drawn() -> None:
    with pytest.raises(Problem, match="use svg or terminal"):
        driver("png", profile("even-g1"), face(profile("even-g1")), Place())


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bleak", None)
    monkeypatch.delitem(sys.modules, "clients.glasses.drivers.bluetooth", raising=False)
    with pytest.raises(Problem, match="needs the package bleak"):
        driver("g1", profile("even-g1"), Cells(), Place())


def test_every_driver_of_a_profile_is_there() -> None:
    assert set(DRIVERS) == {"terminal", "png", "svg", "luma", "page", "g1"}


async def asked(page: Page, path: str, host: str = "127.0.0.1", method: str = "GET") -> str:
    """The whole answer to one request."""
    reader, writer = await _connection(page)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    return answer


async def _connection(page: Page) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = int(page.address.rstrip("/").rpartition(":")[2])
    return await asyncio.open_connection("127.0.0.1", port)


@pytest.fixture
async def page() -> object:
    shown = Page(profile("page"), Cells(), Place(listen=("127.0.0.1", 0)))
    await shown.open()
    yield shown
    await shown.close()


@pytest.mark.socket
async def test_the_page_is_served_with_a_strict_policy(page: Page) -> None:
    for path, kind in [("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "javascript")]:
        answer = await asked(page, path)
        assert answer.startswith("HTTP/1.1 200 OK")
        assert kind in answer
        assert "Content-Security-Policy: default-src 'none'" in answer
        assert "unsafe" not in answer and "<script>" not in answer


@pytest.mark.socket
@pytest.mark.parametrize(
    ("path", "host", "method", "status"),
    [
        ("/etc/passwd", "127.0.0.1", "GET", 404),
        ("/../page.py", "127.0.0.1", "GET", 404),
        ("/", "stranger.example", "GET", 403),
        ("/events", "stranger.example:8770", "GET", 403),
        ("/", "localhost:8770", "GET", 200),
        ("/", "[::1]:8770", "GET", 200),
        ("/", "127.0.0.1", "POST", 405),
        ("/ and more", "127.0.0.1", "GET", 400),
    ],
)
async def test_nobody_else_is_answered(
    page: Page, path: str, host: str, method: str, status: int
) -> None:
    assert (await asked(page, path, host, method)).startswith(f"HTTP/1.1 {status} ")


@pytest.mark.socket
async def test_a_page_gets_the_screen_that_is_shown_and_each_that_follows(page: Page) -> None:
    await page.show(SCREEN)
    reader, writer = await _connection(page)
    writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    first = json.loads((await reader.readuntil(b"\n\n")).removeprefix(b"data: "))
    assert first["rows"][0] == {"tone": "caption", "sure": "A: good ", "draft": "<morning>"}
    assert (first["columns"], first["lines"]) == (36, 4)
    await page.show(Screen((Row("next", 4),)))
    second = json.loads((await reader.readuntil(b"\n\n")).removeprefix(b"data: "))
    assert second["rows"] == [{"tone": "caption", "sure": "next", "draft": ""}]
    writer.close()


@pytest.mark.socket
async def test_a_port_that_is_taken_is_a_sentence(page: Page) -> None:
    port = int(page.address.rstrip("/").rpartition(":")[2])
    other = Page(profile("page"), Cells(), Place(listen=("127.0.0.1", port)))
    with pytest.raises(DisplayError, match="the page cannot be served on"):
        await other.open()


PAGE = Path(__file__).parents[3] / "docs" / "glasses.md"


async def test_the_driver_in_the_documentation_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = PAGE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    (tmp_path / "visor_of_the_page.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    place = Place(tmp_path / "tty")
    shown = driver("visor_of_the_page:Serial", profile("terminal"), Cells(), place)
    await shown.open()
    await shown.show(SCREEN)
    assert place.out.read_text() == "\fA: good <morning>\nreconnecting 3 s\n\n"
    await shown.close()


def test_the_profile_in_the_documentation_is_right(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    assert profile(str(tmp_path / "mine.toml")).driver == "png"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("hologram", "there is no driver 'hologram': there are terminal"),
        ("clients.glasses.drivers:Hologram", "has no 'Hologram'"),
        ("not_there:Driver", "needs the package not_there"),
    ],
)
def test_a_driver_that_is_not_there_is_a_sentence(name: str, sentence: str) -> None:
    with pytest.raises(Problem, match=sentence):
        driver(name, profile("terminal"), Cells(), Place())
