"""A line that is translated while it is spoken: what is frozen, what is asked, what is shown."""

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.dial import Dial, mask
from streaming.retranslation import Ask, Retranslation
from streaming.units import common, units
from streaming.values import Hypothesis, SpeechSegment, Transcript


def said(text: str, promised: str = "", final: bool = False) -> Transcript:
    found, stable = units(text), len(units(promised))
    segment = SpeechSegment(0, 0, 0, 0, 0, final=final)
    return Transcript(segment, "en", Hypothesis(tuple(found), stable, stable, final=final))


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
    text = "one two three four five six seven eight nine ten"
    answered(machine, said(text))
    text += " more"
    line = answered(machine, said(text))
    assert line.promised == "ONE TWO THREE "
    (ask,) = machine.push(said(text + " more"))
    assert ask.prefix == "ONE TWO THREE "
    assert ask.hypothesis == line.text.removeprefix(ask.prefix)


def test_a_sentence_settled_on_both_sides_is_closed_with_its_translation() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    for text in ("We are here. And", "We are here. And now"):
        answered(machine, said(text, promised="We are here. And"))
    line = answered(machine, said("We are here. And now we", promised="We are here. And"))
    assert [(pair.text, pair.translation) for pair in machine.closed] == [
        ("We are here. ", "WE ARE HERE. ")
    ]
    (ask,) = machine.push(said("We are here. And now we go", promised="We are here. And now "))
    assert ask.text == "And now we go"
    assert line.promised.startswith("WE ARE HERE. ")


def test_the_final_pass_is_held_to_nothing_and_sees_the_whole_segment() -> None:
    machine = Retranslation("en", "es", forces_prefix=True)
    for text in ("a b c d e f g h i j", "a b c d e f g h i j k"):
        for ask in machine.push(said(text)):
            machine.take(ask, echo(ask))
    (last,) = machine.push(said("a b c d e f g h i j k l.", final=True))
    assert (last.text, last.prefix, last.final) == ("a b c d e f g h i j k l.", "", True)
    assert last.hypothesis
    line = machine.take(last, "something else")
    assert (line.text, line.promised, line.final) == ("something else", "something else", True)


words = st.sampled_from(["one ", "two ", "three. ", "four ", "five? ", "six, "])


@given(
    st.lists(st.tuples(st.lists(words, max_size=20), st.integers(0, 20)), max_size=10),
    st.booleans(),
    st.data(),
)
@settings(deadline=None)
def test_frozen_text_is_never_repainted_before_the_final(
    steps: list[tuple[list[str], int]], forces_prefix: bool, data: st.DataObject
) -> None:
    machine = Retranslation("en", "es", forces_prefix)
    source: list[str] = []
    sure, before, shown = 0, "", ""
    dial = Dial("live", mask("es", "translation"))
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


line = st.builds(
    lambda units, stable, agreed, quiet: Hypothesis(
        tuple(units), min(stable, len(units)), min(max(stable, agreed), len(units)), quiet
    ),
    st.lists(words, max_size=12),
    st.just(0),
    st.integers(0, 12),
    st.booleans(),
)


def hyp(text: str, stable: int = 0, agreed: int = 0, quiet: bool = False) -> Hypothesis:
    return Hypothesis(tuple(units(text)), stable, agreed, quiet)


def test_the_last_words_of_an_open_translation_are_hidden() -> None:
    dial = Dial("live", mask("es", "translation"))
    text = dial.push(hyp("la casa es muy grande"))
    assert str(text) == "la casa"


def test_words_that_were_answered_twice_are_not_hidden() -> None:
    dial = Dial("live", mask("es", "translation"))
    text = dial.push(hyp("la casa es muy grande", agreed=4))
    assert str(text) == "la casa es muy"


def test_four_han_characters_are_hidden() -> None:
    assert str(Dial("live", mask("zh", "translation")).push(hyp("我们今天去看工厂"))) == "我们今天"


def test_a_pause_shows_the_last_words() -> None:
    dial = Dial("live", 2)
    assert str(dial.push(hyp("la casa es grande", quiet=True))) == "la casa es grande"


def test_what_was_shown_and_still_stands_is_not_hidden_again() -> None:
    dial = Dial("live", 2)
    dial.push(hyp("la casa es grande", quiet=True))
    assert dial.push(hyp("la casa es grande")) is None
    assert dial.push(hyp("la casa es grande y vieja")) is None
    assert str(dial.push(hyp("la casa es grande y vieja ya"))) == "la casa es grande y"


def test_steady_shows_only_what_was_answered_twice() -> None:
    dial = Dial("steady", 1)
    assert dial.push(hyp("la casa es grande")) is None
    assert str(dial.push(hyp("la casa es grande", agreed=4))) == "la casa"


def test_final_shows_nothing_before_the_end() -> None:
    dial = Dial("final", 2)
    assert dial.push(hyp("la casa es grande", 2, 4, quiet=True)) is None
    done = Hypothesis(("la ", "casa"), 2, 2, final=True)
    assert str(dial.push(done)) == "la casa"


@given(st.lists(line, max_size=10), st.sampled_from(["live", "steady"]))
def test_every_update_shows_something_new_that_begins_the_line(
    lines: list[Hypothesis], stability: str
) -> None:
    dial = Dial(stability, 2)  # type: ignore[arg-type]
    before = ""
    for newest in lines:
        text = dial.push(newest)
        if text is None:
            continue
        visible = units(str(text))
        assert common(visible, newest.units) == len(visible)
        assert str(text).rstrip() != before.rstrip()
        before = str(text)
