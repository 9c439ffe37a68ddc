"""Model servers that go away, hang or talk nonsense, in either role: people go on reading, are told
why and since when, nobody else notices, and it is over within seconds of their return."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from clients.link import Link, LinkError
from models.base import Recognizer, Translator
from models.openai.transcriptions import Transcriptions
from models.qwen_asr.recognizer import QwenAsr
from models.scripted import ScriptedRecognizer
from models.sglang.translator import SGLang
from server.app import app, listening
from server.member import Member
from server.recognizers import Recognizers
from server.session import KEPT_S
from streaming.messages import Caption, Hello, Pcm16, State
from tests.models.sglang.double import Double, Fault, double
from tests.models.sglang.oracle import definition
from tests.models.sglang.test_recognizers import CHAT, chat
from tests.models.sglang.test_translator import pages, said
from tests.server.stage import CHUNK, Stage, loud, quiet

pytestmark = pytest.mark.socket

AGAIN_S = 5.0  # after its return, everything is as before
SOON_S = 20.0  # for what is only waited for
IMPATIENT_S = 1.0  # the deadline of an answer here
SENTENCE = loud(900) + quiet(900)
WORDS = "大家早上好"
TOLD = "Good morning, everybody."


class Rooms(Stage):
    """Two rooms of one server. Olga, in the hall, says what Ana says, and reads her own words."""

    def __init__(self, recognizer: Recognizer, translator: Translator | None = None) -> None:
        super().__init__(recognizer, translator)  # type: ignore[arg-type]
        self.olga = self.house.room("hall").join(Hello("Olga", ["zh"], ["zh"], Pcm16(16_000)))

    async def say(self, speaker: Member) -> None:
        """A sentence, in both rooms."""
        for start in range(0, len(SENTENCE), 2 * CHUNK):
            piece = SENTENCE[start : start + 2 * CHUNK]
            assert self.olga.session is not None
            self.olga.session.push(piece)
            await self.speak(speaker, piece)
        self.room.tick()

    async def until(self, seen: Callable[[], bool], speaker: Member, within_s: float) -> None:
        """Somebody speaks on, sentence after sentence, until it is seen."""
        async with asyncio.timeout(within_s):
            while not seen():
                await self.say(speaker)

    def states(self, member: Member) -> list[State]:
        """What a member was told about how well things work."""
        self.read()
        return [one for one in self.told[member.id] if isinstance(one, State)]

    def in_the_hall(self) -> list[State | Caption]:
        """What Olga has been told since she was asked last, but who is there."""
        told: list[State | Caption] = []
        while self.olga.news:
            message = self.olga.news.popleft()
            told += [message] if isinstance(message, State) else []
        while (caption := self.olga.outbox.take()) is not None:
            told.append(caption)
        return told


@asynccontextmanager
async def interpreted(
    folder: Path, **server: Any
) -> AsyncIterator[tuple[Double, Rooms, Member, Member]]:
    """A translator's server; Ana, who speaks Mandarin, and Ben, who reads English."""
    (folder / "tokenizer.json").write_bytes(definition())
    async with double(answers=pages(TOLD), tokenizer=str(folder), **server) as there:
        engine = SGLang(urls=[there.url], way="none", deadline_s=IMPATIENT_S)
        await engine.start()
        try:
            script = [[WORDS[:2], WORDS]] * 100_000  # however many lines he says while he waits
            stage = Rooms(ScriptedRecognizer(script), engine)
            yield there, stage, stage.join(hears="zh"), stage.join("Ben", reads="en")
        finally:
            await engine.close()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("gone", "Nobody answers"),
        ("slow", "in time"),
        ("cut", "broke its answer off"),
        ("garbage", "garbage"),
        ("page", "does not answer like a model server"),
        ("busy", "is full"),
        ("absurd", "no translations"),
    ],
)
async def test_without_its_translator_a_room_reads_the_words_themselves_until_it_is_back(
    fault: str, reason: str, tmp_path: Path
) -> None:
    async with interpreted(tmp_path) as (server, stage, ana, ben):
        await stage.until(lambda: ("en", TOLD) in stage.finals(ben), ana, SOON_S)
        assert stage.states(ben) == []
        begun = stage.room.at(stage.clock.now())
        if fault == "gone":
            await server.stop()
        elif fault == "absurd":
            server.answers["/generate"] = said("As an AI language model, I cannot translate that.")
        else:
            server.fault = fault  # type: ignore[assignment]
        await stage.until(lambda: len(stage.states(ben)) > 0, ana, SOON_S)
        (state,) = stage.states(ben)
        assert (state.scope, state.level, state.language) == ("translation", "down", "en")
        assert reason in (state.reason or "") and state.since is not None and state.since >= begun
        late = stage.join("Cleo", reads="en")  # is told as well, and of the same moment
        assert [(one.level, one.since) for one in stage.states(late)] == [("down", state.since)]
        before = len(stage.captions(ben))
        stage.in_the_hall()
        await stage.say(ana)
        lines = stage.captions(ben)[before:]
        assert (WORDS, "untranslated") in [(one.text, one.degraded) for one in lines if one.final]
        there = stage.in_the_hall()
        assert all(isinstance(one, Caption) and one.degraded is None for one in there)
        assert any(isinstance(one, Caption) and one.final and one.text == WORDS for one in there)

        server.answers, server.fault = pages(TOLD), ""
        if fault == "gone":
            await server.start()
        await stage.until(lambda: stage.states(ben)[-1].level == "ok", ana, AGAIN_S)
        before = len(stage.finals(ben))
        await stage.until(lambda: ("en", TOLD) in stage.finals(ben)[before:], ana, AGAIN_S)
        assert transitions(stage, "translation", "down") == 1
        assert transitions(stage, "translation", "ok") == 1


