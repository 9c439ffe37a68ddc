"""Recognition by servers: what they are sent, what is read from it, and that they really hear."""

import asyncio
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
from models.base import EngineError, Heard, Hints, Primed, Recognizer
from models.openai.transcriptions import Transcriptions
from models.openai.windowed import LEAST, Windowed, dithered, wav
from models.qwen_asr.hearing import Answer, QwenHearing
from models.qwen_asr.recognizer import QwenAsr, answered
from models.sglang import errors
from streaming.agreement import Agreement, several
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
async def hearing(answer: bytes, *languages: str) -> AsyncIterator[tuple[Double, QwenHearing]]:
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
    return samples_of(server.questions(CHAT)[-1].body)


def samples_of(body: Any) -> np.ndarray[Any, Any]:
    """The sound of a question."""
    (user,) = (said for said in body["messages"] if said["role"] == "user")
    part = user["content"][0]["input_audio"]
    assert part["format"] == "wav"
    with wave.open(io.BytesIO(b64decode(part["data"]))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_they_are_engines_by_name() -> None:
    for name in ("qwen-asr", "openai"):
        engine: Recognizer = registry.recognizer(name)
        assert {"zh", "en"} <= set(engine.languages) and engine.punctuates


def test_silence_is_never_sent_as_zeros_and_speech_is_sent_as_it_was() -> None:
    quiet = np.frombuffer(wav(dithered(SECOND))[44:], "<i2")
    assert quiet.any() and np.abs(quiet).max() <= 3
    loud = np.full(100, 1_234, "<i2")
    assert (np.frombuffer(wav(dithered(loud.tobytes()))[44:], "<i2") == loud).all()


async def test_a_segment_is_sent_as_it_grows_and_too_little_of_it_never() -> None:
    heard: list[int] = []

    async def transcribe(pcm: bytes, committed: str) -> Heard:
        heard.append(len(pcm) // 2)
        return Heard(committed, "en")

    hearing = Windowed(["en"], transcribe)
    assert await hearing.hear(bytes(100), "") == Heard("", "en")
    await hearing.hear(bytes(2 * LEAST), "one")
    await hearing.finish(bytes(200))
    await hearing.close()
    assert heard == [50 + LEAST, 50 + LEAST + 100]


@pytest.mark.socket
async def test_the_answer_goes_on_from_what_was_promised() -> None:
    async with hearing(chat(" is it."), "en") as (server, segment):
        assert await segment.hear(SECOND, "") == Heard("is it.", "en")
        assert await segment.hear(SECOND, "where now ") == Heard("where is it.", "en")
        body = server.questions(CHAT)[-1].body
        assert body["messages"][1]["content"] == "language English<asr_text>where"
        assert body["continue_final_message"] and body["temperature"] == 0
        assert len(sound(server)) == samples(2_000)
        await segment.finish(SECOND)
        body = server.questions(CHAT)[-1].body
        assert body["messages"][1]["content"] == "language English<asr_text>"
        assert len(sound(server)) == samples(3_000)
        assert "epoch" not in server.questions(CHAT)[-1].headers["X-SMG-Routing-Key"]


@pytest.mark.socket
async def test_words_of_people_are_no_markup() -> None:
    async with hearing(chat(""), "en") as (server, segment):
        await segment.hear(SECOND, "")
        await segment.hear(SECOND, "<|im_end|> so")
        said = server.questions(CHAT)[-1].body["messages"][1]["content"]
        assert said == "language English<asr_text>< |im_end|>"


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("language Chinese<asr_text>你好。", Answer("你好。", "zh")),
        ("language English<asr_text> hello", Answer(" hello", "en")),
        ("language Klingon<asr_text>nuqneH", Answer("nuqneH", "")),
        ("language None<asr_text>", Answer("")),
        ("hello", Answer("hello", "")),
        (" it is<asr_text> so", Answer(" it is so", "")),
        ("我们\ufffd", Answer("我们", "")),
    ],
)
def test_an_answer_may_name_its_language(said: str, answer: Answer) -> None:
    assert answered(said) == answer


@pytest.mark.socket
async def test_of_several_languages_the_model_says_which_and_is_then_held_to_it() -> None:
    async with hearing(chat("language Chinese<asr_text>你好。"), "en", "zh") as (server, segment):
        await segment.hear(SECOND, "")
        body = server.questions(CHAT)[-1].body
        assert len(body["messages"]) == 1 and not body["continue_final_message"]
        assert await segment.hear(SECOND, "") == Heard("你好。", "zh")
        server.answers[CHAT] = chat("你们好。")
        assert await segment.finish(b"") == Heard("你们好。", "zh")
        opening = server.questions(CHAT)[-1].body["messages"][-1]["content"]
        assert opening == "language Chinese<asr_text>"


@pytest.mark.socket
async def test_terms_and_the_last_sentence_come_before_the_sound() -> None:
    async with double(answers={CHAT: chat("Hi.")}, model="asr", hears=True) as server:
        engine = QwenAsr(urls=[server.url])
        await engine.start()
        assert isinstance(engine, Primed)
        engine.prime("epoch/p1", Hints(("Hei Peng", "<|波导|>"), "Where is it?"))
        for speaker, told in (
            ("epoch/p1", ["Hei Peng, < |波导|>\nWhere is it?"]),
            ("epoch/p2", []),
        ):
            await (await engine.open(speaker, ["en"])).hear(SECOND, "")
            messages = server.questions(CHAT)[-1].body["messages"]
            system = [said["content"] for said in messages if said["role"] == "system"]
            assert system == told and messages[-1]["role"] == "assistant"
        await engine.leave("epoch/p1")
        await (await engine.open("epoch/p1", ["en"])).hear(SECOND, "")
        assert server.questions(CHAT)[-1].body["messages"][0]["role"] == "user"
        await engine.close()


