"""How likely 32 ms of sound are speech, by silero's network, for many microphones at once.

The weights are in one ONNX file inside the silero-vad wheel. Only the file is used: importing the
package would import torch, which this server does without. `silero_graph.py` lays the network out
so that many windows cost little more than one.
"""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.base import Ear as AnyEar
from models.base import EngineError
from streaming.values import BYTES_PER_SAMPLE, WINDOW

from .silero_graph import COLUMNS, FRAME, build

CONTEXT = 64  # samples of the window before that the network wants to see again
REFLECTED = 64  # samples by which the transform mirrors the end of a window
STATE = 128  # the size of the LSTM: h and c
MODEL = "silero_vad_16k_op15.onnx"  # 16 kHz only; the other files hold more rates or other weights
INSTALL = "pip install --no-deps silero-vad && pip install onnx onnxruntime"

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
        self.context = bytes(CONTEXT * BYTES_PER_SAMPLE)  # the last samples heard
        self.state: Floats = np.zeros((2, 1, STATE), np.float32)


class Silero:
    """A `Detector`. One call runs the network once for every `batch` windows, on one thread."""

    name = "silero"

    def __init__(self, *, batch: int = 128) -> None:
        """`batch`: most windows in one run. EngineError: a package or the model is missing."""
        path = model_path()
        try:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(
                build(path), options, providers=["CPUExecutionProvider"]
            )
        except ImportError as error:
            raise EngineError(
                f"The speech detector silero needs onnx and onnxruntime: `{INSTALL}`."
            ) from error
        except Exception as error:  # theirs share no base class
            raise EngineError(f"The speech detector silero cannot load {path}: {error}.") from error
        self._batch = batch
        self._input: Floats = np.empty((batch, CONTEXT + WINDOW + REFLECTED), np.float32)

    def ear(self) -> Ear:
        """A fresh memory of one microphone."""
        return Ear()

    def probabilities(self, windows: Sequence[tuple[AnyEar, bytes]]) -> Sequence[float]:
        """The likelihood of speech in each window. ValueError: one is not 512 samples long."""
        if any(len(pcm) != WINDOW * BYTES_PER_SAMPLE for _, pcm in windows):
            raise ValueError(f"a window is {WINDOW} samples of int16")
        found: list[float] = []
        for first in range(0, len(windows), self._batch):
            found += self._run(windows[first : first + self._batch])
        return found

    def _run(self, windows: Sequence[tuple[AnyEar, bytes]]) -> list[float]:
        """One run of the network, which walks through the windows of all ears side by side."""
        rows: dict[Ear, list[int]] = {}  # the windows of each ear, in order
        sound: list[bytes] = []
        for row, (ear, pcm) in enumerate(windows):
            assert isinstance(ear, Ear), "an ear of another detector"
            rows.setdefault(ear, []).append(row)
            sound += ear.context, pcm
            ear.context = pcm[-CONTEXT * BYTES_PER_SAMPLE :]
        longest = max(map(len, rows.values()))
        places = [[at[min(n, len(at) - 1)] for at in rows.values()] for n in range(longest)]
        state = np.concatenate([ear.state for ear in rows], axis=1)  # [2, B, 128]
        feed = {
            "frames": self._frames(np.frombuffer(b"".join(sound), "<i2")),
            "places": np.array(places).ravel(),
            "times": np.array([longest, len(rows), STATE]),
            "lengths": np.array([len(at) for at in rows.values()], np.int32),
            "h": state[:1],
            "c": state[1:],
        }
        speech, *after = self._session.run(None, feed)
        state = np.concatenate(after)
        found = np.empty(len(windows), np.float32)
        for column, (ear, at) in enumerate(rows.items()):
            found[at] = speech[: len(at), column]
            ear.state = state[:, column : column + 1].copy()  # not the whole batch with it
        likelihoods: list[float] = found.tolist()
        return likelihoods

    def _frames(self, heard: NDArray[np.int16]) -> Floats:
        """The windows as the transform wants them: [4 windows, 256] samples, half overlapping."""
        heard = heard.reshape(-1, CONTEXT + WINDOW)
        samples, end = self._input[: len(heard)], CONTEXT + WINDOW
        samples[:, :end] = heard
        samples[:, end:] = heard[:, end - 2 : end - 2 - REFLECTED : -1]
        row, column, sample = samples.strides[0], FRAME // 2 * 4, 4
        overlapping: Floats = np.ndarray(
            (len(heard), COLUMNS, FRAME), np.float32, samples, strides=(row, column, sample)
        )
        return overlapping.reshape(-1, FRAME)
