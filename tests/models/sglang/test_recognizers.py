"""Recognition by servers: what they are sent, what is read from it, and that they really hear."""

import io
import wave
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import numpy as np
import pytest

from models import registry
from models.base import EngineError, Heard, Recognizer
from models.qwen_asr import QwenAsr
from models.sglang import errors
from models.transcriptions import Transcriptions
from models.windowed import LEAST, Windowed, wav
from streaming.values import samples
from tests.models.sglang.double import Double, double, recorded

CHAT = "/v1/chat/completions"
FORM = "/v1/audio/transcriptions"
SECOND = bytes(2 * samples(1_000))


def chat(text: str, audio: int = 13) -> bytes:
    """The stream of an answer; `audio`: tokens of sound that the model was given."""
    usage = {"prompt_tokens": 20, "prompt_tokens_details": {"audio_tokens": audio}}
    chunks: list[dict[str, Any]] = [
        {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
        {"choices": [{"delta": {"content": text}}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    frames = [b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks]
    return b"".join(frames) + b"data: [DONE]\n\n"


@asynccontextmanager
async def hearing(answer: bytes, *languages: str) -> AsyncIterator[tuple[Double, Windowed]]:
    """A server whose model hears `answer`, and a segment in one of `languages`."""
    async with double(answers={CHAT: answer}, model="asr", hears=True) as server:
        engine = QwenAsr(urls=[server.url])
        await engine.start()
        server.asked.clear()
        try:
            yield server, await engine.open("epoch/p1", languages)
        finally:
            await engine.close()


def sound(server: Double) -> np.ndarray[Any, Any]:
    """The samples of the newest question."""
    part = server.questions(CHAT)[-1].body["messages"][0]["content"][0]["input_audio"]
    assert part["format"] == "wav"
    with wave.open(io.BytesIO(b64decode(part["data"]))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_they_are_engines_by_name() -> None:
    for name in ("qwen-asr", "openai"):
        engine: Recognizer = registry.recognizer(name)
        assert {"zh", "en"} <= set(engine.languages) and engine.punctuates


def test_silence_is_never_sent_as_zeros_and_speech_is_sent_as_it_was() -> None:
    quiet = np.frombuffer(wav(SECOND)[44:], "<i2")
    assert quiet.any() and np.abs(quiet).max() <= 3
    loud = np.full(100, 1_234, "<i2")
    assert (np.frombuffer(wav(loud.tobytes())[44:], "<i2") == loud).all()


async def test_a_segment_is_sent_as_it_grows_and_too_little_of_it_never() -> None:
    heard: list[int] = []

    async def transcribe(pcm: bytes, committed: str) -> Heard:
        heard.append(len(pcm) // 2)
        return Heard(committed, "en")

    hearing = Windowed("en", transcribe)
    assert await hearing.hear(bytes(100), "") == Heard("", "en")
    await hearing.hear(bytes(2 * LEAST), "one")
    await hearing.finish(bytes(200))
    await hearing.close()
    assert heard == [50 + LEAST, 50 + LEAST + 100]


@pytest.mark.socket
async def test_the_answer_goes_on_from_what_was_promised() -> None:
    async with hearing(chat(" is it."), "en") as (server, segment):
        assert await segment.hear(SECOND, "where ") == Heard("where is it.", "en")
        body = server.questions(CHAT)[-1].body
        assert body["messages"][1]["content"] == "language English<asr_text>where"
        assert body["continue_final_message"] and body["temperature"] == 0
        assert len(sound(server)) == samples(1_000)
        await segment.finish(SECOND)
        body = server.questions(CHAT)[-1].body
        assert body["messages"][1]["content"] == "language English<asr_text>"
        assert len(sound(server)) == samples(2_000)
        assert "epoch" not in server.questions(CHAT)[-1].headers["X-SMG-Routing-Key"]


@pytest.mark.socket
async def test_words_that_were_promised_are_no_markup() -> None:
    async with hearing(chat(""), "en") as (server, segment):
        await segment.hear(SECOND, "<|im_end|>")
        said = server.questions(CHAT)[-1].body["messages"][1]["content"]
        assert said == "language English<asr_text>< |im_end|>"


@pytest.mark.socket
@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        ("language Chinese<asr_text>你好。", Heard("你好。", "zh")),
        ("language English<asr_text> hello", Heard("hello", "en")),
        ("language French<asr_text>bonjour", Heard("bonjour", "en")),
        ("language None<asr_text>", Heard("", "en")),
        ("hello", Heard("hello", "en")),
    ],
)
async def test_which_of_several_languages_it_was(answer: str, heard: Heard) -> None:
    async with hearing(chat(answer), "en", "zh") as (server, segment):
        assert await segment.hear(SECOND, "") == heard
        assert len(server.questions(CHAT)[-1].body["messages"]) == 1


@pytest.mark.socket
async def test_a_model_that_ignores_sound_is_refused() -> None:
    async with double(answers={CHAT: chat("hi", audio=0)}, model="asr", hears=True) as server:
        with pytest.raises(errors.Deaf, match="asr"):
            await QwenAsr(urls=[server.url]).start()
        server.hears = False
        for engine in (QwenAsr(urls=[server.url]), Transcriptions(urls=[server.url])):
            with pytest.raises(errors.Deaf, match="asr does not hear"):
                await engine.start()
    with pytest.raises(EngineError, match="--recognizer-url"):
        await QwenAsr().start()


async def test_a_language_it_does_not_hear_is_refused() -> None:
    engine = QwenAsr(languages=["en", "zh", "tlh"])
    assert set(engine.languages) == {"en", "zh"}
    with pytest.raises(EngineError, match="hears zh, en"):
        await engine.open("p1", ["fr"])


@pytest.mark.socket
async def test_any_server_with_transcriptions_will_do() -> None:
    answers = {FORM: b'{"text": " Good morning. ", "usage": {"type": "duration", "seconds": 1}}'}
    async with double(answers=answers, model="whisper", hears=True) as server:
        engine = Transcriptions(urls=[server.url], languages=["en"])
        await engine.start()
        segment = await engine.open("epoch/p1", ["en"])
        assert await segment.hear(SECOND, "Good") == Heard("Good morning.", "en")
        asked = server.questions(FORM)[-1].body
        assert (asked["model"], asked["language"]) == ("whisper", "en")
        assert asked["file"].filename == "segment.wav"
        server.answers[FORM] = b'{"words": []}'
        with pytest.raises(errors.Garbage):
            await segment.finish(b"")
        await engine.close()


@pytest.mark.socket
async def test_a_recorded_answer_of_the_real_model_counts_its_sound() -> None:
    async with hearing(recorded("audio_chat.sse"), "en") as (_, segment):
        assert (await segment.finish(SECOND)).text
