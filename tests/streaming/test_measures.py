"""The measures against conversations whose figures can be reckoned by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streaming.measures import Erasure, Figures, Percentiles, Reader, percentiles
from streaming.messages import Caption, Kind
from streaming.units import pieces

SECOND = 16_000  # positions


def schedule(position: int) -> float:
    """A microphone that was switched on at 100 s of the reader's clock."""
    return 100 + position / SECOND


def caption(
    text: str,
    heard: float,
    *,
    seq: int = 0,
    stable: str = "",
    final: bool = False,
    speech: tuple[float, float] = (0.0, 2.0),
    speaker: str = "ana",
    segment: int = 1,
    kind: Kind = "transcript",
    replay: bool = False,
) -> Caption:
    """A caption of English; `heard` and `speech` in seconds of audio."""
    return Caption(
        seq=seq,
        speaker=speaker,
        segment=segment,
        language="en",
        kind=kind,
        stable=text if final else stable,
        draft="" if final else text.removeprefix(stable),
        final=final,
        start=int(speech[0] * SECOND),
        end=int(speech[1] * SECOND),
        heard=int(heard * SECOND),
        at=0,
        engine="hand",
        replay=replay,
    )


def read(*events: tuple[float, Caption]) -> Figures:
    """What a reader saw; arrivals in seconds after the microphone was switched on."""
    reader = Reader({"ana": schedule})
    for seq, (arrival, seen) in enumerate(events, 1):
        reader.push(replace(seen, seq=seen.seq or seq), 100 + arrival)
    return reader.figures()


def only(samples: Percentiles | None) -> float:
    """The one sample, in ms."""
    assert samples is not None and samples.count == 1
    return round(samples.max)


# Erasure


def test_appending_erases_nothing() -> None:
    erasure = Erasure()
    for text in ("we", "we go", "we go home"):
        assert erasure.push("line", text) == 0
    erasure.push("line", "we go home.", final=True)
    assert (erasure.erased, erasure.written) == (0, 4), "a word that gets its full stop stands"


def test_a_changed_word_takes_all_after_it_along() -> None:
    erasure = Erasure()
    erasure.push("line", "he reads a book")
    assert erasure.push("line", "he red a book") == 3
    erasure.push("line", "he red a book", final=True)
    assert erasure.ratio == 3 / 4


def test_han_are_counted_one_by_one() -> None:
    erasure = Erasure()
    erasure.push("line", "我们回家")
    erasure.push("line", "我们会议", final=True)
    assert (erasure.erased, erasure.written) == (2, 4)


def test_a_withdrawn_line_is_all_erased() -> None:
    erasure = Erasure()
    erasure.push("noise", "uh huh")
    erasure.push("noise", "", final=True)
    erasure.push("line", "good morning to you", final=True)
    assert erasure.ratio == 2 / 4


def test_open_lines_are_not_yet_in_the_ratio() -> None:
    erasure = Erasure()
    erasure.push("open", "a b c")
    erasure.push("open", "d")
    assert erasure.ratio is None
    erasure.push("line", "x y", final=True)
    assert erasure.ratio == 0


texts = st.lists(st.sampled_from(["a ", "b ", "中", "文"]), max_size=8).map("".join)


@given(st.lists(texts, min_size=1, max_size=8))
def test_what_was_written_and_not_erased_is_the_final_text(history: list[str]) -> None:
    erasure = Erasure()
    written = 0
    before: list[str] = []
    for n, text in enumerate(history):
        gone = erasure.push("line", text, final=n == len(history) - 1)
        words = pieces(text.strip())
        written += len(words) - (len(before) - gone)  # what was added to what was kept
        before = words
    assert written - erasure.erased == erasure.written == len(before)


# Percentiles


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_percentiles_are_samples_at_their_rank(samples: list[float]) -> None:
    found = percentiles(samples)
    assert found is not None
    for rank, value in ((50, found.p50), (90, found.p90), (95, found.p95), (99, found.p99)):
        needed = math.ceil(len(samples) * rank / 100 - 1e-9)
        assert value in samples
        assert sum(sample <= value for sample in samples) >= needed
        assert sum(sample < value for sample in samples) < needed
    assert (found.max, found.count) == (max(samples), len(samples))


def test_no_samples_are_not_zero() -> None:
    assert percentiles([]) is None
    assert read().chunk_to_caption is None


# Delays


