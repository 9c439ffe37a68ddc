"""Sound goes in: the small Qwen3-ASR hears, and a model of text says at once that it cannot."""

import asyncio

import numpy as np
import pytest

from models.base import Heard
from models.openai.transcriptions import Transcriptions
from models.qwen_asr.recognizer import QwenAsr
from models.sglang import errors
from streaming.values import SAMPLE_RATE
from tests.contract.asking import DEADLINE_S, EXACT, TEENSY, running
from tests.contract.conftest import Serving

NEVER_S = 20.0  # to start: the server is there


def sound(seconds: float) -> bytes:
    """A voice-like tone that changes, since equal sound is remembered."""
    at = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = np.sin(2 * np.pi * (180 + 60 * at) * at) * (1 + np.sin(2 * np.pi * 3 * at))
    return bytes((wave * 4_000).astype("<i2"))


@pytest.mark.parametrize("languages", [["en"], ["en", "zh"]])
def test_the_recognizer_hears_a_segment_that_grows(languages: list[str], serving: Serving) -> None:
    """It answers noise, its weights being none. That it heard is what `audio_tokens` says, without
    which there is no answer."""
    server = serving("qwen3-asr", "none")

    async def hear() -> list[Heard]:
        engine = QwenAsr(urls=[server.url], languages=languages, deadline_s=DEADLINE_S)
        await engine.start()
        try:
            assert engine.facts.hears
            hearing = await engine.open("room/one", languages)
            whole = sound(2.0)
            heard = [await hearing.hear(whole[: len(whole) // 2], "")]
            heard.append(await hearing.hear(whole[len(whole) // 2 :], "so far"))
            heard.append(await hearing.finish(b""))
            await hearing.close()
            async with asyncio.timeout(DEADLINE_S):
                while await running(server.url):  # an answer that went in circles was left
                    await asyncio.sleep(0.02)
            return heard
        finally:
            await engine.close()

    heard = asyncio.run(hear())
    assert {one.language for one in heard} <= set(languages)
    assert all(one.text == one.text.strip() for one in heard)


@pytest.mark.parametrize("kind", [QwenAsr, Transcriptions])
def test_a_model_of_text_is_no_recognizer(
    kind: type[QwenAsr] | type[Transcriptions], serving: Serving
) -> None:
    server = serving(str(TEENSY), "none", *EXACT)
    engine = kind(urls=[server.url], start_s=NEVER_S)
    with pytest.raises(errors.Deaf, match=r"does not hear"):
        asyncio.run(engine.start())


def test_any_recognizer_with_transcriptions_is_heard_out(serving: Serving) -> None:
    server = serving("qwen3-asr", "none")

    async def hear() -> Heard:
        engine = Transcriptions(urls=[server.url], deadline_s=DEADLINE_S)
        await engine.start()
        try:
            hearing = await engine.open("room/one", ["en"])
            return await hearing.finish(sound(1.0))
        finally:
            await engine.close()

    assert asyncio.run(hear()).language == "en"
