"""What readers in a room see of what Qwen hears: a microphone of two people, and a phantom."""

from collections.abc import Sequence

from models.base import Heard, Hints
from models.qwen_asr.hearing import Answer, Question, QwenHearing
from models.qwen_asr.tongue import Tongue
from models.scripted import ScriptedRecognizer
from tests.server.stage import Stage, loud, quiet


class Told(ScriptedRecognizer):
    """Qwen's way of hearing, of a model that is told what each segment says, and in which language:
    the beginning while it is spoken, all of it at the end."""

    def __init__(self, *segments: tuple[str, str, str]) -> None:
        super().__init__(punctuates=True)
        self.told = iter(segments)

    async def open(self, speaker: str, languages: Sequence[str]) -> QwenHearing:  # type: ignore[override]
        return Script(languages, *next(self.told))


class Script(QwenHearing):
    """A segment of which the beginning is heard until it is over."""

    def __init__(self, languages: Sequence[str], language: str, begun: str, said: str) -> None:
        super().__init__(Tongue(languages, languages[0]), Hints(), self._answer, lambda _: None)
        self._language, self._said, self._whole = language, begun, said

    async def finish(self, pcm: bytes) -> Heard:
        self._said = self._whole
        return await super().finish(pcm)

    async def _answer(self, question: Question) -> Answer:
        if question.language is None:
            return Answer(self._said, self._language)
        return Answer(self._said.removeprefix(question.begin))


async def test_two_people_share_a_microphone_and_speak_a_language_each() -> None:
    recognizer = Told(
        ("zh", "屏幕很小但是", "屏幕很小但是可以读。"),
        ("en", "Can I read", "Can I read it outside?"),
        ("zh", "可以的", "可以的。"),
    )
    stage = Stage(recognizer)
    ana = stage.join(hears="en zh", reads="en zh", source=True)
    await stage.speak(ana, (loud(2_000) + quiet(1_200)) * 3)
    transcripts = stage.captions(ana, lambda caption: caption.kind == "transcript")
    assert {(one.segment, one.language) for one in transcripts} == {(0, "zh"), (1, "en"), (2, "zh")}
    finals = [one.text for one in transcripts if one.final]
    assert finals == ["屏幕很小但是可以读。", "Can I read it outside?", "可以的。"]


async def test_a_line_that_ends_as_a_credit_of_subtitles_is_taken_back_everywhere() -> None:
    stage = Stage(Told(("en", "So what", "Subtitles by the Amara.org community")))
    ana = stage.join(hears="en", reads="en es")
    await stage.speak(ana, loud(2_000) + quiet(1_200))
    shown = stage.captions(ana)
    assert shown[0].text
    assert stage.finals(ana) == [("en", ""), ("es", "")]
