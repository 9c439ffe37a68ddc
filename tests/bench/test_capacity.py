"""The small card that the capacity model is held against."""

import asyncio

import pytest

from bench import capacity, report
from bench.simulated import Card, Translator
from loadtest.plan.times import Pass
from models.base import Request


def test_the_budget_is_crossed_between_what_holds_and_what_does_not() -> None:
    assert capacity.crossing([(28, 269.0), (31, 312.0), (34, 693.0)]) == 30.2
    assert capacity.crossing([(34, 693.0), (28, 269.0), (31, 289.0)]) == 31.1
    assert capacity.crossing([(28, 269.0), (31, 260.0)]) is None


@pytest.mark.engine
def test_a_tenth_less_holds_and_a_tenth_more_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "SAMPLES", 5_000)
    table = capacity.table()
    predicted = capacity.most(table)
    more = capacity.outcome(table, round(predicted * 1.1)).translations
    less = capacity.outcome(table, round(predicted * 0.9)).translations
    assert less is not None and more is not None
    assert less.p95 < capacity.BUDGET_MS < more.p95


async def test_who_asks_while_a_pass_runs_is_in_the_next() -> None:
    """And nobody waits longer than the passes he takes."""
    card = Card(Pass("translation", "x", "", [(1, 0.0), (2, 0.0)], [2], 0.0, "estimated", ""), 1)
    done: list[int] = []

    async def ask(number: int) -> None:
        await card.ask()
        done.append(number)

    await asyncio.gather(*(ask(number) for number in range(5)))
    assert done == [0, 1, 2, 3, 4]
    assert not card.waiting


async def test_the_words_are_the_scripted_ones() -> None:
    card = Card(Pass("translation", "x", "", [(1, 0.0)], [1], 0.0, "estimated", ""), 1)
    request = Request("en", "es", "good day")
    assert [piece async for piece in Translator(card).translate(request)] == ["good-es day-es"]


def test_the_verdict_is_that_less_holds_and_more_does_not() -> None:
    def point(speakers: int, p95: float) -> dict[str, object]:
        figures = {"translations": {"p95": p95}}
        return {"speakers": speakers, "model": figures, "real": figures,
                "tester": {"late_p99": 1.0}, "finals_lost": 0, "finals_doubled": 0}  # fmt: skip

    for last, met in ((500.0, True), (290.0, False)):
        points = [point(28, 270.0), point(31, 299.0), point(34, last)]
        rows = report.rows(
            "capacity", {"budget_ms": 300.0, "predicted": 31, "points": points, "found": 31}
        )
        assert rows[-1].met is met and rows[-1].timed