def test_chunk_to_caption_is_from_the_newest_sound_to_its_arrival() -> None:
    assert only(read((0.75, caption("we", heard=0.5))).chunk_to_caption) == 250


def test_an_update_that_shows_nothing_new_is_no_sample() -> None:
    seen = read(
        (0.75, caption("we go", heard=0.5)), (1.25, caption("we go", heard=1.0, stable="we "))
    )
    assert only(seen.chunk_to_caption) == 250


def test_delays_of_a_word_that_never_changed() -> None:
    seen = read(
        (1.2, caption("yes", heard=1.0, speech=(0, 1))),
        (1.9, caption("yes", heard=1.5, speech=(0, 1), final=True)),
    )
    assert only(seen.first_display) == 200
    assert only(seen.finalisation) == 200
    assert only(seen.speech_to_final) == 900
    assert only(seen.cut_to_final) == 400


def test_words_are_due_evenly_over_the_speech() -> None:
    """Two words in two seconds: due at 1 and 2, both shown at 2.25."""
    seen = read((2.25, caption("we go", heard=2.0, final=True)))
    assert seen.first_display is not None
    assert (seen.first_display.p50, seen.first_display.max) == pytest.approx((250, 1250))


def test_a_word_shown_early_was_heard_early() -> None:
    """Due at 2 by its place, but shown when 1.5 s had been heard: due then."""
    seen = read((1.75, caption("yes", heard=1.5)), (2.5, caption("yes", heard=2.0, final=True)))
    assert only(seen.first_display) == 250


def test_hiding_words_costs_delay() -> None:
    early = [(1.2, caption("we", heard=1.0)), (2.2, caption("we go", heard=2.0))]
    late = [(2.2, caption("we", heard=2.0))]
    final = (2.8, caption("we go", heard=2.5, final=True))
    shown, masked = read(*early, final), read(*late, final)
    assert shown.first_display and masked.first_display
    assert shown.first_display.max == pytest.approx(200)
    assert masked.first_display.p50 == pytest.approx(800), "`go` came with the final"
    assert masked.first_display.max == pytest.approx(1200)


def test_a_word_is_settled_when_all_before_it_is() -> None:
    seen = read(
        (1.1, caption("he red", heard=1.0, speech=(0, 1))),
        (1.6, caption("she red", heard=1.5, speech=(0, 1))),
        (2.0, caption("she red", heard=1.5, speech=(0, 1), final=True)),
    )
    assert seen.first_display and seen.finalisation
    assert seen.first_display.p50 == pytest.approx(100), "`red` was at its place from the first"
    assert seen.finalisation.p50 == pytest.approx(600), "but moved under the eye at 1.6"
    assert (seen.erased, seen.written, seen.erasure) == (2, 2, 1.0)


updates = st.lists(st.tuples(texts, st.floats(0.01, 1), st.floats(0.01, 1)), min_size=1, max_size=8)


@given(updates)
def test_nothing_settles_before_it_is_shown_nor_is_shown_before_it_is_heard(
    history: list[tuple[str, float, float]],
) -> None:
    now = heard = 0.0
    events = []
    for n, (text, later, hop) in enumerate(history):
        heard += hop
        now = max(now + later, heard)
        final = n == len(history) - 1
        events.append((now, caption(text, heard, speech=(0, heard), final=final)))
    seen = read(*events)
    if seen.first_display and seen.finalisation:
        assert seen.first_display.count == seen.finalisation.count == seen.written
        assert seen.first_display.p50 <= seen.finalisation.p50
        assert seen.first_display.max <= seen.finalisation.max
        assert seen.first_display.p50 >= -1e-6


# Caption age


def test_age_grows_until_words_come() -> None:
    """A second of speech; at .5 its first .4 s become visible, the rest after it ended."""
    seen = read(
        (0.5, caption("we", heard=0.4, speech=(0, 1))),
        (1.3, caption("we go", heard=1.0, speech=(0, 1), final=True)),
    ).caption_age
    assert seen is not None
    assert seen.count == 20, "every 50 ms of the speech, none after it"
    assert seen.max == pytest.approx(550), "at .95, .4 was the newest"
    before = [tick * 50 for tick in range(10)]
    after = [tick * 50 - 400 for tick in range(10, 20)]
    assert seen.p50 == pytest.approx(sorted([*before, *after])[9])


