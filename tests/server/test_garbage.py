"""Cycles are collected a little at a time, and all of them when nobody minds."""

import asyncio
import gc
import weakref

import pytest

from server import garbage
from server.garbage import CALM_S, ENOUGH, LONGEST_S, YOUNG_S, Garbage, collected


class Loop:
    """Refers to itself."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_new_is_looked_at_every_time_and_older_things_once_there_are_enough_of_them() -> (
    None
):
    one = Garbage(now=0.0)
    few = ENOUGH // 10
    found = [one.due(tick / 10, calm=False, came=few) for tick in range(1, 1_000)]
    assert found == [int(tick % 10 == 0) for tick in range(1, 1_000)]


def test_few_objects_wait_no_longer_than_a_few_seconds_for_it() -> None:
    one = Garbage(now=0.0)
    assert one.due(YOUNG_S - 1, calm=False, came=1) == 0
    assert one.due(YOUNG_S, calm=False, came=1) == 1
    assert one.due(YOUNG_S + 1, calm=False, came=1) == 0


def test_a_crowd_that_comes_at_once_is_looked_at_at_once() -> None:
    one = Garbage(now=0.0)
    assert [one.due(tick / 10, calm=False, came=3 * ENOUGH) for tick in range(1, 9)] == [1] * 8
    assert one.due(1.0, calm=False, came=0) == 0


def test_everything_is_looked_at_when_nobody_speaks_or_when_it_has_been_too_long() -> None:
    one = Garbage(now=0.0)
    assert one.due(CALM_S, calm=False, came=0) != 2
    assert one.due(CALM_S + 1, calm=True, came=0) == 2
    assert one.due(CALM_S + 2, calm=True, came=0) != 2
    assert one.due(CALM_S + LONGEST_S, calm=False, came=0) != 2
    assert one.due(CALM_S + 1 + LONGEST_S, calm=False, came=0) == 2


async def test_cycles_go_within_a_look_while_python_itself_looks_at_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(garbage, "LOOK_S", 0)
    looking = asyncio.create_task(collected(lambda: False))
    await asyncio.sleep(0)
    try:
        left = weakref.ref(Loop())
        assert not gc.isenabled()
        async with asyncio.timeout(5):
            while left() is not None:
                await asyncio.sleep(0)
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        gc.unfreeze()
    assert gc.isenabled()
