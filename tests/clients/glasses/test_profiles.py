"""Profiles are data, and what is wrong with one is a sentence."""

from pathlib import Path

import pytest

from clients.console import Problem
from clients.glasses.profiles import names, profile
from clients.glasses.screen import Row, Screen
from streaming.messages import Display, encode
from streaming.messages import Hello as Asked


@pytest.mark.parametrize("name", names())
def test_every_profile_of_ours_is_whole_and_known_to_the_server(name: str) -> None:
    shown = profile(name)
    size = Display(shown.columns, shown.lines)
    assert encode(Asked("glasses", display=size))


def test_a_full_screen_of_full_rows_is_within_the_bytes_of_the_g1() -> None:
    shown = profile("even-g1")
    assert shown.row_bytes is not None and shown.max_bytes == 390
    full = Screen(tuple(Row("x" * shown.row_bytes) for _ in range(shown.lines)))
    assert full.size <= shown.max_bytes


MINE = """\
[mine]
about = "mine"
driver = "svg"
lines = 3
columns = 20
measure = "cells"
width = 20
interval_ms = 200
dim = "grey"
shapes = true
"""


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(MINE)
    assert profile(str(file)).lines == 3


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("lines = 3", "lines = 1", "Expected `int` >= 2"),
        ("lines = 3\n", "", "missing required field `lines`"),
        ('dim = "grey"', 'dim = "pink"', "Invalid enum value 'pink'"),
        ("width = 20", "width = 20\nweight = 3", "unknown field `weight`"),
        ("lines = 3", "lines = 5\nmax_bytes = 16", "less than 4 bytes"),
        ('driver = "svg"', 'driver = "luma"', 'needs measure = "font"'),
        ("[mine]", "mine", "is not valid TOML"),
        ("[mine]", "[other]\n[mine]", "must have one section"),
    ],
)
def test_what_is_wrong_with_a_profile_is_named(
    tmp_path: Path, before: str, after: str, sentence: str
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(MINE.replace(before, after))
    with pytest.raises(Problem, match=r"mine\.toml") as wrong:
        profile(str(file))
    assert sentence in str(wrong.value)


def test_an_unknown_profile_is_answered_with_those_there_are() -> None:
    with pytest.raises(Problem, match="there are even-g1, ssd1309"):
        profile("g2")
