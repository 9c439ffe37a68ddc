"""Captions on standard output."""

import io
import re

import pysrt

from clients.lines import Lines
from clients.pages import CLEAR_BELOW, DIM, NORMAL, Growing, Page
from clients.srt import srt
from streaming.messages import Caption
from tests.clients.fakes import caption


def shown(page: Page, *captions: Caption) -> None:
    lines = Lines()
    for one in captions:
        change = lines.push(one)
        assert change is not None
        page.show(change)


def screen(painted: str) -> list[str]:
    """What a terminal would have on it, the cursor's row left out."""
    rows: list[str] = [""]
    for up, text, end in re.findall(r"(?:\r\x1b\[(\d+)A\x1b\[J)?([^\n\r]*)(\n|$)", painted):
        if up:
            rows = [*rows[: len(rows) - 1 - int(up)], ""]
        rows[-1] += re.sub(r"\x1b\[\d+m", "", text)
        if end:
            rows.append("")
    return rows[:-1]


def test_without_a_terminal_there_is_a_line_for_each_final() -> None:
    out = io.StringIO()
    shown(
        Page(out),
        caption("good mor", "ning"),
        caption("good morning", final=True),
        caption("buenos días", language="es", final=True),
    )
    assert out.getvalue() == "en | good morning\nes | buenos días\n"


def test_other_speakers_are_named() -> None:
    out = io.StringIO()
    shown(Page(out, name=lambda speaker: "Alan"), caption("hello", final=True))
    assert out.getvalue() == "Alan en | hello\n"


def test_open_lines_grow_in_place_below_the_finals() -> None:
    out = io.StringIO()
    page = Growing(out, size=lambda: (40, 10))
    shown(
        page,
        caption("one", final=True),
        caption("two", " and", segment=2),
        caption("two and", " a half", segment=2),
        caption("dos", language="es", segment=2),
    )
    assert screen(out.getvalue()) == ["en | one", "en | two and a half", "es | dos"]
    shown(page, caption("two and a half.", segment=2, final=True))
    assert screen(out.getvalue()) == ["en | one", "en | two and a half.", "es | dos"]


def test_a_withdrawn_line_leaves_the_screen() -> None:
    out = io.StringIO()
    shown(Growing(out, size=lambda: (40, 10)), caption("cough"), caption("", final=True))
    assert screen(out.getvalue()) == []


def test_drafts_are_dim_and_finals_are_not() -> None:
    out = io.StringIO()
    page = Growing(out, size=lambda: (40, 10))
    shown(page, caption("sure ", "perhaps"))
    assert out.getvalue() == f"en | sure {DIM}perhaps{NORMAL}\n"
    shown(page, caption("sure", final=True, segment=2))
    assert out.getvalue().endswith(f"{CLEAR_BELOW}en | sure\nen | sure {DIM}perhaps{NORMAL}\n")


def test_long_open_lines_never_fill_more_than_the_terminal() -> None:
    out = io.StringIO()
    shown(Growing(out, size=lambda: (20, 6)), caption("word " * 100), caption("w " * 300))
    assert len(screen(out.getvalue())) == 4


def test_nothing_from_the_wire_reaches_the_terminal_as_a_command() -> None:
    out = io.StringIO()
    shown(Page(out), caption("\x1b[2Jgone\x07", final=True))
    assert "\x1b" not in out.getvalue() and "\x07" not in out.getvalue()


def test_subtitles_are_what_players_read() -> None:
    text = srt(
        [
            caption("second", final=True, start=48_000, end=64_000),
            caption("first, " + "long " * 12, segment=2, final=True, start=8_000, end=32_000),
            caption("an --> arrow\x1b", segment=3, final=True, start=80_000, end=88_000),
        ]
    )
    items = pysrt.from_string(text)
    assert [item.index for item in items] == [1, 2, 3]
    assert [str(item.start) for item in items] == ["00:00:00,500", "00:00:03,000", "00:00:05,000"]
    assert str(items[0].end) == "00:00:02,000"
    assert [len(row) <= 42 for row in items[0].text.split("\n")] == [True, True]
    assert items[2].text == "an → arrow"
