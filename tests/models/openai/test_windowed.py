"""Recognizers that hear a segment as a whole: what is shown of what they write down."""

from collections.abc import Sequence

import numpy as np
import pytest

from models.base import EngineError, Heard
from models.openai.transcriptions import Transcriptions
from models.openai.windowed import Windowed
from streaming.values import samples

HOP = samples(640)
AT = np.arange(samples(20_000)) / 16_000
SYLLABLES = np.maximum(0, np.sin(2 * np.pi * 4 * AT)) * np.sin(2 * np.pi * 180 * AT)
VOICE = (6_000 * SYLLABLES).astype("<i2").tobytes()
QUIET = np.random.default_rng(1).normal(0, 8, samples(20_000)).astype("<i2").tobytes()
LOOP = "no " * 40


class Segment:
    """A segment of sound, of which the server says these texts, one after the other."""

    def __init__(
        self, *texts: str | EngineError, languages: Sequence[str] = ("en",), sound: bytes = VOICE
    ) -> None:
        self.texts, self.sound, self.at = iter(texts), sound, 0
        self.doubts: list[str] = []
        self.hearing = Windowed(languages, self.transcribe, self.doubts.append)

    async def transcribe(self, pcm: bytes, committed: str) -> Heard:
        text = next(self.texts)
        if isinstance(text, EngineError):
            raise text
        return Heard(text, "en")

    def more(self) -> bytes:
        start, self.at = self.at, self.at + 2 * HOP
        return self.sound[start : self.at]

    async def hear(self) -> str:
        return (await self.hearing.hear(self.more(), "")).text

    async def finish(self) -> str:
        return (await self.hearing.finish(self.more())).text


async def test_a_loop_is_never_shown_and_the_last_words_that_were_believed_stand() -> None:
    segment = Segment("I said", LOOP, "I said no way", LOOP)
    assert [await segment.hear() for _ in range(3)] == ["I said", "I said", "I said no way"]
    assert await segment.finish() == "I said no way"
    assert segment.doubts == ["loop", "loop"]


async def test_a_final_that_only_ever_looped_is_its_first_round_if_somebody_spoke() -> None:
    assert await Segment(LOOP).finish() == "no"
    assert await Segment("Thank you. " * 9, sound=QUIET).finish() == ""


@pytest.mark.parametrize(
    ("text", "languages", "what"),
    [
        ("Thank you for watching!", ["en"], "phantom"),
        ("谢谢观看", ["zh", "en"], "phantom"),
        ("Subtitles by the Amara.org community", ["en"], "phantom"),
        ("Продолжение следует", ["en", "zh"], "foreign"),
    ],
)
async def test_what_silence_is_taken_for_is_not_shown_and_withdrawn_if_it_was(
    text: str, languages: list[str], what: str
) -> None:
    segment = Segment("So", text, text, languages=languages, sound=QUIET)
    assert [await segment.hear(), await segment.hear()][0] == "So"
    assert await segment.finish() == ""
    assert segment.doubts == [what, what]


async def test_thanks_that_somebody_said_and_words_of_all_his_languages_stay() -> None:
    assert await Segment("Thank you.").finish() == "Thank you."
    assert await Segment("你好，Ana。", languages=["en", "zh"]).finish() == "你好，Ana。"


async def test_more_words_than_anybody_says_in_so_short_a_time_are_not_shown() -> None:
    segment = Segment("a b c", " ".join(f"word{n}" for n in range(40)), languages=["en"])
    assert await segment.hear() == "a b c"
    assert await segment.hear() == "a b c"
    assert segment.doubts == ["too much"]


async def test_sound_of_an_answer_that_failed_is_not_lost() -> None:
    segment = Segment(EngineError("gone"), "one two")
    with pytest.raises(EngineError):
        await segment.hear()
    assert await segment.hear() == "one two"


async def test_an_operator_is_told_of_each_text_that_was_not_believed() -> None:
    told: list[str] = []
    engine = Transcriptions(urls=["http://127.0.0.1:9"], languages=["en"])
    engine.on_doubt = told.append
    hearing = await engine.open("room/one", ["en"])
    hearing._transcribe = Segment(LOOP).transcribe
    await hearing.hear(VOICE[: 2 * HOP], "")
    assert told == ["loop"]
