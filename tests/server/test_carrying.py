"""New speakers are refused where models would carry more than they can, and those who are in stay.

What a model server takes is what it says now: one that died for want of memory comes back with
less (tests/models/sglang/test_launcher_serving.py).
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

import pytest

from clients.link import Link, LinkError
from models.scripted import ScriptedRecognizer, ScriptedTranslator
from server.admission import Admission, Limits
from server.app import app, listening
from server.carrying import Conversation, Load, loads
from server.config import Config, ConfigError
from server.engines import Engines
from server.member import Member
from server.recognizers import Recognizers
from server.refused import Refused
from server.translation import Translation
from streaming.messages import Caption, Hello, Pcm16
from tests.server.stage import HandClock, PromptDetection, Stage
from tests.server.test_models_gone import AGAIN_S, SOON_S, TOLD, interpreted

Pair = tuple[str, str]
PCM = Pcm16(16_000)
HEARS = ["en", "zh", "es"]


class Ear(ScriptedRecognizer):
    """Hears so many at a time."""

    def __init__(self, slots: int | None) -> None:
        super().__init__(languages=HEARS)
        self.slots = slots


class Tongue(ScriptedTranslator):
    """Translates so many lines at a time."""

    def __init__(self, slots: int | None, pairs: Collection[Pair]) -> None:
        super().__init__()
        self.slots, self.pairs = slots, [*pairs]


ALL = [(source, target) for source in HEARS for target in HEARS if source != target]


def engines(ear: Ear, *tongues: Tongue) -> Engines:
    translation = Translation(tongues, lambda *_: None)
    clock = HandClock()
    return Engines(clock, PromptDetection(clock), Recognizers([ear]), translation)


@pytest.mark.parametrize(
    ("heard", "read", "hears", "translates"),
    [
        ([], ["en"], 0, 0),
        ([["zh"]], [], 1, 0),
        ([["zh"]], ["zh"], 1, 0),
        ([["zh"]], ["en", "zh", "es"], 1, 2),
        ([["zh"], ["en"], ["es"]], ["zh", "en", "es"], 3, 6),
        ([["zh", "en"]], ["zh", "en"], 1, 2),  # into either, by turns, each with a question at most
        ([["zh"]], ["tlh"], 1, 0),
    ],
)
def test_a_microphone_asks_one_question_and_one_for_each_language_it_is_translated_into(
    heard: list[list[str]], read: list[str], hears: int, translates: int
) -> None:
    found = loads(engines(Ear(8), Tongue(8, ALL)), [Conversation(heard, read)])
    assert [(one.does, one.asked) for one in found] == [
        ("hears", hears),
        ("translates", translates),
    ]


def test_who_comes_adds_his_own_questions_and_what_his_languages_make_of_others() -> None:
    before = Conversation([["zh"]], ["en"])
    after = Conversation([["zh"], ["es"]], ["en", "es"])
    ear, tongue = loads(engines(Ear(8), Tongue(8, ALL)), [before], before, after)
    assert (ear.asked, ear.more) == (1, 1)
    assert (tongue.asked, tongue.more) == (1, 2)  # zh-es and es-en


def test_only_those_count_who_say_what_they_take_and_the_best_of_those_who_translate() -> None:
    silent, best = Tongue(None, [("zh", "es")]), Tongue(8, [("en", "zh")])
    next_best = Tongue(4, ALL)
    known = engines(Ear(None), silent, best, next_best)
    room = Conversation([["zh"], ["en"]], ["es", "en", "zh"])
    found = {one.slots: one.asked for one in loads(known, [room])}
    assert found == {8: 1, 4: 2}  # en to zh by the best; zh to en, en to es; zh to es by the silent


def load(asked: int, more: int, slots: int = 8) -> Load:
    return Load("qwen-asr", "hears", slots, asked, more)


@pytest.mark.parametrize(
    ("per_slot", "asked", "more", "taken"),
    [
        (1.0, 7, 1, True),
        (1.0, 8, 1, False),
        (1.0, 7, 2, False),
        (2.5, 19, 1, True),
        (2.5, 20, 1, False),
        (0.5, 4, 1, False),  # half is for another server of ours
        (1.0, 0, 9, True),  # who is the only one is heard
        (1.0, 9, 0, True),  # it came back with less: who adds nothing to it is not the one to go
    ],
)
def test_so_many_are_let_in_as_model_servers_take(
    per_slot: float, asked: int, more: int, taken: bool
) -> None:
    turned: list[str] = []
    admission = Admission(Limits(per_slot=per_slot))
    admission.on_refused = turned.append
    if taken:
        admission.carry([load(asked, more)])
    else:
        with pytest.raises(Refused, match="the models are full: qwen-asr hears"):
            admission.carry([load(asked, more)])
    assert turned == ([] if taken else ["models"])


@pytest.mark.parametrize("per_slot", [0.0, -1.0, float("nan"), 1_000.0])
def test_what_is_no_share_is_a_sentence(per_slot: float) -> None:
    with pytest.raises(ConfigError, match="--per-slot"):
        Config(limits=Limits(per_slot=per_slot))


# --- through the real protocol ------------------------------------------------------------------


def speaker(name: str, reads: Sequence[str] = (), hears: str = "zh") -> Hello:
    return Hello(name, list(reads), [hears], PCM)


async def come(url: str, who: Hello, room: str = "kitchen") -> Link:
    link = Link(url, room, who)
    await link.__aenter__()
    return link


def figure(stage: Stage, name: str) -> float:
    """A figure that /metrics has."""
    lines = stage.house.metrics.page().decode().splitlines()
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


@pytest.mark.socket
async def test_who_is_one_too_many_for_the_models_is_told_so_and_may_read() -> None:
    stage = Stage(Ear(1), Tongue(8, ALL))
    async with listening(app(stage.house), "127.0.0.1", 0) as url:
        ana = await come(url, speaker("Ana"))
        with pytest.raises(LinkError, match=r"are full: \w+ hears 1 speakers") as full:
            await come(url, speaker("Ben"), "another-room")
        assert (full.value.code, full.value.retry) == (4429, True)
        reader = await come(url, Hello("Ben", ["en"]))
        assert figure(stage, 'surtitle_turned_away_total{reason="models"}') == 1
        assert figure(stage, "surtitle_model_limit{") == 1
        assert figure(stage, "surtitle_model_questions{") == 1
        for link in (ana, reader):
            await link.__aexit__(None, None, None)


@pytest.mark.socket
async def test_a_model_server_that_comes_back_with_less_costs_nobody_his_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ana and Cleo speak Mandarin, Ben reads English: two questions at a time."""
    monkeypatch.setattr("models.sglang.servers.ASK_EVERY_S", 0.01)
    async with interpreted(tmp_path, running=2) as (server, stage, ana, ben):

        async def carries(slots: int) -> None:
            async with asyncio.timeout(AGAIN_S):
                while figure(stage, 'surtitle_model_limit{does="translates"') != slots:
                    await asyncio.sleep(0.005)

        def admit(name: str) -> None:
            stage.house.admit("kitchen", speaker(name))

        admit("Cleo")
        cleo = stage.join("Cleo", hears="zh")
        with pytest.raises(Refused, match="sglang translates 2 lines at a time"):
            admit("Dora")
        await server.stop()  # the card is full
        server.running = 1
        await stage.until(lambda: len(stage.states(ben)) > 0, ana, SOON_S)
        with pytest.raises(Refused, match="sglang translates 2 lines"):
            admit("Dora")  # as it was, until it is back
        await server.start()
        await stage.until(lambda: stage.states(ben)[-1].level == "ok", ana, AGAIN_S)
        await carries(1)
        with pytest.raises(Refused, match="sglang translates 1 lines"):
            admit("Dora")
        for there in (ana, cleo):  # both are in, and are translated as before
            translated = partial(stage.captions, ben, partial(told_of, there))
            before = len(translated())
            await stage.until(partial(more_than, before, translated), there, AGAIN_S)
            assert there.expelled is None
        server.running = 8
        await carries(8)
        admit("Dora")
        assert figure(stage, 'surtitle_turned_away_total{reason="models"}') == 3


def told_of(speaker: Member, caption: Caption) -> bool:
    """It is the translation of a line of theirs."""
    return caption.speaker == speaker.id and caption.final and caption.text == TOLD


def more_than(before: int, captions: Callable[[], Sequence[Caption]]) -> bool:
    return len(captions()) > before
