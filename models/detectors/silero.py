"""How likely 32 ms of sound are speech, by silero's network, for many microphones at once.

The weights are in one ONNX file inside the silero-vad wheel. Only the file is used: importing the
package would import torch, which this server does without. `silero_graph.py` lays the network out
so that many windows cost little more than one.
"""

from collections import deque
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


class States:
    """What the LSTM remembers of every microphone, in rows of one array: those of a call are taken
    out and put back at once. A row that nobody has any more is the next one's."""

    def __init__(self) -> None:
        self.rows: Floats = np.zeros((2, 64, STATE), np.float32)  # h and c
        self.free = deque(range(64))

    def take(self) -> int:
        """A row of zeros."""
        if not self.free:
            size = self.rows.shape[1]
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)], axis=1)
            self.free.extend(range(size, 2 * size))
        row = self.free.popleft()
        self.rows[:, row] = 0
        return row


class Ear:
    """What the network remembers of one microphone."""

    __slots__ = ("_states", "context", "row")

    def __init__(self, states: States) -> None:
        self.context = bytes(CONTEXT * BYTES_PER_SAMPLE)  # the last samples heard
        self.row = -1  # of the states, from its first window on
        self._states = states

    def __del__(self) -> None:
        if self.row >= 0:
            self._states.free.append(self.row)


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
        self._states = States()
        self._input: Floats = np.empty((batch, CONTEXT + WINDOW + REFLECTED), np.float32)

    def ear(self) -> Ear:
        """A fresh memory of one microphone."""
        return Ear(self._states)

    def probabilities(self, windows: Sequence[tuple[AnyEar, bytes]]) -> Sequence[float]:
        """The likelihood of speech in each window. ValueError: one is not 512 samples long."""
        size = WINDOW * BYTES_PER_SAMPLE
        if [pcm for _, pcm in windows if len(pcm) != size]:
            raise ValueError(f"a window is {WINDOW} samples of int16")
        found: list[float] = []
        for first in range(0, len(windows), self._batch):
            found += self._run(windows[first : first + self._batch])
        return found

    def _run(self, windows: Sequence[tuple[AnyEar, bytes]]) -> list[float]:
        """One run of the network, which walks through the windows of all ears side by side."""
        said: dict[Ear, list[int]] = {}  # the windows of each ear, in order
        sound: list[bytes] = []
        for number, (ear, pcm) in enumerate(windows):
            assert isinstance(ear, Ear), "an ear of another detector"
            if ear in said:
                said[ear].append(number)
            else:
                said[ear] = [number]
                if ear.row < 0:
                    ear.row = self._states.take()
            sound += ear.context, pcm
            ear.context = pcm[-CONTEXT * BYTES_PER_SAMPLE :]
        lengths = [len(one) for one in said.values()]
        longest, ears = max(lengths), len(said)
        # An ear with fewer windows than others hears its last again, after its end.
        padded = [one + one[-1:] * (longest - len(one)) for one in said.values()]
        rows = [ear.row for ear in said]
        states = self._states.rows
        feed = {
            **self._frames(np.frombuffer(b"".join(sound), "<i2")),
            "places": np.array(padded).T.ravel(),
            "times": np.array([longest, ears, STATE]),
            "lengths": np.array(lengths, np.int32),
            "h": states[:1, rows],
            "c": states[1:, rows],
        }
        speech, *after = self._session.run(None, feed)
        states[:, rows] = np.concatenate(after)
        at = [0] * len(windows)
        for column, one in enumerate(said.values()):
            for time, number in enumerate(one):
                at[number] = time * ears + column
        likelihoods: list[float] = speech.ravel()[at].tolist()
        return likelihoods

    def _frames(self, heard: NDArray[np.int16]) -> dict[str, Floats]:
        """The windows as the transform wants them: four frames each, half overlapping, folded."""
        heard = heard.reshape(-1, CONTEXT + WINDOW)
        samples, end = self._input[: len(heard)], CONTEXT + WINDOW
        samples[:, :end] = heard
        samples[:, end:] = heard[:, end - 2 : end - 2 - REFLECTED : -1]
        row, column, sample = samples.strides[0], FRAME // 2 * 4, 4
        frames: Floats = np.ndarray(
            (len(heard), COLUMNS, FRAME), np.float32, samples, strides=(row, column, sample)
        )
        half = FRAME // 2
        rising, falling = frames[:, :, 1:half], frames[:, :, :half:-1]
        even = np.empty((len(heard), COLUMNS, half), np.float32)
        np.add(rising, falling, out=even[:, :, :-1])
        even[:, :, -1] = frames[:, :, half]
        odd: Floats = rising - falling
        return {"even": even.reshape(-1, half), "odd": odd.reshape(-1, half - 1)}
