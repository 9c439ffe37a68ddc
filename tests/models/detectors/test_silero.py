"""The speech detector hears speech, and many microphones in one call as well as one by one."""

import subprocess
import sys
from itertools import cycle
from pathlib import Path

import av
import numpy as np
import pytest

from models.base import EngineError
from models.detectors import silero
from models.detectors.silero import CONTEXT, STATE, Silero, model_path
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE, WINDOW
from tests.models.speech import spoken

BYTES = WINDOW * BYTES_PER_SAMPLE
SILENCE = bytes(BYTES)
TRACKS = Path(__file__).parents[3] / "loadtest" / "conversation"
SECONDS = 12  # of each track: a turn of both, and silence between


@pytest.fixture(scope="module")
def detector() -> Silero:
    try:
        return Silero()
    except EngineError as error:
        pytest.skip(str(error))


def windows(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + BYTES] for at in range(0, len(pcm) - BYTES + 1, BYTES)]


def noise(seed: int, count: int) -> list[bytes]:
    """Windows of noise that comes and goes, different for every seed."""
    samples = np.random.default_rng(seed).normal(0, 1, count * WINDOW)
    swell = 4000 * (1 + np.sin(np.arange(count * WINDOW) / (900 + 40 * seed)))
    return windows((samples * swell).clip(-32768, 32767).astype("<i2").tobytes())


def one_by_one(detector: Silero, sound: list[bytes]) -> list[float]:
    ear = detector.ear()
    return [detector.probabilities([(ear, window)])[0] for window in sound]


def track(name: str) -> list[bytes]:
    """The first seconds of a speaker of the conversation."""
    pcm, wanted = b"", SECONDS * SAMPLE_RATE * BYTES_PER_SAMPLE
    with av.open(str(TRACKS / f"{name}.flac")) as file:
        assert file.streams.audio[0].rate == SAMPLE_RATE
        for frame in file.decode(audio=0):
            pcm += frame.to_ndarray().astype("<i2").tobytes()
            if len(pcm) >= wanted:
                break
    return windows(pcm[:wanted])


