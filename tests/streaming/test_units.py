"""Units join to the text, and no grapheme is ever split."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streaming.agreement import Agreement
from streaming.clean import clean
from streaming.dial import Dial
from streaming.retranslation import Retranslation
from streaming.units import _units, ends_clause, joins, pieces, sentences, units
from streaming.values import Hypothesis, SpeechSegment, Transcript


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ｶﾞｷﾞ", ["ｶﾞ", "ｷﾞ"]),
        ("น้ำเย็น", ["น้ำ", "เย็", "น"]),
        ("ນ້ຳ", ["ນ້ຳ"]),
        ("မ္မ", ["မ္မ"]),
        ("ខ្មែរ", ["ខ្មែ", "រ"]),
        ("क्षेत्र में", ["क्षेत्र ", "में"]),
        ("한국 말", ["한국 ", "말"]),
        ("好👍🏽吗", ["好", "👍🏽", "吗"]),
        ("🇪🇸🇲🇽 sí", ["🇪🇸🇲🇽 ", "sí"]),
        ("葛\U000e0100飾", ["葛\U000e0100", "飾"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
    ],
)
def test_what_a_reader_takes_for_a_letter_stays_whole(text: str, expected: list[str]) -> None:
    assert units(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Well, “no.” 3.5...", ["Well", ", ", "“no", ".” ", "3.5", "..."]),
        ("¿Sí? ¡Bien!", ["¿Sí", "? ", "¡Bien", "!"]),
        ("用GPU, 好。", ["用", "GPU", ", ", "好", "。"]),
        ("نعم، أين؟", ["نعم", "، ", "أين", "؟"]),
        ("go 'cause", ["go ", "'cause"]),
    ],
)
def test_marks_behind_words_are_pieces_of_their_own(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


SCRIPTS = (
    "ab,. ‘’", "éo\u0301\u0308", "한글\u1112\u1161\u11ab", "か\u3099ｶﾞー。", "葛\U000e0100好，",
    "ไน้ำเย็", "ຳໄນ້", "မြန္မာ်", "ខ្មែរ", ("क्षे", "त्र", "में", "र"), "مرحبًا،؟\u200c",
    "👩\u200d🔧👍🏽🏴\U000e0067\U000e007f🇪🇸❤\ufe0f",
)  # fmt: skip
graphic = st.lists(st.sampled_from(SCRIPTS).flatmap(st.sampled_from), max_size=24).map("".join)


def graphemes(text: str) -> list[str]:
    """By the Unicode Standard Annex 29, as somebody else understood it."""
    regex = pytest.importorskip("regex")
    return list(regex.findall(r"\X", text))


def begins(text: str, whole: str) -> bool:
    """`text` is the beginning of `whole`, and ends between two graphemes of it."""
    edges, at = {0}, 0
    for grapheme in graphemes(whole):
        at += len(grapheme)
        edges.add(at)
    return whole.startswith(text) and (len(text) in edges or whole[len(text) :].isspace())


@example("\u17d2\u0301\u1019")  # a stacker with an accent between it and its letter
@example("\u17d2\U0001f3fd\u1019")
@example(" \u17d2,")  # and one behind white space
@given(graphic)
def test_units_and_pieces_end_where_graphemes_do(text: str) -> None:
    for cut in (units, pieces):
        found = cut(text)
        assert "".join(found) == text
        for n in range(len(found)):
            assert begins("".join(found[:n]), text), found


answers = st.lists(graphic.filter(lambda text: not joins(text[:1] or " ")), min_size=1, max_size=6)


@example(["a\u1039", "a\u1039", "a\u1019"], "live")
@given(answers, st.sampled_from(["live", "steady"]))
def test_nothing_that_is_shown_ends_inside_a_grapheme(told: list[str], setting: str) -> None:
    """Neither promised, nor masked, nor frozen."""
    agreement, heard = Agreement(), Dial(setting, 1)  # type: ignore[arg-type]
    machine, seen = Retranslation("en", "th", True), Dial(setting, 3)  # type: ignore[arg-type]
    machine.window = 2
    for n, text in enumerate(told):
        line = agreement.push(text)
        assert begins(line.promised, line.text)
        if (shown := heard.push(line)) is not None:
            assert begins(str(shown), line.text)
        words = tuple(units("word " * (n + 1)))
        segment = SpeechSegment(0, 0, 0, 0, 0)
        for ask in machine.push(Transcript(segment, "en", Hypothesis(words))):
            line = machine.take(ask, text)
            assert begins(line.promised, line.text)
            if (shown := seen.push(line)) is not None:
                assert begins(str(shown), line.text)


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
    "text",
    [
        "Dr. J. Smith, e.g. of the U.S. office, came.",
        "La Sra. García vino.",
        "Das ist z. B. Nr. 3.",
        "(Mr. Li",
    ],
)
def test_a_full_stop_that_shortens_a_word_ends_no_sentence(text: str) -> None:
    closed, rest = sentences(text)
    assert len(closed) + bool(rest) == 1


@pytest.mark.parametrize("text", ["It costs 3.5. ", "Well... ", "No? ", "It was him.” ", "行。"])
def test_other_marks_do(text: str) -> None:
    assert sentences(text) == ([text], "")


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
