"""A display gets no more than it can take, and its reader loses nothing by it."""

import gc
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.glasses.profiles import names
from clients.glasses.screen import Screen
from streaming.messages import Caption
from tests.clients.fakes import caption
from tests.clients.glasses.desk import ROSTER, Desk, desk

HOLD = 1.0
Saying = tuple[float, Caption]
"""So many seconds later this is said."""


@st.composite
def conversations(draw: st.DrawFn) -> list[Saying]:
    """Up to three people who grow, repair, finish and withdraw lines, fast or slowly.

    Every word occurs once, so that it can be found on a display.
    """
    word = _words(draw(st.booleans()))
    said: list[Saying] = []
    open_: dict[str, tuple[int, str]] = {}
    segments = 0
    for _ in range(draw(st.integers(1, 25))):
        speaker = draw(st.sampled_from(["a", "w", "me"]))
        segment, stable = open_.get(speaker, (0, ""))
        if not segment:
            segments += 1
            segment = segments
        stable += " ".join(next(word) for _ in range(draw(st.integers(0, 6)))) + " "
        draft = " ".join(next(word) for _ in range(draw(st.integers(0, 6))))
        final = draw(st.booleans())
        match draw(st.integers(0, 9)) if final else 1:
            case 0:
                stable, draft = "", ""  # withdrawn
            case 5:
                stable, draft = f"{next(word)} {stable}", ""  # repaired at its beginning
        line = caption(
            stable, "" if final else draft, speaker=speaker, segment=segment, final=final
        )
        said.append((draw(st.sampled_from([0.0, 0.05, 0.25, 0.8, 2.0])), line))
        open_[speaker] = (0, "") if final else (segment, stable)
    return said


def _words(han: bool) -> Iterator[str]:
    count = 0
    while True:
        count += 1
        yield chr(0x4E00 + count) + chr(0x5E00 + count) if han else f"w{count}"


def play(table: Desk, said: list[Saying]) -> None:
    for seconds, line in said:
        table.wait(seconds)
        table.tell(line)
    table.wait(120)


PROFILES = [name for name in names() if name not in ("ssd1309", "hud-640x200")]
"""The others are measured by a font, which a machine may lack; their rows are no different."""


@pytest.mark.parametrize("name", PROFILES)
@given(said=conversations())
def test_never_over_the_rows_bytes_or_rate_and_never_twice_the_same(
    name: str, said: list[Saying]
) -> None:
    table = desk(name)
    play(table, said)
    before, last = Screen(), -1000.0
    for at, screen in table.screens:
        assert len(screen.rows) <= table.profile.lines
        assert screen.size <= (table.profile.max_bytes or screen.size)
        assert at - last >= table.profile.interval_ms / 1000 - 1e-9
        assert screen != before
        before, last = screen, at


@pytest.mark.parametrize("name", PROFILES)
@given(said=conversations())
def test_every_final_is_shown_whole_and_long_enough_to_be_read(
    name: str, said: list[Saying]
) -> None:
    table = desk(name)
    play(table, said)
    for _, line in said:
        if not line.final:
            continue
        layout = table.reader.layout
        for row in layout.caption(line, table.reader._mark(line)):
            shown = [at for at, screen in table.screens if row.text in _texts(screen)]
            assert shown, f"{row.text!r} was never shown"
            gone = [at for at, screen in table.screens if at > shown[-1]]
            assert not gone or gone[0] - shown[0] >= HOLD - 1e-9, f"{row.text!r} was hurried away"


def _texts(screen: Screen) -> list[str]:
    return [row.text for row in screen.rows]


@given(said=conversations())
def test_the_glass_is_clear_in_the_end(said: list[Saying]) -> None:
    table = desk()
    play(table, said)
    assert table.rows == []


def test_words_that_come_between_two_screens_are_in_the_next() -> None:
    table = desk("even-g1")
    for end in (3, 7, 13, 18):
        table.tell(caption("one two three four"[:end]))
        table.wait(0.05)
    assert [row for _, screen in table.screens for row in _texts(screen)] == ["A: one"]
    table.wait(0.3)
    assert table.rows == ["A: one two three four"]


def test_fast_speech_scrolls_no_faster_than_it_can_be_read() -> None:
    table = desk()
    for segment in range(1, 9):
        table.tell(caption(f"sentence {segment}", segment=segment, final=True))
    table.wait(0.95)
    assert table.rows == [f"A: sentence {one}" for one in (1, 2, 3, 4)]
    table.wait(0.25)
    assert table.rows == [f"A: sentence {one}" for one in (5, 6, 7, 8)]


def test_a_draft_that_shrinks_moves_nothing() -> None:
    table = desk()
    table.tell(caption("It rains today in the whole of the country, ", "and perhaps in others too"))
    table.wait(1)
    first = table.rows[0]
    table.tell(caption("It rains today in the whole of the country, ", "and"))
    table.wait(1)
    assert table.rows[0] == first
    assert len(table.rows) == 2


def test_a_repair_of_what_has_scrolled_away_comes_back() -> None:
    table = desk()
    said = "we meet at three " + "in the large room on the second floor " * 6
    for end in range(20, len(said) + 20, 20):
        table.tell(caption(said[:end]))
        table.wait(0.5)
    assert "three" not in " ".join(table.rows)
    table.tell(caption(said.replace("three", "four"), final=True))
    table.wait(0.2)
    assert table.rows[0].startswith("A: we meet at four")


def test_a_line_that_is_withdrawn_leaves_the_display() -> None:
    table = desk()
    table.tell(caption("", "you"))
    assert table.rows == ["A: you"]
    table.tell(caption("", final=True))
    table.wait(0.2)
    assert table.rows == []


def test_the_display_is_cleared_after_six_seconds_of_silence() -> None:
    table = desk()
    table.tell(caption("goodbye", final=True))
    table.wait(5.9)
    assert table.rows == ["A: goodbye"]
    table.wait(0.2)
    assert table.rows == []
    assert len(table.screens) == 2


def test_a_display_that_was_away_gets_all_of_its_screen_again() -> None:
    table = desk()
    table.tell(caption("still here"))
    table.wait(1)
    table.reader.pacer.lost()
    screen = table.reader.screen(table.now)
    assert screen is not None and _texts(screen) == ["A: still here"]


def test_minutes_without_a_display_are_not_read_afterwards_but_told() -> None:
    table = desk()
    reader = table.reader
    for segment in range(1, 101):
        reader.push(caption(f"sentence {segment}", segment=segment, final=True), table.now)
    table.tell(ROSTER)
    assert reader.pacer.missed == 40
    assert table.rows[-1] == "40 captions were missed here"


@pytest.mark.slow
def test_half_an_hour_of_talk_leaves_nothing_behind() -> None:
    table = desk("even-g1")

    def talk(first: int, lines: int) -> None:
        for segment in range(first, first + lines):
            words = f"line {segment} says something of a usual length about lenses"
            table.tell(caption(words[:30], words[30:40], segment=segment))
            table.wait(0.9)
            table.tell(caption(words, segment=segment, final=True))
            table.wait(1.0)
        table.screens.clear()
        gc.collect()

    tracemalloc.start()
    try:
        talk(0, 600)  # as many as are kept, and more
        before, _ = tracemalloc.get_traced_memory()
        talk(600, 400)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert table.now > 1800
    assert after - before < 50_000
    table.wait(10)
    reader = table.reader
    assert reader.drawn() == [] and not reader._changes
    assert reader.pacer.behind == 0
