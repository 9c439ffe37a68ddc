"""How likely 32 ms of sound are speech, by loudness alone: for tests and bare machines.

It needs nothing but Python, and takes any loud noise for speech.
"""

import math
from array import array
from collections.abc import Sequence
from operator import mul
from sys import byteorder

from models.base import Ear as AnyEar
from streaming.values import WINDOW

FULL_SCALE = 32768.0


class Ear:
    """Loudness needs no memory."""

    __slots__ = ()


class Energy:
    """A `Detector`: 0.5 at `threshold_db`, nearly 1 at 10 dB more, nearly 0 at 10 dB less."""

    name = "energy"

    def __init__(self, *, threshold_db: float = -40.0) -> None:
        """`threshold_db`: loudness (RMS, full scale = 0 dB) that is as likely speech as not."""
        self._threshold: float = FULL_SCALE**2 * math.pow(10, threshold_db / 10)

    def ear(self) -> Ear:
        """A memory of nothing."""
        return Ear()

    def probabilities(self, windows: Sequence[tuple[AnyEar, bytes]]) -> Sequence[float]:
        """The likelihood of speech in each window. ValueError: one is not 512 samples long."""
        return [self._probability(pcm) for _, pcm in windows]

    def _probability(self, pcm: bytes) -> float:
        samples = array("h", pcm)
        if len(samples) != WINDOW:
            raise ValueError(f"a window is {WINDOW} samples of int16")
        if byteorder == "big":
            samples.byteswap()
        power: float = sum(map(mul, samples, samples)) / WINDOW
        return power / (power + self._threshold)
