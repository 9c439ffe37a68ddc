"""Where segments begin and end."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streaming.segmenter import Segmenter, SegmenterConfig
from streaming.values import WINDOW, SpeechSegment, milliseconds, samples

SPEECH, SILENCE = 0.9, 0.05


def run(
    likelihoods: list[float], clause_complete: bool = False, behind_ms: float = 0
) -> list[SpeechSegment]:
    segmenter, behind = Segmenter(), samples(behind_ms)
    found: list[SpeechSegment] = []
    for n, likelihood in enumerate(likelihoods):
        found += segmenter.push(n * WINDOW, (n + 1) * WINDOW, likelihood, clause_complete, behind)
    return found + segmenter.pause()


def windows(ms: float) -> int:
    return round(samples(ms) / WINDOW)


def talk(*stretches: tuple[float, float]) -> list[float]:
    """(likelihood, ms) stretches as one likelihood a window."""
    return [likelihood for likelihood, ms in stretches for _ in range(windows(ms))]


def test_a_segment_ends_after_enough_silence_and_says_so_once() -> None:
    found = run(talk((SILENCE, 640), (SPEECH, 1920), (SILENCE, 1920)))
    assert [segment.final for segment in found].count(True) == 1
    assert found[-1].final
    assert {segment.id for segment in found} == {0}


def test_audio_from_before_the_speech_was_noticed_is_kept() -> None:
    found = run(talk((SILENCE, 960), (SPEECH, 960), (SILENCE, 960)))
    lead = milliseconds(found[0].onset - found[0].start)
    assert 290 <= lead <= 300


def test_a_complete_clause_needs_less_patience() -> None:
    speech = talk((SILENCE, 320), (SPEECH, 960), (SILENCE, 1600))
    hurried, patient = run(speech, clause_complete=True), run(speech)
    assert milliseconds(hurried[-1].end - hurried[-1].offset) == 512
    assert milliseconds(patient[-1].end - patient[-1].offset) == 800


def test_a_pause_is_reported_before_it_ends_the_segment() -> None:
    found = run(talk((SILENCE, 320), (SPEECH, 1600), (SILENCE, 1600)))
    quiet = [segment for segment in found if segment.quiet]
    assert quiet
    assert milliseconds(quiet[0].end - quiet[0].offset) < 512


def test_going_on_after_a_pause_is_the_same_segment() -> None:
    found = run(talk((SPEECH, 640), (SILENCE, 320), (SPEECH, 640), (SILENCE, 960)))
    assert {segment.id for segment in found} == {0}
    assert not found[-2].quiet or found[-2].end > found[0].end


def test_a_click_is_no_segment() -> None:
    assert run(talk((SILENCE, 320), (SPEECH, 96), (SILENCE, 1600))) == []


def test_likelihoods_in_between_keep_the_state() -> None:
    assert run(talk((SILENCE, 320), (0.45, 3200))) == []
    found = run(talk((SPEECH, 640), (0.4, 3200), (SILENCE, 960)))
    assert [segment.final for segment in found].count(True) == 1


def test_endless_speech_is_cut_where_it_is_quietest_for_its_age() -> None:
    dip = talk((SPEECH, 11_008), (0.45, 32), (SPEECH, 6_400), (SILENCE, 960))
    first = next(segment for segment in run(dip) if segment.final)
    assert 10_500 < milliseconds(first.end - first.start) < 12_000
    assert first.end == samples(11_008) + WINDOW


def test_endless_speech_without_a_dip_is_cut_at_the_longest() -> None:
    found = run(talk((1.0, 40_000)))
    finals = [segment for segment in found if segment.final]
    lengths = [milliseconds(segment.end - segment.start) for segment in finals]
    assert max(lengths) <= 15_000 + 32
    assert finals[1].start == finals[0].end


def test_time_that_was_not_sent_ends_the_segment_and_is_part_of_none() -> None:
    segmenter = Segmenter()
    for n in range(40):
        segmenter.push(n * WINDOW, (n + 1) * WINDOW, SPEECH)
    ended = segmenter.skip(100_000)
    assert [segment.final for segment in ended] == [True]
    found: list[SpeechSegment] = []
    for n in range(40):
        start = 100_000 + n * WINDOW
        found += segmenter.push(start, start + WINDOW, SPEECH)
    assert found[0].start == 100_000
    assert found[0].id == 1


def test_who_is_behind_is_told_less_of_an_open_segment_and_as_soon_of_its_first_words() -> None:
    speech = talk((SPEECH, 8_000), (SILENCE, 960))
    in_time, late, hopeless = (run(speech, behind_ms=ms) for ms in (10, 40, 10_000))
    assert run(speech) == in_time
    assert 1.8 < len(in_time) / len(late) < 2.2
    assert late[0] == hopeless[0] == in_time[0]
    most = samples(SegmenterConfig().rarest_ms) + WINDOW
    assert all(b.end - a.end <= most for a, b in pairwise(hopeless))


def test_who_is_behind_hears_of_pauses_and_ends_like_everybody() -> None:
    speech = talk((SPEECH, 1_600), (SILENCE, 320), (SPEECH, 1_600), (SILENCE, 960))
    in_time, late = run(speech), run(speech, behind_ms=500)
    assert {s.offset for s in late if s.quiet} == {s.offset for s in in_time if s.quiet}
    assert late[-1] == in_time[-1]


likelihood = st.sampled_from([0.0, 0.1, 0.34, 0.4, 0.5, 0.7, 1.0])
stretch = st.tuples(likelihood, st.sampled_from([32, 64, 96, 160, 320, 640, 1_600, 6_400]))


@given(st.lists(stretch, max_size=30), st.booleans())
def test_every_segment_ends_exactly_once_and_no_sample_is_heard_twice(
    stretches: list[tuple[float, float]], clause_complete: bool
) -> None:
    found = run(talk(*stretches), clause_complete)
    finals = [segment for segment in found if segment.final]
    assert sorted({segment.id for segment in found}) == [segment.id for segment in finals]
    for before, after in pairwise(finals):
        assert before.end <= after.start
    for before, after in pairwise(found):
        if before.id == after.id:
            assert (before.start, before.onset) == (after.start, after.onset)
            assert before.end <= after.end
            assert not before.final


@given(st.lists(stretch, max_size=30))
def test_an_open_segment_is_reported_at_most_four_times_a_second(
    stretches: list[tuple[float, float]],
) -> None:
    least = samples(SegmenterConfig().least_ms)
    for before, after in pairwise(run(talk(*stretches))):
        assert after.final or before.id != after.id or after.end - before.end >= least
