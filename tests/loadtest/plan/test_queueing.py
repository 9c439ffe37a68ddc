"""The queues of a card, where the answer is known without them."""

from dataclasses import replace
from math import exp

import pytest

from loadtest.plan.conversation import simulated
from loadtest.plan.queueing import HOP_MS, Said, Setting, Speech, load, talking
from loadtest.plan.times import FORMAT, Pass, Price, Server, Times, Way

CARD = "a card"
NEAR = Way(1, 0, 0, "estimated", "")


def engine(role: str, ms: list[tuple[int, float]], passes: tuple[int, ...] = (1,)) -> Pass:
    return Pass(role, CARD, "", ms, [*passes], 0.0, "estimated", "")  # type: ignore[arg-type]


def times(
    hears: list[tuple[int, float]],
    tells: list[tuple[int, float]],
    passes: tuple[int, ...] = (1,),
    way: Way = NEAR,
) -> Times:
    """A server that adds nothing."""
    server = Server(100, 1, 1, [(0, 0.0), (100, 0.0)], "estimated", "")
    prices = [Price(CARD, 2, "estimated", ""), Price("core", 1, "estimated", "")]
    both = [engine("recognition", hears), engine("translation", tells, passes)]
    return Times(FORMAT, both, server, way, prices)


def test_who_is_alone_waits_for_nobody() -> None:
    table = times([(1, 60.0)], [(1, 4.0)], passes=(3,), way=Way(1, 20, 30, "estimated", ""))
    found = simulated(table, CARD, Setting(1, 1, 1, 1, samples=500))
    assert found.transcripts is not None and found.translations is not None
    assert found.transcripts.p50 == pytest.approx(20 + 60 + 30, abs=1)
    assert found.translations.max == pytest.approx(20 + 60 + 3 * 4 + 30, abs=1)
    assert found.skipped == 0


def test_the_age_is_a_hop_more_than_the_delay() -> None:
    found = simulated(times([(1, 60.0)], [(1, 4.0)]), CARD, Setting(1, 0, 1, 0, samples=2000))
    assert found.age is not None and found.transcripts is not None
    assert found.translations is None
    newest = found.transcripts.p50
    assert newest <= found.age.p50 <= newest + HOP_MS
    assert found.age.max == pytest.approx(newest + HOP_MS, abs=60)


def test_a_card_that_is_full_skips_and_does_not_fall_behind() -> None:
    """Three times what it can do: two of three updates are skipped, and the rest is as late as at
    the beginning."""
    hops = 1000 / HOP_MS
    asked = [(1, 3 * 1000 / (10 * hops))]
    short, long = (
        simulated(times(asked, [(1, 1.0)]), CARD, Setting(10, 0, 1, 0, samples=samples))
        for samples in (1000, 4000)
    )
    assert long.skipped == pytest.approx(2 / 3, abs=0.05)
    assert short.transcripts is not None and long.transcripts is not None
    assert long.transcripts.p95 == pytest.approx(short.transcripts.p95, rel=0.1)


def test_finals_are_never_skipped() -> None:
    """A segment of two updates on a card that sees one of them."""
    speech = Speech((Said(320, 0), Said(640, 0, final=True), Said(960, 1, final=True)), 1000)
    found = simulated(
        times([(1, 300.0)], [(1, 1.0)]), CARD, Setting(1, 0, 1, 0, speech=speech, samples=300)
    )
    assert found.transcripts is not None
    assert found.transcripts.count >= 2 * 0.9 * 60  # of each second of the longest run, both finals


def test_a_queue_of_strangers_is_what_queueing_theory_says() -> None:
    """Many speakers who rarely say something are a Poisson stream: with one at a time and a
    constant time of service s, at a load of one half, waiting is s/2 on average (M/D/1)."""
    s, speakers = 20.0, 200
    speech = Speech((Said(1000.0, 0, final=True),), 2 * s * speakers)
    found = simulated(
        times([(1, s)], [(1, 1.0)]), CARD, Setting(speakers, 0, 1, 0, speech=speech, samples=6_000)
    )
    assert found.recognizing is not None
    assert found.recognizing.p50 == pytest.approx(s, abs=0.35 * s)
    # P(wait = 0) = 1 - load, and P(wait <= s) = (1 - load) exp(load) (Erlang).
    assert (1 - 0.5) * exp(0.5) < 0.9
    assert s * 1.5 < found.recognizing.p90 < s * 3


def test_a_batch_is_a_pass_for_all_who_wait() -> None:
    """So a card carries as many as fit into its passes."""
    wide = times([(1, 50.0), (50, 50.0)], [(1, 1.0)])
    narrow = times([(1, 50.0)], [(1, 1.0)])
    setting = Setting(30, 0, 1, 0, samples=3000)
    assert simulated(wide, CARD, setting).skipped == 0
    assert simulated(narrow, CARD, setting).skipped > 0.2
    busy = [load(it, CARD, 30, 0, talking())[0] for it in (wide, narrow)]
    assert busy[0] == pytest.approx(busy[1] / 50)


def test_one_card_for_both_is_slower_than_one_each() -> None:
    table = times([(1, 60.0), (32, 60.0)], [(1, 20.0), (32, 20.0)])
    both = simulated(table, CARD, Setting(10, 1, 1, 1, together=True, samples=1000))
    each = simulated(table, CARD, Setting(10, 1, 1, 1, samples=1000))
    assert both.translations is not None and each.translations is not None
    assert both.translations.p50 > each.translations.p50


def test_the_same_is_the_same_again() -> None:
    table, setting = times([(1, 60.0)], [(1, 4.0)], passes=(1, 2)), Setting(5, 1, 1, 1, samples=500)
    assert simulated(table, CARD, setting) == simulated(table, CARD, setting)


def test_who_pauses_asks_less() -> None:
    assert talking(0.5).an_hour == pytest.approx(talking(1.0).an_hour / 2)
    assert replace(talking(0.5), lasts=8000.0).spoken() == [(0.0, 8000.0)]