def transitions(stage: Stage, scope: str, level: str) -> float:
    """How often it came to a level, by /metrics."""
    labels = f'{{level="{level}",scope="{scope}"}}'
    page = stage.house.metrics.page().decode()
    (line,) = [one for one in page.splitlines() if f"changes_total{labels}" in one]
    return float(line.rpartition(" ")[2])


@asynccontextmanager
async def heard() -> AsyncIterator[tuple[Double, Rooms, Member]]:
    """A recognizer's server, and Ana, who speaks Mandarin and reads it."""

    def answer(body: Any) -> bytes:
        begin = body["messages"][-1]["content"].partition("<asr_text>")[2]
        return chat(WORDS.removeprefix(begin))

    async with double(answers={CHAT: answer}, model="asr", hears=True) as server:
        engine = QwenAsr(urls=[server.url], languages=["zh", "en"], deadline_s=IMPATIENT_S)
        await engine.start()
        try:
            stage = Rooms(engine)
            yield server, stage, stage.join(hears="zh", reads="zh")
        finally:
            await engine.close()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("gone", "Nobody answers"),
        ("slow", "in time"),
        ("cut", "broke its answer off"),
        ("garbage", "garbage"),
        ("deaf", "does not hear"),
    ],
)
async def test_without_its_recognizer_a_room_is_told_since_when_and_hears_again_soon(
    fault: str, reason: str
) -> None:
    async with heard() as (server, stage, ana):
        await stage.until(lambda: ("zh", WORDS) in stage.finals(ana), ana, SOON_S)
        assert stage.states(ana) == []
        answer = server.answers[CHAT]
        if fault == "gone":
            await server.stop()
        elif fault == "deaf":
            server.answers[CHAT] = chat(WORDS, audio=0)
        else:
            server.fault = fault  # type: ignore[assignment]
        begun = stage.room.at(stage.clock.now())
        await stage.until(lambda: len(stage.states(ana)) > 0, ana, SOON_S)
        (state,) = stage.states(ana)
        assert (state.scope, state.level) == ("recognition", "down")
        assert reason in (state.reason or "")
        assert state.since is not None and state.since >= begun
        assert b"surtitle_recognitions_down 0.0" not in stage.house.metrics.page()

        server.answers[CHAT], server.fault = answer, ""
        if fault == "gone":
            await server.start()
        await stage.until(lambda: stage.states(ana)[-1].level == "ok", ana, AGAIN_S)
        before = len(stage.finals(ana))
        await stage.until(lambda: ("zh", WORDS) in stage.finals(ana)[before:], ana, AGAIN_S)


