"""Two microphones in one room: each voice is published once, and nobody's own words are lost."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.echo import MOST, Echo, Line, dbfs

SENTENCE = "the train to the airport leaves at half past nine tomorrow"
HAN = "我们明天早上九点半在火车站见面"


def line(
    text: str,
    speaker: str = "ana",
    *,
    at: int = 10_000,
    duration: int = 4_000,
    level: float = -20.0,
    segment: int = 1,
    final: bool = True,
) -> Line:
    return Line(speaker, segment, at, duration, text, level, final)


def far(text: str, *, at: int = 10_200, level: float = -32.0, **rest: int | bool) -> Line:
    """The same moment in the microphone of somebody who sits further away."""
    duration, segment = int(rest.get("duration", 4_000)), int(rest.get("segment", 1))
    return Line("bo", segment, at, duration, text, level, bool(rest.get("final", True)))


def published(*lines: Line) -> list[Line]:
    """Those of these finals that are published, in the order they are pushed."""
    echo = Echo()
    return [one for one in lines if echo.push(one) is None]


def test_the_quieter_copy_is_withdrawn() -> None:
    near, copy = line(SENTENCE), far(SENTENCE)
    assert published(near, copy) == [near]


def test_the_verdict_names_the_original() -> None:
    echo = Echo()
    echo.push(line(SENTENCE))
    assert echo.push(far(SENTENCE)) == line(SENTENCE)


def test_a_copy_with_worse_words_is_one() -> None:
    near = line(SENTENCE)
    copy = far("a train to the air port leave at half past nine to morrow")
    assert published(near, copy) == [near]


def test_han_is_compared_without_spaces_and_marks() -> None:
    near = line(HAN + "。")
    assert published(near, far("我们 明天早上九点半 在火车站见")) == [near]


def test_what_is_final_stays_so_the_later_goes_though_louder() -> None:
    copy, near = far(SENTENCE), line(SENTENCE)
    assert published(copy, near) == [copy]


def test_a_copy_yields_to_a_louder_line_that_is_still_open() -> None:
    echo = Echo()
    near = line(SENTENCE, final=False)
    assert echo.push(near) is None
    assert echo.push(far(SENTENCE)) == near
    assert echo.push(line(SENTENCE + " evening")) is None, "the louder is then published"


def test_a_louder_line_does_not_yield_to_an_open_copy() -> None:
    echo = Echo()
    echo.push(far(SENTENCE, final=False))
    assert echo.push(line(SENTENCE)) is None
    assert echo.push(far(SENTENCE)) == line(SENTENCE), "the copy goes at its own final"


def test_an_open_copy_that_became_somebodys_own_words_stays() -> None:
    echo = Echo()
    echo.push(far(SENTENCE, final=False))
    echo.push(line(SENTENCE))
    own = "no it does not I looked it up and we have to be there before eight o'clock"
    assert echo.push(far(f"{SENTENCE} {own}", duration=9_000)) is None


@pytest.mark.parametrize("text", ["yes", "okay okay okay", "thank you", "好的好的好的", "没问题"])
def test_short_answers_of_two_people_stay(text: str) -> None:
    assert len(published(line(text, duration=700), far(text, duration=700))) == 2


def test_two_who_say_the_same_into_their_own_microphones_stay() -> None:
    polite = (
        line("nice to meet you", duration=900),
        far("nice to meet you", level=-21, duration=900),
    )
    assert len(published(*polite)) == 2


def test_microphones_levelled_alike_do_not_hide_the_copy_of_a_long_line() -> None:
    assert len(published(line(SENTENCE), far(SENTENCE, level=-20.5))) == 1


def test_whoever_repeats_to_confirm_stays() -> None:
    said = line("half past nine tomorrow", duration=1_500)
    confirmed = far("half past nine tomorrow", at=11_700, duration=1_500)
    assert len(published(said, confirmed)) == 2


def test_the_same_words_later_stay() -> None:
    assert len(published(line(SENTENCE), far(SENTENCE, at=16_000))) == 2


def test_a_long_copy_may_be_two_seconds_late() -> None:
    late = far(SENTENCE, at=11_900, duration=1_800)
    assert len(published(line(SENTENCE, duration=1_800), late)) == 1


def test_other_words_at_the_same_time_stay() -> None:
    other = far("could somebody please open the window over there")
    assert len(published(line(SENTENCE), other)) == 2


def test_one_speaker_is_never_his_own_echo() -> None:
    first, second = line(SENTENCE), line(SENTENCE, segment=2, level=-40)
    assert published(first, second) == [first, second]


def test_a_copy_cut_in_two_is_withdrawn_piece_by_piece() -> None:
    near = line(SENTENCE)
    pieces = [
        far("the train to the airport leaves", duration=2_000),
        far("at half past nine tomorrow", at=12_300, duration=1_900, segment=2),
    ]
    assert published(near, *pieces) == [near]


def test_a_copy_of_two_lines_in_one_is_withdrawn() -> None:
    near = [
        line("the train to the airport leaves", duration=2_000),
        line("at half past nine tomorrow", at=12_100, duration=1_900, segment=2),
    ]
    assert published(*near, far(SENTENCE)) == near


def test_a_finished_line_beside_the_original_decides_nothing() -> None:
    """bo's own sentence, final, overlaps; his copy of ana's is open: ana's louder final stays."""
    echo = Echo()
    assert echo.push(far("so when do we have to go", at=8_000, duration=2_500)) is None
    echo.push(far(SENTENCE, segment=2, final=False))
    assert echo.push(line(SENTENCE)) is None


