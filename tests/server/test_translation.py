"""What readers get of a language model that does not always translate."""

from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from msgspec.structs import replace

from models.base import EngineError, Request
from models.scripted import ScriptedRecognizer
from server.interpreter import PATIENCE
from server.metrics import Metrics
from server.translation import By, Translation, Unusable
from streaming.messages import Caption, Display, State
from streaming.values import Pair
from tests.server.stage import Stage, loud, quiet

Answer = Callable[[Request], str]


class Model:
    """A language model that says what it is told to say."""

    name = "model"
    generative = True
    forces_prefix = False
    pairs: Sequence[tuple[str, str]] = (("zh", "en"), ("en", "zh"))

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[Request] = []

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def translate(self, request: Request) -> AsyncIterator[str]:
        self.asked.append(request)
        yield self.answer(request)


def translation(answer: Answer) -> tuple[Model, Translation, list[str], list[str]]:
    """The model, how it is asked, what became of the pair, and what was refused."""
    model, changes, refused = Model(answer), list[str](), list[str]()
    made = Translation([model], lambda pair, level, reason: changes.append(reason))
    made.on_refused = refused.append
    return model, made, changes, refused


MODEL = By("model")
MORNING = Request("zh", "en", "早上好，欢迎大家来到这里")


async def test_what_stands_around_a_translation_is_not_shown() -> None:
    _, made, _, refused = translation(lambda _: '"Good morning and welcome."<|im_end|>')
    assert await made.translate(MORNING) == ("Good morning and welcome.", MODEL)
    assert refused == []


async def test_an_operator_can_count_what_was_refused() -> None:
    _, made, _, _ = translation(lambda request: request.text)
    metrics = Metrics()
    made.on_refused = metrics.refused
    with pytest.raises(Unusable):
        await made.translate(MORNING)
    assert b'surtitle_translation_refused_total{what="echo"} 1.0' in metrics.page()


async def test_an_open_line_that_is_no_translation_is_asked_for_once() -> None:
    model, made, changes, refused = translation(lambda request: request.text)
    with pytest.raises(Unusable):
        await made.translate(MORNING)
    assert (len(model.asked), refused, changes) == (1, ["echo"], [])


async def test_a_final_is_asked_for_again_without_what_may_have_led_astray() -> None:
    request = replace(
        MORNING,
        final=True,
        hypothesis="Good",
        context=(Pair("zh", "en", "再见", "Bye"),),
        glossary=(("欢迎", "welcome"),),
    )
    model, made, changes, refused = translation(
        lambda request: "As an AI model, I" if request.context else "Good morning, welcome."
    )
    assert await made.translate(request) == ("Good morning, welcome.", MODEL)
    assert (refused, changes) == (["remark"], [])
    first, second = model.asked
    assert (first.hypothesis, second.hypothesis, second.context) == ("Good", "", ())
    assert second.glossary == request.glossary and second.final


async def test_a_model_that_never_translates_is_down_until_it_does() -> None:
    answers = ["", "I can't help with that."]
    _, made, changes, refused = translation(lambda _: answers[0])
    for _ in range(PATIENCE - 1):
        with pytest.raises(Unusable):
            await made.translate(MORNING)
    assert made.works("zh", "en") and changes == []
    with pytest.raises(EngineError) as error:
        await made.translate(MORNING)
    assert not isinstance(error.value, Unusable)
    assert not made.works("zh", "en")
    assert changes == ["the translator answered nothing"]
    assert refused == ["empty"] * PATIENCE
    made.directions["zh", "en"].serving.rested = 0.0  # time has passed
    answers[0] = "Good morning, everybody."
    assert await made.translate(MORNING) == ("Good morning, everybody.", MODEL)
    assert made.works("zh", "en") and changes[-1] == ""
    answers[0] = "I can't help with that."
    with pytest.raises(Unusable):
        await made.translate(MORNING)


async def test_an_answer_without_end_is_left() -> None:
    _, made, _, refused = translation(lambda _: "and then we went home " * 400)
    with pytest.raises(Unusable):
        await made.translate(MORNING)
    assert refused == ["endless"]