def test_saying_the_same_again_makes_nothing_younger() -> None:
    first = (0.5, caption("we", heard=0.4, speech=(0, 1)))
    again = (0.7, caption("we", heard=0.6, speech=(0, 1)))
    final = (1.3, caption("we go", heard=1.0, speech=(0, 1), final=True))
    assert read(first, again, final).caption_age == read(first, final).caption_age


def test_silence_ages_nothing() -> None:
    seen = read(
        (1.2, caption("yes", heard=1.0, speech=(0, 1), final=True)),
        (60.6, caption("no", heard=60.5, speech=(60, 60.5), segment=2, final=True)),
    ).caption_age
    assert seen is not None
    assert (seen.count, round(seen.max)) == (30, 950)


def test_a_cut_does_not_hide_that_words_before_it_are_missing() -> None:
    """The second segment begins at 1, but what was said before .5 is the newest until 1.4."""
    seen = read(
        (0.6, caption("we", heard=0.5, speech=(0, 1))),
        (1.4, caption("we go", heard=1.0, speech=(0, 1), final=True)),
        (1.9, caption("home", heard=1.5, speech=(1, 1.5), segment=2, final=True)),
    ).caption_age
    assert seen is not None
    assert seen.max == pytest.approx(850), "at 1.35"


def test_speech_whose_final_was_lost_still_ages() -> None:
    seen = read((0.2, caption("we", heard=0.1, speech=(0, 5))))
    assert seen.lost == 1
    assert seen.caption_age is not None and seen.caption_age.max > 4_800


def test_age_is_per_speaker() -> None:
    reader = Reader({"ana": schedule, "bo": schedule})
    reader.push(caption("yes", seq=1, heard=1, speech=(0, 1), final=True), 101.0)
    reader.push(caption("no", seq=2, heard=1, speech=(0, 1), speaker="bo", final=True), 101.5)
    seen = reader.figures().caption_age
    assert seen is not None and seen.count == 40


# What must never happen


def test_a_sound_conversation_has_no_violation() -> None:
    seen = read(
        (0.6, caption("we go", heard=0.5, stable="we ")),
        (1.1, caption("we went", heard=1.0, stable="we went")),
        (2.2, caption("They went.", heard=2.0, final=True)),
    )
    assert (seen.finals, seen.withdrawn, seen.lost, seen.doubled) == (1, 0, 0, 0)
    assert (seen.after_final, seen.retracted, seen.disordered) == (0, 0, 0)


def test_every_broken_promise_is_counted() -> None:
    seen = read(
        (0.6, caption("we go", heard=0.5, stable="we ")),
        (1.1, caption("you go", heard=1.0, stable="you ")),  # took back what was stable
        (2.2, caption("we went", heard=2.0, final=True)),
        (2.3, caption("we wept", heard=2.0, final=True)),  # a second final
        (2.4, caption("we", heard=2.0)),  # and an update after it
        (2.5, caption("lost", heard=2.0, segment=2, seq=1)),  # out of order, never finished
    )
    assert (seen.retracted, seen.doubled, seen.after_final) == (1, 1, 1)
    assert (seen.disordered, seen.lost, seen.finals) == (1, 1, 1)
    assert seen.written == 2, "what comes after the final is counted and not measured"


def test_a_withdrawn_line_has_erasure_and_no_delays() -> None:
    seen = read((0.6, caption("hm", heard=0.5)), (2.2, caption("", heard=2.0, final=True)))
    assert (seen.withdrawn, seen.finals, seen.erased, seen.erasure) == (1, 0, 1, None)
    assert seen.first_display is None and seen.caption_age is None and seen.cut_to_final is None


def test_what_was_said_before_the_reader_came_is_not_timed() -> None:
    seen = read(
        (50, caption("we go", heard=1, replay=True)),
        (50.1, caption("we go home", heard=2, final=True)),
    )
    assert (seen.updates, seen.finals, seen.written) == (1, 1, 3)
    assert seen.first_display is None and seen.caption_age is None


def test_a_speaker_without_a_schedule_is_counted_and_not_timed() -> None:
    seen = read((1, caption("hello", heard=1, speaker="stranger", final=True)))
    assert seen.finals == 1 and seen.chunk_to_caption is None and seen.caption_age is None


def test_updates_per_second() -> None:
    seen = read(*((n / 4, caption(f"w{n}", heard=n / 4)) for n in range(9)))
    assert seen.updates_per_second == 4
    assert seen.busiest == 4
