"""What grows in a soak is missed, and what a slow machine does is only said."""

from typing import Any

import pytest

from bench import report
from bench.soak import GROWTH_MB, SPARE, Look, _figures, asked

STEADY: dict[str, Any] = {
    "minutes": 30.0, "speed": 10.0, "slope_mb_per_hour": 6.0, "finals_mb_per_hour": 5.5,
    **{name: {"first tenth": 20, "last tenth": 20} for name in SPARE},
    "memory_mb": {"first": 130.0, "last": 150.0}, "shown_p95": [13.0, None, 14.0],
    "lag_p99_at_most": {"first third": 5.0, "last third": 5.0},
    "skipped": 3.0, "undrained": 0, "finals_lost": 0, "finals_doubled": 0, "broken": [],
}  # fmt: skip


def failed(**other: Any) -> list[str]:
    """What fails `make soak`."""
    rows = report.rows("soak", STEADY | other)
    assert rows[0].figure != "cannot be shown", rows[0].bar
    return [row.what or row.figure for row in rows if row.met is False and not row.timed]


def test_a_server_that_is_as_it_was_passes() -> None:
    assert failed() == []


@pytest.mark.parametrize("what", SPARE)
def test_what_is_left_behind_by_each_connection_is_missed(what: str) -> None:
    assert failed(**{what: {"first tenth": 20, "last tenth": 20 + SPARE[what]}}) == []
    assert failed(**{what: {"first tenth": 20, "last tenth": 21 + SPARE[what]}}) == [what]


def test_memory_may_grow_by_the_finals_that_are_kept() -> None:
    assert failed(slope_mb_per_hour=GROWTH_MB + 4, finals_mb_per_hour=5.0) == []
    assert len(failed(slope_mb_per_hour=GROWTH_MB + 4, finals_mb_per_hour=1.0)) == 1


def test_what_is_lost_is_missed() -> None:
    assert failed(finals_lost=1) and failed(finals_doubled=1)
    assert failed(broken=["the connection broke"]) and failed(undrained=1)


def test_a_slow_machine_is_said_and_fails_nothing() -> None:
    slow = {
        "lag_p99_at_most": {"first third": 5.0, "last third": 900.0},
        "shown_p95": [13.0, 900.0],
    }
    rows = report.rows("soak", STEADY | slow)
    assert sum(row.met is False for row in rows) == 2 and failed(**slow) == []


def test_a_leak_shows_in_the_last_tenth() -> None:
    looks = [
        Look(minute, 130 + minute, {0.001: minute, 1.0: minute}, 9.0 * minute, 20 + minute, 8, 40.0)
        for minute in range(1, 31)
    ]
    figures = _figures(looks, warm=15.0)
    assert figures["slope_mb_per_hour"] == pytest.approx(60.0)
    assert figures["descriptors"] == {"first tenth": 35, "last tenth": 50}
    assert failed(**figures)


def test_a_day_is_asked_for_by_name() -> None:
    assert (asked(""), asked("24h"), asked("90m")) == ((30.0, 10.0), (1440.0, 1.0), (90.0, 1.0))
    for word in ("24", "0h", "a day"):
        with pytest.raises(ValueError, match="write SOAK=24h"):
            asked(word)
