"""A broken server is left alone, and tried again within a second of its return."""

from hypothesis import given
from hypothesis import strategies as st

from models.sglang.breaker import PROBE_S, Breaker, Seen, ranked

URLS = [f"http://gpu{n}:30000" for n in range(4)]


def test_one_failure_may_be_the_calls_own() -> None:
    breaker = Breaker(patience=3)
    assert [breaker.push(Seen.FAILED, 0.0) for _ in range(3)] == ["closed", "closed", "open"]


def test_success_forgives() -> None:
    breaker = Breaker(patience=2)
    for _ in range(5):
        breaker.push(Seen.FAILED, 0.0)
        assert breaker.push(Seen.WORKS, 0.0) == "closed"


def test_a_server_that_is_gone_is_not_called_twice() -> None:
    assert Breaker(patience=3).push(Seen.GONE, 0.0) == "open"


def test_a_probe_closes_it_on_trial() -> None:
    breaker = Breaker(patience=3)
    breaker.push(Seen.GONE, 10.0)
    assert breaker.wait(10.0) == PROBE_S and breaker.wait(11.0) == 0
    assert breaker.push(Seen.BACK, 11.0) == "trial" and not breaker.open
    assert breaker.push(Seen.FAILED, 12.0) == "open"
    breaker.push(Seen.BACK, 13.0)
    assert breaker.push(Seen.WORKS, 13.1) == "closed"


def test_an_old_call_that_ends_well_does_not_close_it() -> None:
    breaker = Breaker()
    breaker.push(Seen.GONE, 0.0)
    assert breaker.push(Seen.WORKS, 0.1) == "open"


@given(st.text(), st.sampled_from(URLS))
def test_losing_a_server_moves_only_its_own_rooms(room: str, lost: str) -> None:
    order = ranked(URLS, room)
    assert sorted(order) == sorted(URLS)
    left = ranked([url for url in URLS if url != lost], room)
    assert left == [url for url in order if url != lost]


def test_rooms_are_spread_over_the_servers() -> None:
    first = [ranked(URLS, f"room {n}")[0] for n in range(400)]
    assert min(first.count(url) for url in URLS) > 60