async def test_engines_that_cannot_improvise_are_not_judged() -> None:
    model = Model(lambda request: request.text)
    model.generative = False
    made = Translation([model], lambda *change: None)
    assert await made.translate(MORNING) == (MORNING.text, MODEL)


async def test_an_open_line_stays_as_it_is_while_the_model_talks_nonsense() -> None:
    sane = {"good morning": "早上好", "good morning everybody": "大家早上好"}
    model = Model(lambda request: sane.get(request.text, "As an AI language model, I"))
    script = [["good", "good morning", "good morning to", "good morning to every", *sane]]
    stage = Stage(ScriptedRecognizer(script), model)
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="zh")
    await stage.speak(ana, loud(3_000) + quiet(1_200))
    shown = {caption.text for caption in stage.captions(ben)}
    assert all(any(told.startswith(text) for told in sane.values()) for text in shown)
    assert stage.finals(ben) == [("zh", "大家早上好")]
    assert [one for one in stage.told[ben.id] if isinstance(one, State)] == []


async def test_a_final_that_cannot_be_translated_is_shown_as_it_was_said() -> None:
    model = Model(lambda _: "Sure! Here is the translation: ")
    stage = Stage(ScriptedRecognizer([["good morning everybody"]]), model)
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="zh")
    await stage.speak(ana, loud(700) + quiet(1_200))
    (line,) = [one for one in stage.told[ben.id] if isinstance(one, Caption) and one.final]
    assert (line.text, line.degraded) == ("good morning everybody", "untranslated")
    assert stage.room.context("en", "zh") == ()


async def test_what_is_said_in_the_readers_language_does_not_reach_the_model() -> None:
    model = Model(lambda _: "whatever")
    stage = Stage(ScriptedRecognizer([["good morning"]]), model)
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="en-GB")
    await stage.speak(ana, loud(1_200) + quiet(1_200))
    assert stage.finals(ben) == [("en", "good morning")]
    assert model.asked == []


async def test_every_sentence_is_asked_for_once_as_a_whole_with_those_before_it_as_context() -> (
    None
):
    told = {"It is good.": "好的。", "We begin now.": "我们开始吧。"}
    model = Model(lambda request: told.get(request.text, "我们"))
    said = "It is good. We begin now."
    stage = Stage(ScriptedRecognizer([["It is", "It is good. We", said, said, said]]), model)
    ana = stage.join(hears="en", reads="zh")
    await stage.speak(ana, loud(4_000) + quiet(1_200))
    assert stage.finals(ana)[-1] == ("zh", "好的。我们开始吧。")
    whole = [(one.text, [pair.text for pair in one.context]) for one in model.asked if one.final]
    assert whole == [("It is good.", []), ("We begin now.", ["It is good."])]


async def test_nobody_is_asked_what_marks_alone_mean() -> None:
    model = Model(lambda request: {"Good.": "好。"}.get(request.text, "请提供文本"))
    stage = Stage(ScriptedRecognizer([["Good", "Good. ...", "Good. ..."]]), model)
    ana = stage.join(hears="en", reads="zh")
    await stage.speak(ana, loud(2_000) + quiet(1_200))
    assert stage.finals(ana)[-1] == ("zh", "好。...")
    assert all(any(map(str.isalnum, one.text)) for one in model.asked)


@pytest.mark.parametrize(
    ("displays", "columns"),
    [
        ([Display(32, 3)], 32),
        ([Display(32, 3), Display(80, 24)], 80),
        ([Display(32, 3), None], 0),
        ([None], 0),
    ],
)
async def test_the_model_is_told_how_wide_the_widest_display_is(
    displays: list[Display | None], columns: int
) -> None:
    model = Model(lambda _: "早上好")
    stage = Stage(ScriptedRecognizer([["good morning"]]), model)
    ana = stage.join(hears="en", reads="en")
    for display in displays:
        stage.join("Ben", reads="zh", display=display)
    await stage.speak(ana, loud(1_200) + quiet(1_200))
    assert {request.columns for request in model.asked} == {columns}
