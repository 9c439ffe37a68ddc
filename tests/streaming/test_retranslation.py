"""A line that is translated while it is spoken: what is frozen, what is asked, what is shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.dial import Dial, mask
from streaming.retranslation import MOST, STILL_MS, Ask, Retranslation
from streaming.units import common, pieces
from streaming.values import Hypothesis, SpeechSegment, Transcript, samples


def said(text: str, promised: str = "", final: bool = False, ms: int = 0) -> Transcript:
    found, stable = pieces(text), len(pieces(promised))
    segment = SpeechSegment(0, 0, 0, 0, samples(ms), final=final)
    return Transcript(segment, "en", Hypothesis(tuple(found), stable, stable, final=final))


def agreed(machine: Retranslation, *told: tuple[str, str]) -> list[str]:
    """What is agreed after each source and its answer."""
    found = []
    for source, answer in told:
        for ask in machine.push(said(source)):
            line = machine.take(ask, answer)
            found.append("".join(line.units[: line.agreed]).rstrip())
    return found


def echo(ask: Ask) -> str:
    """A translator that says the source again in capitals, after the prefix."""
    whole = ask.text.upper()
    return whole[len(ask.prefix) :] if whole.startswith(ask.prefix) else whole


def answered(machine: Retranslation, transcript: Transcript) -> Hypothesis:
    """The line once everything it asks for is answered."""
    for ask in machine.push(transcript):
        machine.take(ask, echo(ask))
    return machine.line()


def test_the_whole_open_text_is_translated_again_when_it_changes() -> None:
    machine = Retranslation("en", "es", forces_prefix=False)
    assert machine.push(said("we saw")) == [Ask("we saw")]
    machine.take(Ask("we saw"), "vimos")
    assert machine.push(said("we saw")) == []
    assert machine.push(said("we saw it")) == [Ask("we saw it", hypothesis="vimos")]


def test_closed_sentences_are_translated_once() -> None:
    machine = Retranslation("en", "es", forces_prefix=False)
    first, second = machine.push(said("Good morning. We", promised="Good morning. "))
    assert (first.text, first.closes) == ("Good morning. ", True)
    assert second.text == "We"
    machine.take(first, "Buenos días.")
    assert machine.take(second, "nosotros").text == "Buenos días. nosotros"
    (again,) = machine.push(said("Good morning. We are", promised="Good morning. We"))
    assert again.text == "We are"
    line = machine.take(again, "somos")
    assert line.text == "Buenos días. somos"
    assert line.promised == "Buenos días. "


def test_a_sentence_end_that_is_only_guessed_is_left_out() -> None:
    machine = Retranslation("en", "es", forces_prefix=False)
    assert machine.push(said("we saw it."))[0].text == "we saw it"


def test_old_units_that_were_answered_twice_are_frozen_and_forced() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    answered(machine, said(text))
    text += " more"
    line = answered(machine, said(text))
    assert line.promised == "ONE TWO THREE "
    (ask,) = machine.push(said(text + " more"))
    assert ask.prefix == "ONE TWO THREE "
    assert ask.hypothesis == line.text.removeprefix(ask.prefix)


@pytest.mark.parametrize(("source", "target"), [("en", "es"), ("ko", "ja"), ("de", "en")])
def test_answers_agree_on_what_all_say_while_a_word_is_heard(source: str, target: str) -> None:
    machine = Retranslation(source, target, forces_prefix=True)
    assert agreed(machine, ("a", "Ana"), ("a b", "Ana fue"), ("a b c", "Ana fue")) == [
        *("", "Ana", "Ana fue")
    ]


ORDERS = pytest.mark.parametrize(("source", "target"), [("ko", "en"), ("en", "ko"), ("tr", "de")])


@ORDERS
def test_answers_that_stay_as_they_are_take_long_where_the_verb_comes_last_on_one_side(
    source: str, target: str
) -> None:
    machine = Retranslation(source, target, forces_prefix=True)
    states = ["a", "a b", "a b c", "a b c d", "a b c d e"]
    assert agreed(machine, *((state, "Ana ayer") for state in states)) == [
        *["", "", "", ""],
        "Ana ayer",
    ]


@ORDERS
def test_there_a_word_is_enough_for_what_something_new_was_said_behind(
    source: str, target: str
) -> None:
    at_once = Retranslation(source, target, forces_prefix=True)
    assert agreed(at_once, ("a", "Ana"), ("a b", "Ana fue ayer")) == ["", "Ana"]
    twice = Retranslation(source, target, forces_prefix=True)
    assert agreed(twice, ("a", "Ana"), ("a b", "Ana fue"), ("a b c", "Ana fue")) == ["", "", "Ana"]


@ORDERS
def test_another_last_word_each_time_is_nothing_new_there(source: str, target: str) -> None:
    machine = Retranslation(source, target, forces_prefix=True)
    answers = [("a", "Ana"), ("a b", "Ana va"), ("a b c", "Ana es"), ("a b c d", "Ana fue")]
    assert agreed(machine, *answers) == ["", "", "", ""]


def test_what_is_said_once_the_verb_was_heard_agrees_with_the_next_character() -> None:
    before = Retranslation("ja", "en", forces_prefix=True)
    assert agreed(before, ("母は中国語を", "My mother"), ("母は中国語を話", "My mother")) == [
        "",
        "",
    ]
    after, answer = Retranslation("ja", "en", forces_prefix=True), "My mother speaks Chinese"
    states = ("母は中国語を話します", "母は中国語を話します、", "母は中国語を話しますが")
    assert agreed(after, *((state, answer) for state in states)) == ["", "", answer]


def test_where_both_have_it_last_the_verb_tells_nothing_more() -> None:
    machine = Retranslation("ja", "ko", forces_prefix=True)
    states = ("話します", "話しますが", "話しますが私")
    assert agreed(machine, *((state, "말합니다") for state in states)) == ["", "", "말합니다"]


def test_what_the_verb_alone_made_sure_is_not_frozen() -> None:
    machine = Retranslation("ja", "en", forces_prefix=True)
    machine.window = 1
    for text in ("話します", "話しますが", "話しますが私"):
        for ask in machine.push(said(text)):
            machine.take(ask, "She speaks it, but")
    line = machine.line()
    assert (line.agreed, line.stable) == (5, 0)


def test_a_word_of_han_is_two_characters() -> None:
    machine = Retranslation("zh", "es", forces_prefix=True)
    steps = []
    for text in ("我", "我们", "我们去"):
        for ask in machine.push(said(text)):
            steps.append(machine.take(ask, "vamos").agreed)
    assert steps == [0, 0, 1]


def test_an_answer_to_the_same_words_is_no_second_answer_until_nothing_new_comes() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    answered(machine, said("wait here"))
    assert answered(machine, said("wait here", ms=STILL_MS - 1)).agreed == 0
    assert answered(machine, said("wait here", ms=STILL_MS)).agreed == 2


def test_a_sentence_is_asked_for_as_a_whole_once_its_end_is_promised() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    answered(machine, said("We are here. And"))
    first, second = machine.push(said("We are here. And now", promised="We are here. "))
    assert first == Ask("We are here. ", hypothesis="WE ARE HERE. ", closes=True)
    assert second == Ask("And now", hypothesis="AND")
    machine.take(first, "estamos aquí.")
    line = machine.take(second, "y ahora")
    assert [(pair.text, pair.translation) for pair in machine.closed] == [
        ("We are here.", "estamos aquí.")
    ]
    assert (line.promised, line.text) == ("estamos aquí. ", "estamos aquí. y ahora")


def test_what_is_frozen_of_a_sentence_begins_its_whole_translation() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    machine.window = 2
    for text in ("ana ben cal dia eva", "ana ben cal dia eva fin"):
        answered(machine, said(text))
    assert "".join(machine.frozen) == "ANA BEN CAL DIA "
    (ask,) = machine.push(said("ana ben cal dia eva fin.", promised="ana ben cal dia eva fin."))
    assert (ask.text, ask.prefix, ask.closes) == (
        "ana ben cal dia eva fin.",
        "ANA BEN CAL DIA ",
        True,
    )
    assert machine.take(ask, "y fin.").text == "ANA BEN CAL DIA y fin."


def test_what_is_frozen_in_steps_keeps_its_words_apart() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    machine.window = 1
    for text, answer in (
        ("a", "uno. dos"),
        ("a b", "uno. dos"),
        ("a b c", "dos tres"),
        ("a b c d", "dos tres"),
    ):
        (ask,) = machine.push(said(text))
        machine.take(ask, answer)
    assert "".join(machine.frozen).startswith("uno dos")


def test_nothing_behind_the_first_sentence_is_frozen() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    machine.window = 1
    for text in (
        "ana ben. cal dia eva",
        "ana ben. cal dia eva fin",
        "ana ben. cal dia eva fin gus",
    ):
        answered(machine, said(text))
    assert "".join(machine.frozen) == "ANA BEN"


def test_the_final_pass_is_held_to_nothing_and_goes_through_the_whole_segment() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    for text in (
        "ana ben cal dia eva fin gus hal ivo jon",
        "ana ben cal dia eva fin gus hal ivo jon kim",
    ):
        answered(machine, said(text))
    asks = machine.push(said("ana ben cal dia eva fin. gus hal ivo jon kim leo", final=True))
    assert [(ask.text, ask.prefix, ask.final) for ask in asks] == [
        ("ana ben cal dia eva fin. ", "", True),
        ("gus hal ivo jon kim leo", "", True),
    ]
    machine.take(asks[0], "something else.")
    (before,) = machine.closed  # the context of the next
    assert before.text == "ana ben cal dia eva fin."
    line = machine.take(asks[1], "and more")
    told = "something else. and more"
    assert (line.text, line.promised, line.final) == (told, told, True)


def test_a_final_asks_for_no_sentence_that_was_answered_whole_and_held_to_nothing() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    answered(machine, said("We go. You stay. And", promised="We go. You stay. "))
    (ask,) = machine.push(said("We go. You stay. And then?", final=True))
    assert ask.text == "And then?"
    assert machine.take(ask, "¿Y qué?").text == "WE GO. YOU STAY. ¿Y qué?"


def test_a_final_asks_again_for_what_was_heard_otherwise_or_begun_too_soon() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    machine.window = 2
    for text in ("ana ben cal dia eva", "ana ben cal dia eva fin"):
        answered(machine, said(text))
    answered(
        machine,
        said(
            "ana ben cal dia eva fin. You say. We go. ",
            promised="ana ben cal dia eva fin. You say. We go. ",
        ),
    )
    asks = machine.push(said("ana ben cal dia eva fin. You stay. We go.", final=True))
    assert [ask.text for ask in asks] == ["ana ben cal dia eva fin. ", "You stay. "]


def test_a_final_that_could_not_be_had_whole_is_asked_for_from_there() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    whole = said("We go. You stay.", final=True)
    machine.take(machine.push(whole)[0], "Vamos.")
    (left,) = machine.push(whole)
    assert left.text == "You stay."
    assert machine.take(left, "Te quedas.").text == "Vamos. Te quedas."


def test_a_space_that_comes_late_makes_no_other_sentence() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    answered(machine, said("We go.", promised="We go."))
    answered(machine, said("We go. You stay. And", promised="We go. You stay. "))
    assert [pair.text for pair in machine.closed] == ["We go.", "You stay."]
    (ask,) = machine.push(said("We go. You stay. And I", final=True))
    assert ask.text == "And I"


def test_a_crowd_of_sentences_is_asked_for_together_from_some_on() -> None:
    many = "".join(f"So {n}! " for n in range(3 * MOST))
    machine = Retranslation("en", "es", forces_prefix=True)
    *alone, rest = machine.push(said(many, promised=many))
    assert len(alone) == MOST and all(ask.closes for ask in alone) and not rest.closes
    for ask in (*alone, rest):
        machine.take(ask, echo(ask))
    (left,) = machine.push(said(many, final=True))
    assert "".join([*(f"{pair.text} " for pair in machine.closed), left.text]) == many
    assert machine.take(left, echo(left)).final


def test_a_final_without_words_is_one_at_once() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    answered(machine, said("um"))
    assert machine.push(said("", final=True)) == []
    assert machine.line() == Hypothesis((), 0, 0, final=True)


words = st.sampled_from(["one ", "two ", "three. ", "four ", "five? ", "six, ", "ます。"])


@given(
    st.lists(st.tuples(st.lists(words, max_size=20), st.integers(0, 20)), max_size=10),
    st.booleans(),
    st.sampled_from([("en", "es"), ("en", "ja"), ("ja", "en")]),
    st.data(),
)
@settings(deadline=None)
def test_frozen_text_is_never_repainted_before_the_final(
    steps: list[tuple[list[str], int]],
    forces_prefix: bool,
    pair: tuple[str, str],
    data: st.DataObject,
) -> None:
    source_language, target = pair
    machine = Retranslation(source_language, target, forces_prefix)
    source: list[str] = []
    sure, before, shown = 0, "", ""
    dial = Dial("live", mask(target, "translation"))
    for more, promise in steps:
        source = source[:sure] + more
        sure = max(sure, min(promise, len(source)))
        transcript = said("".join(source), "".join(source[:sure]))
        for ask in machine.push(transcript):
            line = machine.take(ask, "".join(data.draw(st.lists(words, max_size=20))).upper())
            assert line.promised.startswith(before.rstrip())
            assert line.stable <= line.agreed <= len(line.units)
            before = line.promised
            text = dial.push(line)
            if text is not None:
                assert text.stable.startswith(shown.rstrip())
                shown = text.stable


answers = st.lists(st.lists(words, max_size=30), min_size=1, max_size=8)


@given(answers, st.sampled_from(["es", "zh", "ja"]))
def test_only_what_is_old_and_was_in_several_answers_is_frozen(
    told: list[list[str]], target: str
) -> None:
    machine = Retranslation("en", target, forces_prefix=True)
    several = machine.evidence + 1  # the source grows by a word an answer
    wholes: list[list[str]] = []
    for n, answer in enumerate(told):
        (ask,) = machine.push(said("word " * (n + 1)))
        held = pieces(ask.prefix)
        wholes.append(held + pieces("".join(answer)))
        line = machine.take(ask, "".join(answer))
        frozen = machine.frozen
        last = wholes[-several:]
        assert len(frozen) == len(held) or len(last) == several
        assert common(frozen, held) == len(held), "what was frozen stays"
        assert all(common(frozen, whole) == len(frozen) for whole in last)
        assert len(line.units) - len(frozen) >= min(len(wholes[-1]) - len(held), machine.window)


@given(
    st.lists(st.tuples(st.lists(words, max_size=20), st.integers(0, 20)), max_size=10),
    st.lists(words, max_size=20),
)
def test_a_final_is_what_it_would_be_had_nothing_been_asked_before(
    steps: list[tuple[list[str], int]], end: list[str]
) -> None:
    machine, alone = (Retranslation("en", "es", forces) for forces in (True, False))
    machine.window = 2
    source: list[str] = []
    sure = 0
    for more, promise in steps:
        source = source[:sure] + more
        sure = max(sure, min(promise, len(source)))
        answered(machine, said("".join(source), "".join(source[:sure])))
    final = said("".join(end), final=True)
    line = answered(machine, final)
    assert line.final
    assert line == answered(alone, final)