@pytest.mark.socket
async def test_an_answer_that_is_late_or_not_wanted_any_more_is_dropped() -> None:
    async with double(answers={CHAT: chat("Hi.")}, model="asr", hears=True) as server:
        engine = QwenAsr(urls=[server.url], deadline_s=0.3)
        await engine.start()
        segment = await engine.open("epoch/p1", ["en"])
        server.fault = "slow"
        with pytest.raises(errors.Slow):
            await segment.hear(SECOND, "")
        await server.dropped.wait()
        server.dropped.clear()
        asked = asyncio.create_task(segment.hear(SECOND, ""))
        while len(server.questions(CHAT)) < 3:
            await asyncio.sleep(0)
        asked.cancel()
        await server.dropped.wait()
        server.fault = ""
        assert (await segment.finish(SECOND)).text == "Hi."
        assert len(sound(server)) == samples(3_000)
        await engine.close()


@pytest.mark.socket
async def test_an_answer_that_goes_round_in_circles_is_not_waited_for() -> None:
    async with hearing(chat("no " * 40), "en") as (server, segment):
        server.fault = "slow"  # it would never end
        server.answers[CHAT] = chat("no " * 40) + chat("more")
        assert (await segment.hear(SECOND, "")).text == ""
        await server.dropped.wait()


HOP = samples(320)


def spoken(n: int) -> bytes:
    """Sound in which word `n` is said."""
    return (n + 1).to_bytes(2, "little") * HOP


def transcribed(heard: np.ndarray[Any, Any], begin: list[str]) -> bytes:
    """What a model writes down that hears well, and goes on from what it is made to begin with."""
    first = int(begin[-1][1:]) + 1 if begin else int(heard[0]) - 1
    return chat("".join(f" w{n}" for n in range(first, int(heard[-1]))))


async def speak(hops: int, segment_hops: int) -> list[tuple[int, int]]:
    """Somebody speaks for so long. The bytes that each hop sent, and the words it was to begin
    with and to find."""
    spent: list[tuple[int, int]] = []

    def answer(body: Any) -> bytes:
        heard = samples_of(body)
        begin = body["messages"][-1]["content"].partition("<asr_text>")[2].split()
        spent.append((2 * len(heard), len(begin) + body["max_tokens"]))
        return transcribed(heard, begin)

    async with double(answers={CHAT: answer}, model="asr", hears=True) as server:
        engine = QwenAsr(urls=[server.url])
        await engine.start()
        spent.clear()
        for start in range(0, hops, segment_hops):
            segment, agreement = await engine.open("p1", ["en"]), Agreement(several(engine.hop_ms))
            words = ""
            for n in range(min(segment_hops, hops - start)):
                heard = await segment.hear(spoken(n), agreement.committed)
                words = f"{words} w{n}".strip()
                assert agreement.push(heard.text).text == words
            assert (await segment.finish(b"")).text == words
            await segment.close()
            server.asked.clear()
        await engine.close()
    return spent


@pytest.mark.socket
async def test_a_long_sentence_is_heard_word_for_word_through_its_window() -> None:
    spent = await speak(hops=60, segment_hops=60)
    assert max(sent for sent, _ in spent[:-1]) <= 2 * samples(12_000)
    assert spent[-1][0] == 2 * 60 * HOP


@pytest.mark.socket
@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_every_hop_of_an_hour_costs_what_those_of_its_first_minute_did() -> None:
    spent = await speak(hops=3_600_000 // 320, segment_hops=46)
    most_sent, most_words = (max(each) for each in zip(*spent, strict=True))
    assert most_sent <= 2 * samples(15_000)
    assert most_words <= 16 + 10 * 15 + 50
    minute = 60_000 // 320 // 46 * 47  # whole segments, each with its last pass
    first, last = spent[:minute], spent[-minute - len(spent) % 47 : -(len(spent) % 47)]
    assert sum(sent for sent, _ in last) == sum(sent for sent, _ in first)


@pytest.mark.socket
async def test_a_model_that_ignores_sound_is_refused() -> None:
    async with double(answers={CHAT: chat("hi", audio=0)}, model="asr", hears=True) as server:
        with pytest.raises(errors.Deaf, match="asr"):
            await QwenAsr(urls=[server.url]).start()
        server.answers[CHAT] = chat("no " * 40, audio=0)
        with pytest.raises(errors.Deaf, match="asr"):
            await QwenAsr(urls=[server.url]).start()
        server.hears = False
        for engine in (QwenAsr(urls=[server.url]), Transcriptions(urls=[server.url])):
            with pytest.raises(errors.Deaf, match="asr does not hear"):
                await engine.start()
    with pytest.raises(EngineError, match="--recognizer-url"):
        await QwenAsr().start()


async def test_a_language_it_does_not_hear_and_a_hop_too_long_are_refused() -> None:
    with pytest.raises(EngineError, match="A hop of 2000 ms is not between 160 and 640"):
        QwenAsr(hop_ms=2_000)
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
        # Its weights are random and what it says is not to be believed; that it heard is.
        assert (await segment.finish(SECOND)).language == "en"
