"""Cycles are collected when nobody minds, and before they are many."""

import asyncio
import gc
import weakref

import pytest

from server import garbage
from server.garbage import CALM_S, ENOUGH, LONGEST_S, Garbage, collected


class Loop:
    """Refers to itself."""

    def __init__(self) -> None:
        self.itself = self


def test_everything_is_looked_at_when_nobody_speaks_or_when_it_has_been_too_long() -> None:
    one = Garbage(now=0.0)
    assert not one.due(CALM_S, calm=False, more=0)
    assert one.due(CALM_S + 1, calm=True, more=0)
    assert not one.due(CALM_S + 2, calm=True, more=0)
    assert not one.due(CALM_S + LONGEST_S, calm=False, more=0)
    assert one.due(CALM_S + 1 + LONGEST_S, calm=False, more=0)


def test_many_objects_that_stay_do_not_wait_for_it() -> None:
    one = Garbage(now=0.0)
    assert not one.due(1.0, calm=False, more=ENOUGH - 1)
    assert one.due(2.0, calm=False, more=ENOUGH)
    assert not one.due(3.0, calm=False, more=1)


async def test_cycles_go_while_python_itself_looks_at_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(garbage, "LOOK_S", 0)
    monkeypatch.setattr(garbage, "CALM_S", 0)
    looking = asyncio.create_task(collected(lambda: True))
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
