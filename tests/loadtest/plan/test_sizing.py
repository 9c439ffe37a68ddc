"""From the table of service times to cards, processes and cost; and the command that says it."""

import json
from pathlib import Path

import msgspec
import pytest

import surtitle
from clients.console import Problem
from loadtest import main
from loadtest.plan.queueing import talking
from loadtest.plan.sizing import sized
from loadtest.plan.times import TABLE, Server, read
from tests.loadtest.plan.test_queueing import CARD, times


def test_a_few_share_one_card_and_many_have_more() -> None:
    table = times([(1, 30.0), (8, 60.0)], [(1, 4.0), (8, 8.0)])
    few = sized(table, CARD, 4, 1, talking(), 300, samples=1000)
    many = sized(table, CARD, 100, 1, talking(), 300, samples=1000)
    assert few.setting.together and few.setting.cards == 1 and few.processes == 1
    assert many.setting.recognizers > many.setting.translators >= 1
    assert many.outcome.holds(300)
    assert sum(many.busy) < many.setting.cards


def test_what_it_costs_is_cards_and_cores_by_the_hour() -> None:
    table = times([(1, 30.0), (8, 60.0)], [(1, 4.0), (8, 8.0)])
    found = sized(table, CARD, 60, 1, talking(), 300, samples=1000)
    assert found.processes == 2  # of 100 %, each takes 1 and 1 for each of two streams
    assert found.an_hour == 2 * found.setting.cards + 1 * found.processes
    assert found.a_speaker_minute == pytest.approx(found.an_hour / 60 / 60)
    dearer = sized(table, CARD, 60, 1, talking(), 300, price=4, samples=1000)
    assert dearer.an_hour == found.an_hour + 2 * found.setting.cards


def test_a_card_that_is_too_slow_for_one_is_too_slow_for_any_number() -> None:
    with pytest.raises(Problem, match="not even one speaker"):
        sized(times([(1, 350.0)], [(1, 4.0)]), CARD, 1, 1, talking(), 300, samples=1000)


def test_more_languages_are_more_streams() -> None:
    server = Server(70, 0.3, 0.2, [(0, 1.0), (100, 2.0)], "measured", "")
    assert server.speakers(1) == 100 and server.speakers(4) == 53


def test_every_row_of_the_table_says_where_it_is_from() -> None:
    table = read(TABLE)
    sources = [one.source for one in table.passes] + [one.source for one in table.prices]
    assert all(len(it) > 10 for it in (*sources, table.server.source, table.way.source))
    assert {"h200", "rtx4090"} <= set(table.cards)
    for card in table.cards:
        assert table.price(card).hour > 0


def test_what_is_only_estimated_is_called_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "plan.json"
    assert main.main(["plan", "--speakers", "3", "--json", str(kept)]) == 0
    said = capsys.readouterr().out
    assert "ESTIMATED times" in said and "No card was measured" in said
    assert "speaker-minute" in said and "server: MEASURED" in said
    assert json.loads(kept.read_text())["estimated"] == ["recognition", "translation"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--card", "abacus"], "no times of 'abacus' are known: there are h200"),
        (["--times", "/nowhere"], "the service times in /nowhere cannot be read"),
        (["--budget", "1"], "not even one speaker"),
    ],
)
def test_what_cannot_be_planned_is_a_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["plan", "--speakers", "2", *words]) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "other/1"}, "is of another version"),
        ({"passes": 3}, "is no table of service times"),
        ({"server": {"full": 0, "speaker": 1, "stream": 1, "added_ms": [[0, 1]], "origin":
          "measured", "source": ""}}, "shares of a core"),
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_a_sentence(
    tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    path = tmp_path / "times.json"
    path.write_bytes(msgspec.json.encode(json.loads(TABLE.read_text()) | change))
    with pytest.raises(Problem, match=sentence):
        read(path)


def measured(**phases: list[dict[str, object]]) -> dict[str, object]:
    """What bench/gpu.py writes, as far as a plan reads it."""
    found = {
        "recognition": [
            {"batch": batch, "seconds": seconds, "first_p95": 10.0 * batch, "step_p95": 1.0}
            for batch in (1, 8)
            for seconds in (2, 8)
        ],
        "Qwen3-4B: prefill": [
            {"batch": batch, "new": 16, "hypothesis": 32, "p95": 2.0 + batch} for batch in (1, 16)
        ],
    } | phases
    return {
        "about": {"card": "Some Card", "date": "today", "heard": 8},
        "phases": {name: {"points": points} for name, points in found.items()},
    }


def test_a_card_that_was_measured_counts_as_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "card.json"
    path.write_text(json.dumps(measured()))
    words = ["plan", "--speakers", "2", "--times", str(path), "--price", "1"]
    assert main.main(words) == 0
    said = capsys.readouterr().out
    assert "on Some Card (measured passes)" in said and "ESTIMATED times" not in said
    assert "a pass takes 30 ms for 1" in said  # 10 and 7 steps of 1, and 5 + 8 around them
    assert "a pass takes 6 ms for 1" in said  # 3, and 1 + 5 / 2.5 around it


@pytest.mark.parametrize(
    ("words", "phases", "sentence"),
    [
        (["--price", "1"], {"recognition": []}, "no time of recognition was measured"),
        ([], {}, "no price of 'Some Card' is known: name one with --price"),
    ],
)
def test_a_card_of_which_something_is_missing_is_a_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    phases: dict[str, list[dict[str, object]]],
    sentence: str,
) -> None:
    path = tmp_path / "card.json"
    path.write_text(json.dumps(measured(**phases)))
    assert main.main(["plan", "--speakers", "2", "--times", str(path), *words]) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(("word", "option"), [("plan", "--talking"), ("compare", "FILE")])
def test_each_of_its_commands_explains_itself(
    word: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert surtitle.main(["loadtest", word, "--help"]) == 0
    said = capsys.readouterr().out
    assert option in said and "--find-capacity" not in said
