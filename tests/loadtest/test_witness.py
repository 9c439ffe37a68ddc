"""What one reader saw: the same figures as `streaming.measures` has, in less memory."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.tally import Tally, Times, merged
from loadtest.verdict import Bars, Health, exit_code, judged
from loadtest.witness import Room, Voice, Witness
from streaming.measures import Percentiles, Reader
from streaming.messages import Caption, Latency
from tests.clients.fakes import caption

FRAME = 1600  # samples: 100 ms
ALWAYS = (-1e9, 1e9)
STEADY = Health(late_p99=0.5, late_max=2.0, cpu=5.0)


def witness(bars: Bars | None = None) -> tuple[Witness, Tally, Voice]:
    tally, voice = Tally(), Voice(0.0, FRAME)
    return Witness(Room({"a": voice}), tally, ALWAYS, bars), tally, voice


def conversation(seed: int) -> list[tuple[Caption, float]]:
    """Lines of one speaker that grow, change their minds and end, some without a word."""
    drawn, found = Random(seed), []
    start, now, seq = 0, 0.0, 0
    for segment in range(8):
        words: list[str] = []
        end = start
        for _ in range(drawn.randrange(1, 8)):
            end += 320 * 16
            now = max(now, end / 16_000 + drawn.uniform(0.01, 0.9))
            if words and drawn.random() < 0.3:
                words[-1] = drawn.choice("uvw")
            words += [drawn.choice("xyz") for _ in range(drawn.randrange(3))]
            seq += 1
            line = caption("", " ".join(words), segment=segment, start=start, end=end, seq=seq)
            found.append((line, now))
        now, seq = now + drawn.uniform(0.01, 0.4), seq + 1
        text = " ".join(words) if drawn.random() < 0.8 else ""
        last = caption(text, segment=segment, start=start, end=end, final=True, seq=seq)
        found.append((last, now))
        start = end + drawn.randrange(0, 16_000)
    return found


@given(st.integers(0, 10**6))
def test_the_figures_are_those_of_the_definition(seed: int) -> None:
    it, tally, voice = witness()
    reader = Reader({"a": voice.captured})
    for one, now in conversation(seed):
        it.push(one, now)
        reader.push(one, now)
    it.close()
    whole = reader.figures()
    # An update of no words shows nothing, so no line opens with it here.
    pairs: list[tuple[str, Percentiles | None]] = [
        ("chunk_to_caption", whole.chunk_to_caption),
        ("first_display", whole.first_display),
        ("finalisation", whole.finalisation),
        ("caption_age", whole.caption_age),
        ("speech_to_final", whole.speech_to_final),
        ("cut_to_final", whole.cut_to_final),
    ]
    for name, known in pairs:
        found = tally[name].percentiles()
        assert (found is None) == (known is None), name
        if found is not None and known is not None:
            assert found.p95 == pytest.approx(known.p95, rel=0.002, abs=0.01), name
    erasure = tally.erased("transcript")
    assert (erasure.erased, erasure.written) == (whole.erased, whole.written)
    assert tally.counts["finals"] == whole.finals


def grown(*updates: tuple[str, int, float], final: bool = True) -> list[tuple[Caption, float]]:
    """A line's texts, with the ms heard and the second of arrival."""
    return [
        (
            caption(
                text if final and n == len(updates) - 1 else "",
                "" if final and n == len(updates) - 1 else text,
                start=0,
                end=heard * 16,
                final=final and n == len(updates) - 1,
                seq=n + 1,
            ),
            arrived,
        )
        for n, (text, heard, arrived) in enumerate(updates)
    ]


def test_the_age_grows_while_nothing_new_is_seen() -> None:
    it, tally, voice = witness()
    reader = Reader({"a": voice.captured})
    for one, now in grown(("one", 500, 0.6), ("one", 1000, 1.1), ("one two", 2000, 2.1)):
        it.push(one, now)
        reader.push(one, now)
    known = reader.figures().caption_age
    found = tally["caption_age"].percentiles()
    assert known is not None and found is not None
    assert found.count == known.count and found.max == pytest.approx(known.max, rel=0.002)
    assert found.max == pytest.approx(1450, rel=0.002)  # at 1.95 s, of what was heard at 0.5 s


def traced(heard: int, latency: Latency) -> Caption:
    one = caption("", "words", start=0, end=heard, seq=1)
    return Caption(
        **{**{name: getattr(one, name) for name in one.__struct_fields__}, "latency": latency}
    )


