"""The streams that policies are measured on, and what is made of them."""

import pytest

from bench import report, told
from bench.policies import PAIRS, SEEDS, SPEAKS, _recorded
from bench.spoken import recorded, scripted, sentences
from loadtest.judge import policies
from loadtest.judge.spoken import HOP_MS
from streaming.units import same


@pytest.mark.parametrize("language", SPEAKS)
def test_a_script_is_said_alike_for_a_seed_and_ends_as_it_is_written(language: str) -> None:
    said = scripted(language, seed=1)
    assert said == scripted(language, seed=1) != scripted(language, seed=2)
    written = [one.text(language) for one in sentences()]
    assert [one.heard[-1].text for one in said] == written
    for one in said:
        assert [heard.segment.final for heard in one.heard].index(True) == len(one.heard) - 1
        ends = [heard.segment.end for heard in one.heard]
        assert ends == sorted(set(ends))


@pytest.mark.parametrize(("source", "target"), PAIRS)
async def test_a_scripted_translation_ends_as_it_is_written(source: str, target: str) -> None:
    lines = told.scripted(source, target, scripted(source))
    for (heard, teller), said in zip(lines, sentences(), strict=True):
        spoken = list(policies.transcripts(heard, HOP_MS))
        for segment, line in await policies.translations(spoken, teller, target):
            assert line.final == segment.final
        spaces = "" if target == "th" else " "  # between Thai sentences, which have no full stop
        assert line.text.replace(" ", spaces) == said.text(target)


@pytest.mark.parametrize("source", ["ja", "ko"])
async def test_what_ends_with_its_verb_is_read_in_time_and_hardly_taken_back(source: str) -> None:
    lines = [
        line
        for seed in range(SEEDS)
        for line in told.scripted(source, "en", scripted(source, seed), seed)
    ]
    found = {
        "transcripts": {},
        "translations": {source: await policies.translated(lines, "en", HOP_MS)},
    }
    (row,) = report.rows("policies", found)
    assert row.met, row.figure


def test_what_was_recorded_ends_every_segment_once() -> None:
    said = recorded()
    assert len({one.name for one in said}) == len(said) > 10
    for one in said:
        assert [heard.segment.final for heard in one.heard].count(True) == 1
        assert one.heard[-1].segment.final


def test_who_re_sends_all_is_first_and_who_waits_takes_nothing_back() -> None:
    found = policies.heard(scripted("en"), HOP_MS)
    assert min(found, key=lambda name: found[name]["first_ms"]) == "re-send all"
    assert found["final"]["erasure"] == 0
    assert found["live"]["retracted"] == found["steady"]["retracted"] == 0
    assert found["live"]["erasure"] < found["re-send all"]["erasure"]


def test_a_part_that_was_skipped_says_why() -> None:
    figures = policies.heard(scripted("th"), HOP_MS)
    found = {"transcripts": {"th": figures}, "translations": {"en to es": {"skipped": "nobody"}}}
    heard, skipped = report.rows("policies", found)
    assert heard.met is (figures["live"]["erasure"] <= report.ERASURE["transcripts"])
    assert (skipped.figure, skipped.bar, skipped.met) == ("skipped", "nobody", None)


async def test_what_nobody_asked_the_small_qwen_when_it_was_recorded_is_said_and_not_guessed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        told, "recorded", lambda kind, source: [(scripted("zh")[0], told.Recorded({}))]
    )
    found = await _recorded("short", "zh", "en")
    assert "python -m bench.teensy.streams" in found["skipped"]


def test_what_is_misheard_is_mistranslated_and_mended() -> None:
    said = sentences()[0]
    teller = told.Scripted(said, "en", "es")
    right = teller._translation("Good morning, I read about your glasses last week", known=False)
    wrong = teller._translation("Good morning, I bread out your glasses last week", known=False)
    assert not same(right, wrong)
    assert right.startswith("Buenos días,")
