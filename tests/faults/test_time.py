"""Faults 14, 23 and 24: clocks that are wrong, an event loop that stands still, long silence."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from models.scripted import ScriptedRecognizer
from server.house import House
from server.metrics import Metrics
from server.tokens import Gate, made
from streaming.glossary import Glossary
from streaming.messages import Hello
from streaming.values import SAMPLE_RATE, samples
from tests.server.stage import Stage, loud, quiet, settle
from tests.server.test_journal import kept
from tests.server.test_tokens import KEY

DAY = 86_400.0
SAID = [[f"sentence {n}"] for n in range(9)]


async def talk(stage: Stage, monkeypatch: pytest.MonkeyPatch, step: float) -> list[object]:
    """Four sentences; before each the time of day jumps."""
    ana, told = stage.join(hears="en", reads="en es"), time.time
    for n in range(4):
        monkeypatch.setattr(time, "time", lambda n=n: told() + (-1) ** n * n * step)
        await stage.speak(ana, loud(1_200) + quiet(1_200))
        await stage.wait(0.3)
    monkeypatch.setattr(time, "time", told)
    return [(one.key, one.seq, one.text, one.start, one.at) for one in stage.captions(ana)]


async def test_14_however_the_time_of_day_jumps_every_caption_is_as_it_would_have_been(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steady, _ = kept(tmp_path / "steady")
    jumping, journal = kept(tmp_path / "jumping")
    journal.wall = lambda: time.time()
    expected = await talk(steady, monkeypatch, 0.0)
    assert len(expected) > 8
    assert await talk(jumping, monkeypatch, DAY) == expected
    assert journal.works


async def test_14_nobody_has_to_leave_because_the_time_of_day_was_put_right() -> None:
    wall, steady = [1_800_000_000.0], [7.0]
    stage = Stage()
    gate = Gate(KEY, lambda: wall[0], lambda: steady[0])
    stage.room.wall = gate.steady
    token = gate.admit(made(KEY, "kitchen", "listen", 600, "ana", wall[0]), "kitchen")
    ana = stage.room.join(Hello("Ana", ["en"]), token)
    for step in (DAY, -2 * DAY):
        wall[0] += step
        stage.room.tick()
        assert ana.expelled is None and not ana.warned
    steady[0] += 601
    stage.room.tick()
    assert ana.expelled is not None and ana.expelled.code == 4401


def test_14_a_server_with_tokens_keeps_time_that_nobody_puts_right() -> None:
    stage = Stage()
    config = replace(stage.house.config, secret=KEY)
    house = House(config, Metrics(), Glossary())
    house.engines = stage.engines
    assert house.room("kitchen").wall is time.monotonic


async def test_23_an_event_loop_that_stands_still_is_seen_by_the_operator() -> None:
    import asyncio

    metrics = Metrics()
    watching = asyncio.create_task(metrics.watch_loop())
    await asyncio.sleep(0)
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        pass
    page = ""
    async with asyncio.timeout(10):
        while "loop_lag_max_seconds 0.1" not in page and "loop_lag_max_seconds 0.2" not in page:
            await asyncio.sleep(0)
            page = metrics.page().decode()
    assert 'surtitle_loop_lag_seconds_bucket{le="0.15"} 0.0' in page
    watching.cancel()


async def test_24_after_ten_minutes_of_silence_the_first_word_is_kept() -> None:
    stage = Stage(ScriptedRecognizer(words_per_second=10))
    ana = stage.join(hears="en", reads="en")
    assert ana.session is not None
    for _ in range(1_200):
        stage.clock.advance(0.5)
        ana.session.push(quiet(500))
        await settle()
        stage.room.tick()
    assert ana.expelled is None and stage.captions(ana) == []
    await stage.speak(ana, loud(1_000) + quiet(1_200))
    (final,) = stage.captions(ana, lambda one: one.final)
    assert abs(final.start - 600 * SAMPLE_RATE) <= samples(100)
    assert len(final.text.split()) >= 10, "all of the second that was spoken, and no word less"


async def test_24_a_microphone_that_was_away_for_ten_minutes_goes_on_where_it_says() -> None:
    stage = Stage(ScriptedRecognizer(SAID))
    ana = stage.join(hears="en", reads="en")
    await stage.speak(ana, loud(1_200))
    assert ana.session is not None
    for _ in range(600):
        stage.clock.advance(1.0)
        stage.room.tick()
        await settle()
    ana.session.skip(ana.session.position + 600 * SAMPLE_RATE)
    await stage.speak(ana, loud(1_200) + quiet(1_200))
    finals = stage.captions(ana, lambda one: one.final)
    assert [one.text for one in finals] == ["sentence 0", "sentence 1"]
    assert finals[1].start > 600 * SAMPLE_RATE and finals[1].at >= 600_000
