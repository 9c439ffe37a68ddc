"""What is promised stays; what is promised was said twice."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.agreement import Agreement, several
from streaming.units import units

word = st.sampled_from(["a ", "b ", "c ", "好", "吗", "d"])
hypotheses = st.lists(st.lists(word, max_size=8).map("".join), max_size=12)


def promised(*said: str) -> list[str]:
    agreement = Agreement()
    return [agreement.push(text).promised for text in said]


def test_words_are_promised_once_two_hypotheses_agree() -> None:
    assert promised("the", "the cat", "the cat sat") == ["", "the ", "the cat "]
    assert promised("他", "他说", "他说好") == ["", "他", "他说"]


def test_a_word_that_changed_waits_for_the_next_hypothesis() -> None:
    assert promised("the cat", "the hat", "the hat is") == ["", "the ", "the hat "]


def test_a_promised_word_still_gets_its_mark() -> None:
    said = "we are", "we are", "we are. And", "we are. And so", "we are. And so it"
    assert promised(*said) == ["", "we are", "we are", "we are. And ", "we are. And so "]


def test_a_stop_that_was_only_guessed_hides_no_word_behind_it() -> None:
    said = "we saw it.", "we saw it.", "we saw it now", "we saw it now and"
    assert promised(*said)[-1] == "we saw it. now "


def test_a_space_before_a_mark_stays_where_the_recognizer_has_one() -> None:
    said = "où est-il ? Là", "où est-il ? Là", "où est-il ? Là-bas"
    assert promised(*said)[-1].startswith("où est-il ? ")


def test_a_hypothesis_that_contradicts_a_promise_has_its_say_after_it() -> None:
    agreement = Agreement()
    said = "we saw the", "we saw the", "we sought the red", "we sought the red house"
    line = [agreement.push(text) for text in said][-1]
    assert line.text == "we saw the red house"
    assert line.promised == "we saw the red "


def test_a_word_that_appears_early_does_not_repeat_the_line() -> None:
    agreement = Agreement()
    said = "saw the house", "saw the house", "I saw the house today"
    line = [agreement.push(text) for text in said][-1]
    assert line.text == "saw the house today"


def test_hypotheses_that_come_soon_after_each_other_must_agree_more_often() -> None:
    assert [several(hop) for hop in (160, 256, 320, 500, 2_000)] == [5, 3, 3, 2, 2]
    agreement = Agreement(3)
    lines = [agreement.push(text) for text in ("we", "we saw", "we saw it", "we saw it now")]
    assert [line.promised for line in lines] == ["", "", "we ", "we saw "]
    assert [line.agreed for line in lines] == [0, 1, 2, 3]


@given(hypotheses, st.integers(2, 4))
def test_the_promise_only_grows_and_begins_the_line(said: list[str], several: int) -> None:
    agreement, before = Agreement(several), ""
    for text in said:
        line = agreement.push(text)
        assert line.promised.startswith(before.rstrip())
        assert line.text.startswith(line.promised)
        assert "".join(line.units) == line.text == agreement.newest
        assert line.stable <= line.agreed <= len(line.units)
        before = line.promised


@given(st.lists(word, min_size=1, max_size=8).map("".join))
def test_what_is_said_twice_is_promised_whole(text: str) -> None:
    agreement = Agreement()
    agreement.push(text)
    assert units(agreement.push(text).promised) == units(text)