@pytest.mark.parametrize("fault", ["gone", "slow", "cut", "garbage"])
async def test_what_is_said_while_the_recognizer_is_away_is_captioned_late(
    fault: Fault | Literal["gone"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.recognition.REST_S", 0.01)
    async with heard() as (server, stage, ana):
        if fault == "gone":
            await server.stop()
        else:
            server.fault = fault
        for _ in range(3):  # three sentences of his, all of them while nobody hears
            await stage.say(ana)
        async with asyncio.timeout(SOON_S):
            while not stage.states(ana):
                await asyncio.sleep(0.01)
        stage.clock.advance(6.0)  # so much later than it was said
        assert stage.finals(ana) == []
        server.fault = ""
        if fault == "gone":
            await server.start()
        async with asyncio.timeout(AGAIN_S):
            while len(stage.finals(ana)) < 3:
                await asyncio.sleep(0.01)
        ends = stage.captions(ana, lambda caption: caption.final)
        assert [(one.text, one.degraded) for one in ends] == [(WORDS, "late")] * 3
        assert [one.level for one in stage.states(ana)] == ["down", "ok"]
        for level in ("down", "ok"):  # Ana's and Olga's
            assert transitions(stage, "recognition", level) == 2


async def test_a_server_that_stops_does_not_wait_for_a_recognizer_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.recognition.REST_S", 0.01)
    async with heard() as (server, stage, ana):
        async with asyncio.timeout(SOON_S):
            while not stage.captions(ana):  # he speaks on until he has been heard
                await stage.speak(ana, loud(100))
                await asyncio.sleep(0.01)
        await server.stop()
        await stage.speak(ana, loud(500) + quiet(900))
        async with asyncio.timeout(SOON_S):
            while not stage.states(ana):
                await asyncio.sleep(0.01)
            await stage.room.close()
        assert stage.finals(ana) == [("zh", WORDS)]


async def test_what_was_said_too_long_ago_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.recognition.REST_S", 0.01)
    async with heard() as (server, stage, ana):
        await server.stop()
        await stage.say(ana)
        session = ana.session
        assert session is not None
        stage.clock.advance(KEPT_S)
        session.end()
        async with asyncio.timeout(SOON_S):
            while stage.room.sessions.keys() & {ana.id}:  # what is given up ends the session
                await asyncio.sleep(0.01)
        assert stage.finals(ana) == []


@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        (QwenAsr(), "qwen-asr does not hear 'sw'; it hears ar, cs, da, de, el, en, es, fa"),
        (QwenAsr(languages=["zh", "en"]), "qwen-asr does not hear 'sw'; it hears en, zh"),
        (Transcriptions(languages=["en"]), "openai does not hear 'sw'; it hears en"),
    ],
)
async def test_a_language_that_the_model_does_not_hear_is_refused_with_those_it_does(
    engine: Recognizer, sentence: str
) -> None:
    stage = Rooms(ScriptedRecognizer())
    stage.house.engines = replace(stage.engines, recognizers=Recognizers([engine]))
    async with listening(app(stage.house), "127.0.0.1", 0) as url:
        with pytest.raises(LinkError, match=re.escape(sentence)) as error:
            await Link(url, "kitchen", Hello("Amani", [], ["sw"], Pcm16(16_000))).__aenter__()
    assert (error.value.code, error.value.retry) == (4400, False)