def test_the_stages_add_up_to_the_whole() -> None:
    it, tally, voice = witness()
    voice.send(0.102)  # the frame was due at 0.100
    it.push(traced(1440, Latency(2, 50, 30, 4, 86)), 0.2)
    stages = {
        name[6:]: times.percentile(100)
        for name, times in tally.times.items()
        if name[:6] == "stage."
    }
    assert stages["capture"] == pytest.approx(10, rel=0.002)
    assert stages["send"] == pytest.approx(2, rel=0.01)
    assert stages["transport"] == pytest.approx(98 - 86, rel=0.01)
    assert sum(stages.values()) == pytest.approx(
        tally["chunk_to_caption"].percentile(100), rel=0.01
    )
    assert tally["server_added"].percentile(100) == pytest.approx(100 - 80, rel=0.01)


@pytest.mark.parametrize(
    ("latency", "stage"),
    [
        (Latency(1, 350, 20, 2, 373), "recognize"),
        (Latency(1, 60, 280, 2, 343), "translate"),
        (Latency(1, 60, 20, 300, 381), "queue"),
        (Latency(200, 60, 20, 1, 281), "detect"),
        (Latency(1, 60, 20, 1, 82), "transport"),
    ],
)
def test_the_stage_that_broke_the_budget_is_named(latency: Latency, stage: str) -> None:
    bars = Bars(budget=300)
    it, tally, voice = witness(bars)
    voice.send(0.1)
    it.push(traced(1600, latency), 0.5)
    (verdict, *_) = judged(tally, bars, STEADY)
    assert (verdict.judgement, verdict.stage) == ("missed", stage)


@pytest.mark.parametrize(
    ("health", "judgement"),
    [
        (STEADY, "missed"),
        (Health(late_p99=40, late_max=90, cpu=50), "cannot tell"),
        (Health(late_p99=1, late_max=2, cpu=97), "cannot tell"),
    ],
)
def test_a_slow_tester_is_not_a_slow_server(health: Health, judgement: str) -> None:
    tally = Tally()
    tally["chunk_to_caption"].add(400, 100)
    tally["caption_age"].add(500, 100)
    c2c, age, finals = judged(tally, Bars(budget=300), health)
    assert c2c.judgement == judgement
    assert age.judgement == "met"  # lateness only adds to a figure: what is met is met
    assert finals.judgement == "met"
    assert exit_code([c2c, age, finals]) == (1 if judgement == "missed" else 2)


def test_a_tester_that_fell_behind_did_not_even_ask() -> None:
    tally = Tally()
    tally["server_added"].add(5)
    (verdict, _) = judged(tally, Bars(budget_server=10), Health(1.0, 5000.0, 50.0))
    assert verdict.judgement == "cannot tell"


def test_words_that_come_too_seldom_are_to_blame_for_their_age() -> None:
    tally = Tally()
    tally["chunk_to_caption"].add(100, 100)
    tally["caption_age"].add(900, 100)
    _, age, _ = judged(tally, Bars(budget=300), STEADY)
    assert (age.judgement, age.stage) == ("missed", "updates")


def test_a_server_that_says_nothing_has_missed() -> None:
    assert exit_code(judged(Tally(), Bars(budget=300), STEADY)) == 1


def test_lost_finals_are_a_failure_of_their_own() -> None:
    tally = Tally()
    tally.counts["finals_lost"] = 1
    (verdict,) = judged(tally, Bars(), STEADY)
    assert verdict.sentence == "finals lost or doubled: 1, MISSED"
    assert judged(tally, Bars(), STEADY, faults=True) == []


def test_tallies_of_several_processes_are_one() -> None:
    one, other = Tally(), Tally()
    for tally, ms in ((one, 100.0), (other, 300.0)):
        tally["answer"].add(ms)
        tally.counts["finals"] += 2
        tally.erased("transcript").push("line", "a b", final=True)
        tally.blamed("server_added")["queue"] += 3
    whole = merged([one.packed(), other.packed()])
    assert whole["answer"].percentile(100) == pytest.approx(300, rel=0.001)
    assert whole["answer"].histogram.total_count == 2
    assert whole.counts["finals"] == 4 and whole.erased("transcript").written == 4
    assert whole.blame["server_added"]["queue"] == 6


def test_times_below_nothing_and_beyond_everything_are_kept_at_the_ends() -> None:
    times = Times()
    times.add(-5)
    times.add(10**9)
    found = times.percentiles()
    assert found is not None and (found.count, found.p50) == (2, 0.001)


def test_a_voice_knows_when_its_frames_left() -> None:
    voice = Voice(10.0, FRAME)
    for late in (0.0, 0.5, 0.0):
        voice.send(voice.next + late)
    assert voice.due(1) == voice.due(1600) == pytest.approx(10.1)
    assert voice.sent(1601) == pytest.approx(10.7) and voice.sent(4800) == pytest.approx(10.3)
    assert voice.captured(800) == pytest.approx(10.05)
