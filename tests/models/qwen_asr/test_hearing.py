"""A segment from its first sound to its final, by a model that answers as it is told to here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from models.base import EngineError, Heard, Hints
from models.guards.transcripts import NO_HINTS
from models.qwen_asr.hearing import Answer, Question, QwenHearing
from models.qwen_asr.tongue import Tongue
from streaming.agreement import Agreement
from streaming.values import samples

HOP = samples(320)
AT = np.arange(samples(30_000)) / 16_000
SYLLABLES = np.maximum(0, np.sin(2 * np.pi * 4 * AT)) * np.sin(2 * np.pi * 180 * AT)
VOICE = (6_000 * SYLLABLES).astype("<i2").tobytes()
LOOP = "no " * 40


@dataclass
class Model:
    """Answers one after the other, the last for good."""

    answers: list[Answer | EngineError]
    asked: list[Question] = field(default_factory=list)

    async def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, EngineError):
            raise answer
        return answer


class Segment:
    """A segment that is heard hop by hop, with the answers to each."""

    def __init__(
        self,
        *answers: str | tuple[str, str] | EngineError,
        languages: Sequence[str] = ("en",),
        usual: str = "",
        hints: Hints = NO_HINTS,
        sound: bytes = VOICE,
    ) -> None:
        told = [
            one if isinstance(one, EngineError) else Answer(*one)
            for one in ((one,) if isinstance(one, str) else one for one in answers)
        ]
        self.model, self.spoken, self.sound, self.at = Model(told), [""], sound, 0
        tongue = Tongue(languages, usual or languages[0])
        self.doubts: list[str] = []
        self.hearing = QwenHearing(
            tongue, hints, self.model, self.spoken.append, self.doubts.append
        )

    def more(self, hops: int = 1) -> bytes:
        start, self.at = self.at, self.at + 2 * HOP * hops
        return self.sound[start : self.at]

    async def hear(self, committed: str = "", hops: int = 1) -> str:
        return (await self.hearing.hear(self.more(hops), committed)).text

    async def finish(self) -> Heard:
        return await self.hearing.finish(self.more())


async def test_a_line_grows_from_its_promise_and_ends_with_a_pass_over_everything() -> None:
    segment = Segment("good", " morning every", " every body.", "Good morning, everybody.")
    assert await segment.hear() == "good"
    assert await segment.hear("good ") == "morning every"  # the promise's last word is said again
    assert await segment.hear("good morning ") == "good every body."
    assert await segment.finish() == Heard("Good morning, everybody.", "en")
    begins = [question.begin for question in segment.model.asked]
    assert begins == ["", "", "good", ""]
    assert {question.language for question in segment.model.asked} == {"en"}
    assert len(segment.model.asked[-1].sound) == 2 * 4 * HOP
    assert segment.spoken[-1] == "en"


async def test_agreement_over_its_answers_makes_chinese_stable_by_the_character() -> None:
    said = "我们今天去公园散步"
    segment, agreement = Segment("", languages=["zh"]), Agreement(3)

    async def answer(question: Question) -> Answer:
        return Answer(said[len(question.begin) : len(question.sound) // (2 * HOP)])

    segment.hearing = QwenHearing(Tongue(["zh"], "zh"), Hints(), answer, segment.spoken.append)
    for n in range(1, len(said) + 1):
        line = agreement.push(await segment.hear(agreement.committed))
        assert line.text == said[:n] and line.stable == max(0, n - 2)


async def test_too_little_sound_has_no_words() -> None:
    segment = Segment("Uh huh.")
    assert (await segment.hearing.hear(VOICE[:100], "")).text == ""
    assert (await segment.hearing.finish(b"")).text == ""
    assert segment.model.asked == []


async def test_the_model_never_hears_digital_silence() -> None:
    segment = Segment("", sound=bytes(2 * HOP) + VOICE)
    await segment.hear()
    await segment.hear()
    heard = np.frombuffer(segment.model.asked[-1].sound, "<i2")
    assert heard.all() or np.abs(heard[:HOP]).max() <= 3
    assert heard[:HOP].any()


async def test_sound_of_an_answer_that_failed_is_not_lost() -> None:
    segment = Segment(EngineError("gone"), "one two")
    with pytest.raises(EngineError):
        await segment.hear()
    assert await segment.hear() == "one two"
    assert len(segment.model.asked[-1].sound) == 2 * 2 * HOP


async def test_a_language_is_named_once_and_then_forced() -> None:
    segment = Segment(
        ("你好", "zh"), ("你好吗", "zh"), "", "你好吗？", languages=["en", "zh"], usual="en"
    )
    assert await segment.hear() == ""  # one answer is a guess
    assert await segment.hear() == "你好吗"
    assert await segment.hear("你好吗") == "你"
    assert await segment.finish() == Heard("你好吗？", "zh")
    assert [question.language for question in segment.model.asked] == [None, None, "zh", "zh"]
    assert segment.spoken[-1] == "zh"


async def test_the_next_segment_may_be_in_the_other_language() -> None:
    for language, words in (("en", "hello there"), ("zh", "你好")):
        segment = Segment((words, language), languages=["en", "zh"])
        await segment.hear()
        assert await segment.hearing.hear(segment.more(), "") == Heard(words, language)


async def test_a_word_too_short_for_two_answers_is_in_the_language_it_names() -> None:
    segment = Segment(("好。", "zh"), languages=["en", "zh"])
    assert await segment.finish() == Heard("好。", "zh")


async def test_a_language_nobody_speaks_here_is_asked_again_as_the_one_spoken_before() -> None:
    segment = Segment(
        ("Guten Tag", "nl"), ("Guten Tag", "nl"), "Good day.", languages=["zh", "en"], usual="en"
    )
    assert await segment.hear() == ""
    assert await segment.finish() == Heard("Good day.", "en")
    assert [question.language for question in segment.model.asked] == [None, None, "en"]


async def test_a_script_that_the_microphone_does_not_hear_is_not_shown() -> None:
    segment = Segment("Спасибо", ("Продолжение", "ru"))
    assert await segment.hear() == ""
    assert await segment.finish() == Heard("", "en")


async def test_a_loop_is_not_shown_and_the_promise_that_led_into_it_is_not_continued() -> None:
    segment = Segment("I said", f" {LOOP}", "I said no way")
    assert await segment.hear() == "I said"
    assert await segment.hear("I said ") == "I said"
    assert await segment.hear("I said ") == "I said no way"
    assert [question.begin for question in segment.model.asked] == ["", "I", ""]


async def test_a_final_that_loops_is_asked_for_without_anything_that_misleads() -> None:
    hints = Hints(("waveguide",), "Why?")
    segment = Segment(LOOP, ("No, no.", "en"), hints=hints)
    assert (await segment.finish()).text == "No, no."
    first, second = segment.model.asked
    assert (first.language, first.hints) == ("en", hints)
    assert (second.language, second.hints) == (None, Hints())


async def test_a_final_that_cannot_be_had_is_what_was_believed_before() -> None:
    segment = Segment("I said no", LOOP, (LOOP, "en"))
    await segment.hear()
    assert (await segment.finish()).text == "I said no"
    segment = Segment(LOOP, (LOOP, "en"))
    assert (await segment.finish()).text == "no"
    for loop in (LOOP, "Thank you. " * 9):
        segment = Segment(loop, (loop, "en"), sound=bytes(len(VOICE)))
        assert (await segment.finish()).text == ""


async def test_more_text_than_its_sound_allows_is_not_shown() -> None:
    segment = Segment("a b c", "and so on and on " + " ".join(map(str, range(9))) + " x" * 99)
    assert await segment.hear() == "a b c"
    assert await segment.hear() == "a b c"


async def test_a_line_that_turns_out_to_be_nothing_is_withdrawn() -> None:
    quiet = np.random.default_rng(1).normal(0, 8, samples(9_000)).astype("<i2").tobytes()
    segment = Segment("Thank you for", "Thank you for watching!", ("", ""), sound=quiet)
    assert await segment.hear() == "Thank you for"
    assert (await segment.finish()).text == ""
    assert segment.model.asked[-1].language is None  # nothing forces it to find words


async def test_thanks_that_were_spoken_stay() -> None:
    segment = Segment("Thank you.")
    assert await segment.hear(hops=4) == "Thank you."
    assert (await segment.finish()).text == "Thank you."


async def test_credits_of_subtitles_are_cut_from_what_was_said() -> None:
    segment = Segment("See you on Monday. Subtitles by the Amara.org community")
    assert await segment.hear(hops=6) == "See you on Monday."


async def test_hints_are_given_but_a_sentence_never_where_it_would_sway_the_language() -> None:
    hints = Hints(("Hei Peng", "波导"), "Where is it?")
    alone, shared = Segment("", hints=hints), Segment("", languages=["en", "zh"], hints=hints)
    for segment in (alone, shared):
        await segment.hear()
    assert alone.model.asked[0].hints == hints
    assert shared.model.asked[0].hints == Hints(("Hei Peng", "波导"))


async def test_who_repeats_the_last_sentence_is_heard_and_a_model_that_does_is_not() -> None:
    hints = Hints((), "Where is the display?")
    segment = Segment("Where is the display?", "It is here.", hints=hints)
    assert await segment.hear(hops=6) == ""
    assert await segment.hear() == "It is here."
    segment = Segment("Where is the display?", ("Where is the display?", "en"), hints=hints)
    await segment.hear(hops=6)
    assert (await segment.finish()).text == "Where is the display?"


async def test_an_operator_is_told_of_each_answer_that_was_not_believed() -> None:
    credit = "Subtitles by the Amara.org community"
    segment = Segment("I said", LOOP, credit, "Спасибо", ("no way", "en"))
    for _ in range(3):
        await segment.hear()
    assert (await segment.finish()).text == "no way"
    assert segment.doubts == ["loop", "phantom", "foreign"]
