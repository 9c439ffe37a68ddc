"""What each reader sees of one shared stream."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.dial import STEADY, Dial, mask
from streaming.messages import Stability
from streaming.units import common, mark, pieces
from streaming.values import Hypothesis


def hyp(
    text: str, agreed: int = 0, stable: int = 0, quiet: bool = False, final: bool = False
) -> Hypothesis:
    found = tuple(pieces(text))
    agreed = max(agreed, stable)
    return Hypothesis(found, min(stable, len(found)), min(agreed, len(found)), quiet, final)


def shown(dial: Dial, *lines: Hypothesis) -> list[str | None]:
    """What the reader gets after each line; None: nothing new."""
    texts = [dial.push(line) for line in lines]
    return [None if text is None else str(text) for text in texts]


def live(language: str = "es") -> Dial:
    return Dial("live", mask(language, "translation"))


def test_words_are_shown_once_they_were_agreed_on_but_the_last_of_all() -> None:
    assert shown(
        live(), hyp("la casa"), hyp("la casa es", agreed=2), hyp("la casa es azul", agreed=4)
    ) == [None, "la casa", "la casa es"]


def test_a_word_of_han_or_kana_is_hidden() -> None:
    assert shown(live("zh"), hyp("我们今天去", agreed=5)) == ["我们今"]
    assert shown(live("ja"), hyp("これはペンです", agreed=7)) == ["これはペン"]
    transcript = Dial("live", mask("zh", "transcript"))
    assert shown(transcript, hyp("我们今天去", agreed=5)) == ["我们今天"]


def test_a_mark_waits_for_the_word_after_it() -> None:
    """Whether it is a comma or a full stop is known only then."""
    assert shown(live(), hyp("hola, buenos", agreed=3), hyp("hola, buenos días", agreed=4)) == [
        "hola",
        "hola, buenos",
    ]


def test_a_pause_shows_the_last_word_that_was_agreed_on() -> None:
    line = hyp("la casa es", agreed=3)
    assert shown(live(), line, hyp("la casa es", agreed=3, quiet=True)) == ["la casa", "la casa es"]


def test_what_was_shown_and_still_stands_is_not_hidden_again() -> None:
    dial = live()
    assert shown(dial, hyp("la casa es grande", agreed=4, quiet=True)) == ["la casa es grande"]
    assert shown(dial, hyp("la casa es grande"), hyp("la casa es grande y")) == [None, None]
    assert shown(dial, hyp("la casa es grande y vieja", agreed=6)) == ["la casa es grande y"]


def test_a_change_that_is_taken_back_at_once_is_never_seen() -> None:
    dial = live()
    first, other = hyp("la casa es", agreed=3), hyp("el caso es raro", agreed=0)
    assert shown(dial, first, other, hyp("la casa es azul", agreed=0)) == ["la casa", None, None]


def test_a_change_that_was_agreed_on_repaints() -> None:
    dial = live()
    assert shown(dial, hyp("la casa es", agreed=3), hyp("el caso es raro", agreed=3)) == [
        "la casa",
        "el caso es",
    ]


def test_steady_hides_more_of_the_end() -> None:
    text = "uno dos tres cuatro cinco seis"
    assert shown(Dial("steady", 1), hyp(text), hyp(text, agreed=6)) == [None, "uno dos tres"]


def test_final_shows_nothing_before_the_end() -> None:
    dial = Dial("final", 1)
    assert shown(dial, hyp("la casa es", 2, 2, quiet=True), hyp("la casa", final=True)) == [
        None,
        "la casa",
    ]


words = st.sampled_from(["uno ", "dos ", "tres", ". ", "四", "五", "，", "น้ำ", "café "])


@st.composite
def growing(draw: st.DrawFn) -> list[Hypothesis]:
    """A line that keeps the law: what is stable stays, and all of it ends at most once."""
    stable: list[str] = []
    lines = []
    for _ in range(draw(st.integers(0, 8))):
        guessed = draw(st.lists(words, max_size=8))
        agreed = draw(st.integers(0, len(guessed)))
        quiet = draw(st.booleans())
        known = len(stable)
        lines.append(Hypothesis((*stable, *guessed), known, known + agreed, quiet))
        stable += guessed[: draw(st.integers(0, agreed))]
    return lines


def spoken(units: Sequence[str]) -> int:
    return sum(not mark(unit) for unit in units)


@given(growing(), st.sampled_from(["live", "steady"]), st.integers(1, 3))
def test_nothing_stable_is_hidden_and_nothing_agreed_but_the_last_words(
    lines: list[Hypothesis], setting: Stability, hidden: int
) -> None:
    dial = Dial(setting, hidden)
    for line in lines:
        dial.push(line)
        seen = dial.shown
        assert common(seen, line.units[: line.stable]) == line.stable
        if common(seen, line.units) < len(seen):
            continue  # contradicted by one answer only
        most = hidden * (STEADY if setting == "steady" else 1)
        withheld = line.units[len(seen) : line.agreed]
        assert spoken(withheld) <= max(0, most - spoken(line.units[line.agreed :]))


@given(growing(), st.sampled_from(["live", "steady"]), st.integers(1, 3))
def test_nothing_is_shown_that_was_not_agreed_on(
    lines: list[Hypothesis], setting: Stability, hidden: int
) -> None:
    dial, longest = Dial(setting, hidden), 0
    for line in lines:
        longest = max(longest, line.agreed)
        if dial.push(line) is not None:
            assert len(dial.shown) <= longest
            assert dial.shown == line.units[: len(dial.shown)], "the newest line's beginning"


@given(growing())
def test_steady_never_shows_more_than_live(lines: list[Hypothesis]) -> None:
    fast, slow = Dial("live", 1), Dial("steady", 1)
    for n, line in enumerate(lines):
        fast.push(line)
        slow.push(line)
        if n == 0:
            assert len(slow.shown) <= len(fast.shown)


@given(growing(), st.sampled_from(["live", "steady"]))
def test_an_update_changes_something_and_its_stable_part_only_grows(
    lines: list[Hypothesis], setting: Stability
) -> None:
    dial, before, stable = Dial(setting, 1), "", ""
    for line in lines:
        text = dial.push(line)
        if text is None:
            continue
        assert str(text).rstrip() != before.rstrip()
        assert text.stable.startswith(stable.rstrip())
        before, stable = str(text), text.stable


@pytest.mark.parametrize("setting", ["live", "steady", "final"])
@given(lines=growing(), final=st.lists(words, max_size=6))
def test_the_final_shows_everything_whatever_was_before(
    setting: Stability, lines: list[Hypothesis], final: list[str]
) -> None:
    dial = Dial(setting, 2)
    for line in lines:
        dial.push(line)
    end = dial.push(Hypothesis(tuple(final), len(final), len(final), final=True))
    assert end is not None
    assert (end.stable, end.draft) == ("".join(final), "")
