"""Units join to the text, and no grapheme is ever split."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.clean import clean
from streaming.units import _units, ends_clause, joins, sentences, units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("hello there", ["hello ", "there"]),
        ("  hello  there ", [" ", " ", "hello  ", "there "]),
        ("你好，世界", ["你", "好", "，", "世", "界"]),
        ("用GPU跑 fast 模型", ["用", "GPU", "跑 ", "fast ", "模", "型"]),
        ("か\u3099き", ["か\u3099", "き"]),
        ("cafe\u0301 no", ["cafe\u0301 ", "no"]),
        ("👩\u200d🔧 ok", ["👩\u200d🔧 ", "ok"]),
    ],
)
def test_text_is_cut_into_words_and_single_han(text: str, expected: list[str]) -> None:
    assert "".join(units(text)) == text
    if not text.startswith(" "):
        assert units(text) == expected


@given(st.text())
def test_units_join_to_the_text_and_never_begin_inside_a_grapheme(text: str) -> None:
    found = units(text)
    assert "".join(found) == text
    assert not any(joins(unit[0]) for unit in found[1:])


@given(st.text(st.sampled_from("ab é\u0301\t ñ.好か")))
def test_the_quick_way_finds_the_same_units(text: str) -> None:
    assert units(text) == _units(text)


@given(st.text())
def test_sentences_and_the_rest_join_to_the_text(text: str) -> None:
    closed, rest = sentences(text)
    assert "".join(closed) + rest == text


def test_a_sentence_ends_after_its_closing_quotes() -> None:
    assert sentences("He said “no.” Then he left. And") == (
        ["He said “no.” ", "Then he left. "],
        "And",
    )
    assert sentences("好。行吗") == (["好。"], "行吗")


@pytest.mark.parametrize(
    ("text", "complete"), [("yes.", True), ("yes.” ", True), ("3.5", False), ("", False)]
)
def test_a_clause_is_complete_at_its_mark(text: str, complete: bool) -> None:
    assert ends_clause(text) is complete


@given(st.text())
def test_clean_text_is_one_visible_line(text: str) -> None:
    found = clean(text, longest=50)
    assert len(found) <= 50
    assert found == found.strip()
    hidden = {"Cc", "Cs"}
    assert not any(unicodedata.category(char) in hidden for char in found)
    assert not set(found) & set("\u202a\u202e\u2066\u200b\ufeff\n\r\t")


def test_terminal_escapes_and_bidi_overrides_are_taken_out() -> None:
    assert clean("a\x1b[31mred\x1b]0;title\x07 \u202eevil\x00\n b") == "ared evil b"
