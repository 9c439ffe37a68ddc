"""How likely 32 ms of sound are speech, by silero's network, for many microphones at once.

The network is one ONNX file inside the silero-vad wheel. Only the file is used: importing the
package would import torch, which this server does without.
"""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.base import Ear as AnyEar
from models.base import EngineError
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE, WINDOW

CONTEXT = 64  # samples of the window before that the network wants to see again
STATE = 128  # the size of the LSTM: h and c
MODEL = "silero_vad_16k_op15.onnx"  # 16 kHz only; the other files hold more rates or other weights
INSTALL = "pip install --no-deps silero-vad onnxruntime numpy"
LOUDEST = np.float32(1 / 32768)

Floats = NDArray[np.float32]


def model_path() -> Path:
    """Where the installed wheel keeps the network. EngineError: it is not installed."""
    try:
        found = files("silero-vad") or ()
    except PackageNotFoundError:
        found = ()
    for file in found:
        if file.name == MODEL and (path := Path(str(file.locate()))).is_file():
            return path
    raise EngineError(f"The speech detector silero is not installed: `{INSTALL}`.")


class Ear:
    """What the network remembers of one microphone."""

    __slots__ = ("context", "state")

    def __init__(self) -> None:
        self.context: Floats = np.zeros(CONTEXT, np.float32)
        self.state: Floats = np.zeros((2, STATE), np.float32)


class Silero:
    """A `Detector`. One call runs the network once for every `batch` windows, on one thread."""

    name = "silero"

    def __init__(self, *, batch: int = 128) -> None:
        """`batch`: most windows in one run. EngineError: a package or the model is missing."""
        path = model_path()
        try:
            import onnxruntime
        except ImportError as error:
            raise EngineError(
                f"The speech detector silero needs onnxruntime: `{INSTALL}`."
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # the stock file makes it warn about unused weights
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors share no base class of their own
            raise EngineError(f"The speech detector silero cannot load {path}: {error}.") from error
        self._rate = np.array(SAMPLE_RATE, np.int64)
        self._batch = batch
        self._input: Floats = np.empty((batch, CONTEXT + WINDOW), np.float32)
        # Flat, because a slice of [2, batch, 128] along its middle would not be contiguous.
        self._state: Floats = np.empty(2 * batch * STATE, np.float32)

    def ear(self) -> Ear:
        """A fresh memory of one microphone."""
        return Ear()

    def probabilities(self, windows: Sequence[tuple[AnyEar, bytes]]) -> Sequence[float]:
        """The likelihood of speech in each window. ValueError: one is not 512 samples long."""
        found: list[float] = []
        for first in range(0, len(windows), self._batch):
            found += self._run(windows[first : first + self._batch])
        return found

    def _run(self, windows: Sequence[tuple[AnyEar, bytes]]) -> list[float]:
        """One run of the network: samples [B, 64 + 512], state [2, B, 128] -> B likelihoods."""
        size = len(windows)
        samples = self._input[:size]
        state = self._state[: 2 * size * STATE].reshape(2, size, STATE)
        pcm = np.frombuffer(b"".join([pcm for _, pcm in windows]), "<i2")
        if any(len(pcm) != WINDOW * BYTES_PER_SAMPLE for _, pcm in windows):
            raise ValueError(f"a window is {WINDOW} samples of int16")
        np.multiply(pcm.reshape(size, WINDOW), LOUDEST, out=samples[:, CONTEXT:], casting="unsafe")
        ears: list[Ear] = []
        for row, (ear, _) in enumerate(windows):
            assert isinstance(ear, Ear), "an ear of another detector"
            ears.append(ear)
            samples[row, :CONTEXT] = ear.context
            state[:, row] = ear.state
        feed = {"input": samples, "state": state, "sr": self._rate}
        speech, after = self._session.run(None, feed)
        for row, ear in enumerate(ears):
            ear.context[:] = samples[row, -CONTEXT:]
            ear.state[:] = after[:, row]
        likelihoods: list[float] = speech[:, 0].tolist()
        return likelihoods
