"""No sample is lost or heard twice, and nothing grows without bound."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.framer import Framer
from streaming.pace import Pace
from streaming.recording import Recording
from streaming.values import WINDOW, AudioFrame

pieces = st.lists(st.integers(0, 3_000), max_size=20)


def sound(start: int, samples: int) -> bytes:
    """Every sample says its own position."""
    return b"".join((n % 65_536).to_bytes(2, "little") for n in range(start, start + samples))


@given(pieces)
def test_windows_join_to_the_audio(sizes: list[int]) -> None:
    framer, windows = Framer(), []
    for size in sizes:
        windows += framer.push(sound(framer.position, size))
    assert all(len(window.pcm) == 2 * WINDOW for window in windows)
    windows += framer.skip(framer.position)
    assert b"".join(window.pcm for window in windows) == sound(0, sum(sizes))
    assert [window.start for window in windows] == [n * WINDOW for n in range(len(windows))]


@given(st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 20_000)), max_size=10))
def test_time_not_sent_moves_the_position_and_loses_nothing(steps: list[tuple[int, int]]) -> None:
    framer, windows, sent = Framer(), [], set()
    for size, missing in steps:
        sent |= set(range(framer.position, framer.position + size))
        windows += framer.push(sound(framer.position, size))
        windows += framer.skip(framer.position + missing)
    heard = [n for window in windows for n in range(window.start, window.end)]
    assert len(heard) == len(set(heard))
    assert set(heard) == sent


@given(st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 6_000)), max_size=12))
def test_a_recording_reads_what_was_sent_and_silence_between(steps: list[tuple[int, int]]) -> None:
    recording, said = Recording(keep=8_000), bytearray()
    for missing, size in steps:
        said += bytes(2 * missing)
        start = len(said) // 2
        recording.push(AudioFrame(start, sound(start, size)))
        said += sound(start, size)
    assert recording.read(0, recording.end) == bytes(said[2 * recording.start :])
    assert recording.end - recording.start <= 8_000


def test_a_recording_forgets_what_is_too_old() -> None:
    recording = Recording(keep=16_000)
    for n in range(100):
        recording.push(AudioFrame(n * 1_600, sound(n * 1_600, 1_600)))
    assert recording.end - recording.start == 16_000 and len(recording.frames) <= 11
    assert recording.read(158_400, 160_000) == sound(158_400, 1_600)
    assert recording.read(0, 100) == b""


def test_sound_that_comes_sample_by_sample_takes_no_more_memory() -> None:
    recording = Recording(keep=16_000)
    for n in range(40_000):
        recording.push(AudioFrame(n, sound(n, 1)))
    assert len(recording.frames) <= 16_000 // WINDOW + 2
    assert recording.read(30_000, 40_000) == sound(30_000, 10_000)


def test_a_long_absence_takes_no_memory() -> None:
    recording = Recording(keep=16_000)
    recording.push(AudioFrame(2**40, sound(0, 10)))
    assert recording.end - recording.start == 10
    recording.push(AudioFrame(2**41, sound(0, 10)))
    assert len(recording.frames) == 1 and len(recording.read(0, 2**41 + 10)) == 2 * 16_000


def test_a_speaker_may_run_thirty_seconds_ahead_and_no_further() -> None:
    pace = Pace(now=0.0)
    assert pace.push(30 * 16_000, now=0.0)
    assert not pace.push(1, now=0.0)


def test_a_speaker_in_real_time_is_never_stopped() -> None:
    pace = Pace(now=0.0)
    assert all(pace.push(1_600, now=n / 10) for n in range(10_000))
