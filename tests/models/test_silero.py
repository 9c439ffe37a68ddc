"""The speech detector hears speech, and many microphones in one call as well as one by one."""

import subprocess
import sys

import numpy as np
import pytest

from models import silero
from models.base import EngineError
from models.silero import Ear, Silero
from streaming.values import BYTES_PER_SAMPLE, WINDOW
from tests.models.speech import spoken

BYTES = WINDOW * BYTES_PER_SAMPLE
SILENCE = bytes(BYTES)


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
    assert not ear.state.any()


def test_an_ear_remembers_only_its_own_microphone() -> None:
    assert Ear().state is not Ear().state


def test_a_missing_model_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silero, "MODEL", "absent.onnx")
    with pytest.raises(EngineError, match="pip install --no-deps silero-vad"):
        Silero()


def test_the_package_of_the_model_is_never_imported(detector: Silero) -> None:
    code = (
        "import sys; from models.silero import Silero; Silero();"
        "sys.exit(bool({'torch', 'silero_vad'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
