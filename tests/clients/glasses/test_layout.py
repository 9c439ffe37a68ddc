"""Rows fit the display whatever is said, and do not move under a reader's eyes."""

import shutil
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.glasses.faces import face
from clients.glasses.layout import Layout
from clients.glasses.profiles import Profile, profile
from clients.glasses.screen import Row
from clients.plain import CLOSING, OPENING
from tests.clients.fakes import caption


def unifont() -> bool:
    if shutil.which("fc-match") is None:
        return False
    done = subprocess.run(["fc-match", "Unifont"], capture_output=True, text=True, check=False)
    return "nifont" in done.stdout


DRAWN = pytest.param(
    "ssd1309", marks=pytest.mark.skipif(not unifont(), reason="apt-get install fonts-unifont")
)
EVERY = ["even-g1", "terminal", "page", DRAWN]

SAID = st.text(
    st.sampled_from("ab cd, ef. 中文我们（）“”、。ちょっとー한국ййé\u0301👩\u200d💻ñ7م हिไท"),
    max_size=120,
)


def made(name: str) -> Layout:
    shown = profile(name)
    return Layout(shown, face(shown))


def width(layout: Layout, row: Row) -> int:
    return sum(layout.face.widths(row.text))


@pytest.mark.parametrize("name", EVERY)
@given(stable=SAID, draft=SAID)
def test_no_row_is_wider_or_has_more_bytes_than_the_display_takes(
    name: str, stable: str, draft: str
) -> None:
    layout = made(name)
    for row in layout.caption(caption(stable, draft), mark="A"):
        assert width(layout, row) <= layout.profile.width
        assert 0 <= row.sure <= len(row.text)
        if layout.profile.row_bytes is not None:
            assert len(row.text.encode()) <= layout.profile.row_bytes


@pytest.mark.parametrize("name", EVERY)
@given(stable=SAID, draft=SAID, more=SAID, other=SAID)
def test_a_row_never_changes_once_the_next_has_begun_with_certain_words(
    name: str, stable: str, draft: str, more: str, other: str
) -> None:
    layout = made(name)
    certain = layout.caption(caption(stable, ""), mark="A")
    before = layout.caption(caption(stable, draft), mark="A")
    after = layout.caption(caption(stable + more, other), mark="A")
    begun = max(0, len(certain) - 1)
    texts = [row.text for row in certain[:begun]]
    assert [row.text for row in before[:begun]] == texts
    assert [row.text for row in after[:begun]] == texts


@pytest.mark.parametrize("name", EVERY)
@given(said=SAID)
def test_every_prefix_of_what_is_said_can_be_laid_out(name: str, said: str) -> None:
    layout = made(name)
    for end in range(len(said) + 1):
        layout.caption(caption(said[: end // 2], said[end // 2 : end]))


@given(said=st.text(st.sampled_from("我们今天，。（）「」ちょっとー"), max_size=60))
def test_no_row_begins_with_what_closes_or_ends_with_what_opens(said: str) -> None:
    layout = made("terminal")
    found = layout.caption(caption(said))
    runs = any(one in CLOSING + OPENING and two in CLOSING + OPENING for one, two in pairwise(said))
    if not runs:  # a row of nothing but brackets has to break somewhere
        assert not [row.text for row in found[1:] if row.text[0] in CLOSING]
        assert not [row.text for row in found[:-1] if row.text[-1] in OPENING]


def test_what_may_still_change_is_told_apart() -> None:
    rows = made("terminal").caption(caption("good morning ", "everyone"), mark="A")
    assert rows == (Row("A: good morning everyone", len("A: good morning ")),)
    assert rows[0].halves == ("A: good morning ", "everyone")


def test_a_final_is_certain_from_end_to_end() -> None:
    (row,) = made("terminal").caption(caption("good", final=True))
    assert row.sure == len(row.text)


def test_chinese_on_the_g1_keeps_to_the_bytes_it_can_take() -> None:
    layout = made("even-g1")
    rows = layout.caption(caption("我们下午三点在会议室讨论新的光波导方案" * 8))
    screen = "\n".join(row.text for row in rows[:5])
    assert len(screen.encode()) <= 390
    assert {len(row.text) for row in rows[:5]} <= {24, 25}


def test_letters_that_join_are_named_where_they_cannot_be_shown() -> None:
    (row,) = made("even-g1").caption(caption("he said السلام عليكم to us"))
    assert row.text == "he said [Arabic] to us"
    (row,) = made("terminal").caption(caption("he said السلام"))
    assert row.text == "he said السلام"


def test_a_letter_the_display_lacks_is_a_sign_and_is_named() -> None:
    layout = made("even-g1")
    (row,) = layout.caption(caption("press ⏎ twice"))
    assert row.text == "press ? twice"
    assert list(layout.lacking) == ["⏎"]


def test_the_state_is_said_in_as_many_words_as_fit() -> None:
    narrow = Layout(shown := _narrow(), face(shown))
    assert narrow.state(["reconnecting 3 s", "no server 3 s"]).text == "no server 3 s"
    assert narrow.state(["reconnecting after 3 s"]).text == "reconnecting"


def _narrow() -> Profile:
    return Profile(
        about="", driver="terminal", lines=2, columns=14, measure="cells", width=14,
        interval_ms=100, dim="grey", shapes=True,
    )  # fmt: skip


def test_a_mark_does_not_turn_around_a_row_that_begins_at_the_right() -> None:
    row = made("terminal").caption(caption("שלום"), "A")[0]
    assert row.text == "\N{RIGHT-TO-LEFT MARK}A: שלום"
