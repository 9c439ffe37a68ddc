"""Faults 5 and 7: translators that never answer, recognizers whose processes die or stand still."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest

from models.base import Request
from models.embedded.pocketsphinx import PocketSphinx
from server.member import Member
from streaming.messages import State
from tests.chaos.sentences import sound, words
from tests.server.stage import Stage, loud, quiet, settle


class Hung:
    """A translator that takes every question and answers none."""

    name = "hung"
    pairs = (("en", "es"), ("en", "fr"))
    forces_prefix = False

    def __init__(self) -> None:
        self.asked = self.open = self.most = 0

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def translate(self, request: Request) -> AsyncIterator[str]:
        self.asked += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await asyncio.Event().wait()
            yield ""
        finally:
            self.open -= 1


async def test_5_a_translator_that_hangs_has_one_question_of_each_speaker_and_language() -> None:
    hung = Hung()
    stage = Stage(translator=hung)
    ana, ben = stage.join(hears="en", reads="en"), stage.join("Ben", hears="en", reads="es fr")
    for _ in range(10):
        await stage.speak(ana, loud(1_500) + quiet(1_000))
        await stage.speak(ben, loud(1_500) + quiet(1_000))
    assert hung.most == hung.open == 4
    spoken = [one for one in stage.captions(ana) if one.final and one.kind == "transcript"]
    assert len(spoken) == 20, "whoever reads what is said waits for no translator"
    for member in (ana, ben):
        assert member.session is not None
        member.session.end()
        for task in list(stage.room.tasks):
            task.cancel()
    await settle()
    assert hung.open == 0, "and what was asked is taken back"


async def test_5_a_question_that_is_late_is_taken_back_and_its_reader_told() -> None:
    hung = Hung()
    stage = Stage(translator=hung, deadline_s=0.0)
    ana = stage.join(hears="en", reads="es")
    await stage.speak(ana, loud(1_500) + quiet(1_000))
    assert hung.open == 0 and hung.asked
    finals = stage.captions(ana, lambda one: one.final)
    assert [one.degraded for one in finals] == ["untranslated"]
    states = [one for one in stage.told[ana.id] if isinstance(one, State)]
    assert [(one.scope, one.level) for one in states] == [("translation", "down")]


@asynccontextmanager
async def heard(deadline_s: float = 8.0) -> AsyncIterator[tuple[Stage, PocketSphinx]]:
    """A room that is heard by processes, each of one speaker."""
    command = [sys.executable, "-m", "tests.chaos.worker"]
    engine = PocketSphinx(voices=1, warm=2, deadline_s=deadline_s, command=command)
    await engine.start()
    try:
        yield Stage(engine), engine  # type: ignore[arg-type]
    finally:
        await engine.close()


async def until(stage: Stage, seen: Callable[[], bool]) -> None:
    """Processes answer when they can, though time stands still in the room."""
    async with asyncio.timeout(30):
        while not seen():
            await settle()
            stage.read()


def ended(stage: Stage, speaker: Member) -> bool:
    """A line of his has its final."""
    return bool(lines(stage, speaker, final=True))


def lines(stage: Stage, speaker: Member, final: bool) -> list[str]:
    """What a speaker has said, as he reads it."""
    told = stage.captions(speaker, lambda one: one.final == final)
    return [one.text for one in told if one.speaker == speaker.id]


@pytest.mark.socket
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["crash", "hang"])
async def test_7_a_recognizers_process_that_dies_is_replaced_and_hears_the_sentence_again(
    how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.recognition.REST_S", 0.0)
    async with heard(deadline_s=8.0 if how == signal.SIGKILL else 0.3) as (stage, engine):
        ana = stage.join(hears="en", reads="en")
        await stage.speak(ana, sound(1, 1_000))
        await until(stage, lambda: bool(lines(stage, ana, final=False)))
        ben = stage.join("Ben", hears="en", reads="en")
        await stage.speak(ben, sound(2, 1_000))
        await until(stage, lambda: bool(lines(stage, ben, final=False)))
        hers = engine._seats[voice(ana)].pid
        os.kill(hers, how)
        for member, number in ((ana, 1), (ben, 2)):
            await stage.speak(member, sound(number, 1_000) + quiet(1_200))
        for member, number in ((ana, 1), (ben, 2)):
            await until(stage, partial(ended, stage, member))
            assert lines(stage, member, final=True) == [" ".join(words(number))]
        states = [one for one in stage.told[ana.id] if isinstance(one, State)]
        assert [(one.scope, one.level) for one in states] == [
            ("recognition", "down"),
            ("recognition", "ok"),
        ]
        assert hers not in engine.pids and len(engine.pids) == 2


def voice(member: Member) -> str:
    """Its name to the recognizer."""
    assert member.session is not None
    return member.session.recognition.speaker