def as_published(sound: list[bytes]) -> list[float]:
    """What the file of the wheel says as it is, a window at a time, as its package runs it."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(model_path(), providers=["CPUExecutionProvider"])
    heard, state = np.zeros((1, CONTEXT), np.float32), np.zeros((2, 1, STATE), np.float32)
    found: list[float] = []
    for window in sound:
        samples = np.frombuffer(window, "<i2")[None] / np.float32(32768)
        heard = np.concatenate([heard[:, -CONTEXT:], samples], axis=1)
        feed = {"input": heard, "state": state, "sr": np.array(SAMPLE_RATE)}
        speech, state = session.run(None, feed)
        found.append(speech.item())
    return found


def ragged(detector: Silero, sounds: list[list[bytes]]) -> list[list[float]]:
    """Every sound by its own ear, in calls that hold 0 to 5 windows of each, the ears mixed."""
    ears, left = [detector.ear() for _ in sounds], [list(sound) for sound in sounds]
    heard: list[list[float]] = [[] for _ in sounds]
    sizes = cycle([1, 3, 0, 5, 2, 1, 4])
    while any(left):
        chosen = [n for n in range(len(sounds)) for _ in range(min(next(sizes), len(left[n])))]
        chosen = chosen[::2] + chosen[1::2]
        found = detector.probabilities([(ears[n], left[n].pop(0)) for n in chosen])
        for n, likelihood in zip(chosen, found, strict=True):
            heard[n].append(likelihood)
    return heard


def test_the_network_says_what_the_published_file_says(detector: Silero) -> None:
    alan, rosa = track("alan"), track("rosa")
    sounds = [alan, rosa, alan[40:], rosa[75:200], alan[100:130]]
    expected = [as_published(sound) for sound in sounds]
    for said in expected[:2]:
        assert min(said) < 0.1 and max(said) > 0.9  # both speech and silence were compared
    for found, said in zip(ragged(detector, sounds), expected, strict=True):
        np.testing.assert_allclose(found, said, rtol=0, atol=1e-4)


def test_several_windows_of_an_ear_in_a_call_are_heard_as_one_by_one(detector: Silero) -> None:
    sound = track("alan")[:100]
    ear = detector.ear()
    together = detector.probabilities([(ear, window) for window in sound])
    np.testing.assert_allclose(together, one_by_one(detector, sound), rtol=0, atol=1e-4)


def test_speech_is_likely_in_speech_and_not_in_silence(detector: Silero) -> None:
    found = one_by_one(detector, [SILENCE] * 10 + windows(spoken("good morning everybody")))
    assert max(found[:10]) < 0.2
    assert sorted(found[10:])[len(found[10:]) // 2] > 0.8


def test_many_microphones_at_once_are_heard_as_each_alone(detector: Silero) -> None:
    sounds = [noise(seed, 20) for seed in range(9)]
    alone = [one_by_one(detector, sound) for sound in sounds]
    ears = [detector.ear() for _ in sounds]
    together = [
        detector.probabilities([(ear, sound[at]) for ear, sound in zip(ears, sounds, strict=True)])
        for at in range(20)
    ]
    assert np.ptp(alone) > 0.05  # the sounds are different enough to be mistaken for each other
    np.testing.assert_allclose(np.transpose(together), alone, atol=1e-4)


def test_microphones_come_and_go_between_calls(detector: Silero) -> None:
    sounds = [noise(seed, 12) for seed in range(4)]
    ears = [detector.ear() for _ in sounds]
    heard: list[list[float]] = [[] for _ in sounds]
    for at in range(12):
        for group in ([0, 1, 3], [2]) if at % 2 else ([3, 2, 1, 0],):
            answers = detector.probabilities([(ears[n], sounds[n][at]) for n in group])
            for n, answer in zip(group, answers, strict=True):
                heard[n].append(answer)
    np.testing.assert_allclose(heard, [one_by_one(detector, s) for s in sounds], atol=1e-4)


def test_more_microphones_than_fit_one_run_are_all_heard(detector: Silero) -> None:
    small = Silero(batch=3)
    sounds = [noise(seed, 1)[0] for seed in range(8)]
    found = small.probabilities([(small.ear(), sound) for sound in sounds])
    expected = detector.probabilities([(detector.ear(), sound) for sound in sounds])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_no_microphones_are_no_answers(detector: Silero) -> None:
    assert list(detector.probabilities([])) == []


def test_a_window_of_another_length_is_refused_and_forgotten(detector: Silero) -> None:
    ear = detector.ear()
    for wrong in (SILENCE[:-2], SILENCE + b"\0\0"):
        with pytest.raises(ValueError, match="512"):
            detector.probabilities([(detector.ear(), SILENCE), (ear, wrong)])
    assert ear.row < 0 and not any(ear.context)


def test_what_a_microphone_left_is_forgotten_before_the_next_one_has_its_place() -> None:
    detector, sound = Silero(), noise(1, 12)
    expected = one_by_one(detector, sound)
    for _ in range(200):  # more than there are places to begin with
        ear = detector.ear()
        assert detector.probabilities([(ear, sound[0])]) == pytest.approx(expected[:1], abs=1e-4)
        del ear
    ears = [detector.ear() for _ in range(200)]
    for at, window in enumerate(sound):
        found = detector.probabilities([(ear, window) for ear in ears])
        np.testing.assert_allclose(found, [expected[at]] * len(ears), atol=1e-4)
    assert len({ear.row for ear in ears}) == 200


def test_a_missing_model_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silero, "MODEL", "absent.onnx")
    with pytest.raises(EngineError, match="pip install --no-deps silero-vad"):
        Silero()


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_said_with_the_command(
    detector: Silero, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EngineError, match=r"needs onnx and .*pip install onnx onnxruntime"):
        Silero()


def test_the_package_of_the_model_is_never_imported(detector: Silero) -> None:
    code = (
        "import sys; from models.detectors.silero import Silero; Silero();"
        "sys.exit(bool({'torch', 'silero_vad'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
