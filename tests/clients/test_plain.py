"""Text from the wire is harmless, and measured as a terminal shows it."""

from hypothesis import given
from hypothesis import strategies as st

from clients.plain import LONGEST, clean, columns, rows, wrap


def test_nothing_a_terminal_would_obey_is_left() -> None:
    assert clean("\x1b[31mred\x07\x9b2J\r\n") == " [31mred  2J  "
    assert clean("a\u202egnol\u2066b\u200bc\ufeff") == "agnolbc"


def test_joiners_stay_for_the_scripts_that_need_them() -> None:
    assert clean("می\u200cخواهم") == "می\u200cخواهم"


def test_text_is_of_bounded_length() -> None:
    assert len(clean("x" * 10 * LONGEST)) == LONGEST


@given(st.text())
def test_cleaning_leaves_only_what_can_be_shown(text: str) -> None:
    assert all(
        ord(character) >= 32 and not 0x7F <= ord(character) < 0xA0 for character in clean(text)
    )


@given(st.text(), st.text())
def test_a_prefix_is_cleaned_to_a_prefix(first: str, second: str) -> None:
    assert clean(first + second).startswith(clean(first))


def test_width_of_wide_and_combining_characters() -> None:
    assert columns("ab") == 2
    assert columns("中文") == 4
    assert columns("e\u0301") == 1


def test_rows_break_at_spaces() -> None:
    assert wrap("the quick brown fox", 10) == ["the quick", "brown fox"]


def test_long_words_are_cut() -> None:
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]


def test_chinese_breaks_anywhere_but_before_punctuation() -> None:
    assert wrap("今天天气很好，我们走吧", 12) == ["今天天气很", "好，我们走吧"]


def test_no_text_is_one_empty_row() -> None:
    assert wrap("", 10) == [""]


WORDS = st.text(st.sampled_from("ab 中，é"), max_size=80)


@given(WORDS, st.integers(4, 20))
def test_rows_fit_and_lose_only_spaces(text: str, width: int) -> None:
    found = wrap(text, width)
    assert all(columns(row) <= width for row in found)
    assert "".join(found).replace(" ", "") == text.replace(" ", "")


@given(WORDS, WORDS, st.integers(4, 20))
def test_more_text_never_moves_the_rows_before_the_last(first: str, more: str, width: int) -> None:
    before, after = rows(first, width), rows(first + more, width)
    sure = max(0, len(before) - 1)
    assert after[:sure] == before[:sure]