def test_three_microphones_publish_one() -> None:
    lines = [
        line(SENTENCE, name, level=level)
        for name, level in zip("abc", (-20, -26, -32), strict=True)
    ]
    for order in itertools.permutations(lines):
        assert len(published(*order)) == 1


def test_levels_are_below_full_scale() -> None:
    assert dbfs(32_768**2) == 0
    assert dbfs(0) == -100
    assert dbfs(200) - dbfs(100) == pytest.approx(3.01, abs=0.01)


words = st.lists(
    st.sampled_from(
        ["garden", "window", "letter", "yellow", "purple", "silver", "quickly", "people", "sister"]
    ),
    min_size=4,
    max_size=9,
    unique=True,
)
levels = st.floats(3.1, 30)


@given(words, levels, st.integers(0, 900), st.permutations(range(4)))
def test_of_one_voice_in_two_microphones_exactly_one_line_is_published(
    said: list[str], quieter: float, skew: int, order: list[int]
) -> None:
    """Whatever comes first of two updates and two finals."""
    text, duration = " ".join(said), 400 * len(said)
    near = line(text, duration=duration)
    copy = far(text, at=10_000 + min(skew, duration // 2), level=-20 - quieter, duration=duration)
    half = " ".join(said[: len(said) // 2])
    echo = Echo()
    open_near = line(half, duration=duration // 2, final=False)
    open_copy = far(half, at=copy.at, level=copy.level, duration=duration // 2, final=False)
    kept = 0
    seen: set[str] = set()
    for one in [(open_near, open_copy, near, copy)[n] for n in order]:
        if one.speaker in seen:
            continue  # after its final nothing comes
        verdict = echo.push(one)
        assert one.final or verdict is None
        if one.final:
            seen.add(one.speaker)
            kept += verdict is None
    assert kept == 1


@given(words, words, levels, st.booleans())
def test_no_word_is_lost_when_the_copy_is_cut_elsewhere(
    first: list[str], second: list[str], quieter: float, copy_first: bool
) -> None:
    """One microphone hears one line, the other two; all finals, in any order of the two people."""
    text = " ".join([*first, *second])
    cut, whole = 400 * len(first), 400 * (len(first) + len(second))
    near = [line(text, duration=whole)]
    copy = [
        far(" ".join(first), at=10_000, duration=cut, level=-20 - quieter),
        far(
            " ".join(second), at=10_000 + cut, duration=whole - cut, level=-20 - quieter, segment=2
        ),
    ]
    lines = [*copy, *near] if copy_first else [*near, *copy]
    kept = published(*lines)
    assert kept == (copy if copy_first else near)


@given(
    st.lists(
        st.builds(
            line,
            st.sampled_from(
                ["", "yes", SENTENCE, HAN, "…", "no it does not", SENTENCE + " " + HAN]
            ),
            st.sampled_from("abcd"),
            at=st.integers(0, 60_000),
            duration=st.integers(0, 15_000),
            level=st.floats(-100, 0),
            segment=st.integers(0, 30),
            final=st.booleans(),
        ),
        max_size=60,
    )
)
def test_a_line_is_only_withdrawn_for_somebody_else_who_says_as_much(lines: list[Line]) -> None:
    echo = Echo()
    for one in lines:
        original = echo.push(one)
        if original is not None:
            assert one.final and original.speaker != one.speaker
            assert original.text not in ("", "yes", "…")
            assert len(one.text) > len("thank you")


def test_a_long_evening_takes_no_memory() -> None:
    echo = Echo()
    for n in range(2_000):
        echo.push(line(SENTENCE, at=n * 3_000, segment=n))
    assert len(echo) < 12


def test_lines_whose_times_stand_still_take_no_memory() -> None:
    echo = Echo()
    for n in range(2 * MOST):
        echo.push(line("so", segment=n))
    assert len(echo) <= MOST
