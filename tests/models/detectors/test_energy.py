"""Loudness alone tells sound from silence, without any package."""

import math
import subprocess
import sys
from array import array

import pytest

from models.detectors.energy import Energy
from streaming.values import WINDOW


def tone(db: float) -> bytes:
    """A window of a tone, `db` below the loudest there is (RMS of full scale = 0 dB)."""
    peak = 32767 * 10 ** (db / 20) * math.sqrt(2)
    return array("h", [round(peak * math.sin(n / 4)) for n in range(WINDOW)]).tobytes()


def likelihood(db: float, **options: float) -> float:
    detector = Energy(**options)
    return detector.probabilities([(detector.ear(), tone(db))])[0]


def test_silence_is_not_speech() -> None:
    detector = Energy()
    assert detector.probabilities([(detector.ear(), bytes(2 * WINDOW))]) == [0.0]


def test_loud_sound_is_taken_for_speech_and_faint_sound_is_not() -> None:
    assert likelihood(-20) > 0.9
    assert likelihood(-60) < 0.1


def test_the_threshold_is_where_either_is_as_likely() -> None:
    assert likelihood(-30, threshold_db=-30) == pytest.approx(0.5, abs=0.01)


def test_microphones_are_heard_in_their_order() -> None:
    detector = Energy()
    loud, faint = detector.probabilities([(detector.ear(), tone(-10)), (detector.ear(), tone(-70))])
    assert loud > faint


def test_a_window_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="512"):
        Energy().probabilities([(Energy().ear(), bytes(100))])


def test_it_needs_no_package() -> None:
    code = (
        "import sys; import models.detectors.energy;"
        "sys.exit(bool({'numpy', 'onnxruntime'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
