"""The silero network as ONNX Runtime runs it fastest: matrices, for many windows in one call.

The file in the wheel does one window after the other of each microphone, as convolutions of four
columns, which cost ONNX Runtime 0.1-0.4 ms a window whatever the batch. The same numbers, laid out
so that every layer is one product over all windows of all microphones, cost 0.015-0.06; only the
LSTM walks through time. The transform weighs sample n of a frame as it does sample 256 - n, but for
the sign of the sines: so it gets their sums and their differences, and has half as much to do. The
weights are read from the wheel's file, so nothing is shipped here; a test holds the two to the same
likelihoods.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

Floats = NDArray[np.float32]
Shapes = dict[str, tuple[type[np.generic], list[int | None]]]  # None: any size
FRAME, BINS, COLUMNS = 256, 129, 4  # of the short-time Fourier transform of one window
OPSET, IR_VERSION = 16, 8  # of 2022: every ONNX Runtime we allow reads them

INPUTS: Shapes = {
    "even": (np.float32, [None, FRAME // 2]),
    "odd": (np.float32, [None, FRAME // 2 - 1]),
    "places": (np.int64, [None]),
    "times": (np.int64, [3]),
    "lengths": (np.int32, [None]),
    "h": (np.float32, [1, None, 128]),
    "c": (np.float32, [1, None, 128]),
}
OUTPUTS: Shapes = {
    "speech": (np.float32, [None, None]),
    "hn": (np.float32, [1, None, 128]),
    "cn": (np.float32, [1, None, 128]),
}


def build(path: Path) -> bytes:
    """The model, from the weights of the wheel's `silero_vad_16k_op15.onnx`.

    Inputs, of each frame of 256 samples as int16 has them, four a window: `even` [4 windows, 128],
    samples 1 to 127 and 255 to 129 added, and sample 128; `odd` [4 windows, 127], the same with the
    latter taken off. (Sample 0 has no weight.) `places` [T * B], which window
    is at each time of each microphone; `times` = [T, B, 128]; `lengths` [B]; `h`, `c` [1, B, 128].
    Outputs: `speech` [T, B], `hn`, `cn`. ImportError: `onnx` is missing.
    """
    import onnx  # 0.05 s and 10 MB, only for those who build

    held = onnx.load(path).graph.initializer
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in held}
    graph = Graph()
    _encode(graph, weights)
    _remember(graph, weights)
    return graph.model(INPUTS, OUTPUTS)


def _encode(graph: "Graph", w: dict[str, Floats]) -> None:
    """Everything before the LSTM: the frames of N windows -> [N, 128]."""
    basis = w["model.stft.forward_basis_buffer"][:, 0].T * np.float32(1 / 32768)
    one, two, three, four = (w[f"model.encoder.{n}.reparam_conv.weight"] for n in range(4))
    biases = [w[f"model.encoder.{n}.reparam_conv.bias"] for n in range(4)]
    second = np.zeros((COLUMNS, 128, 2, 64), np.float32)  # stride 2, a column of zeros around
    for column, out, tap in ((0, 0, 1), (1, 0, 2), (1, 1, 0), (2, 1, 1), (3, 1, 2)):
        second[column, :, out] = two[:, :, tap].T
    graph.constants |= {
        "cosines": basis[1 : FRAME // 2 + 1, :BINS],
        "sines": basis[1 : FRAME // 2, BINS:],
        "one": np.concatenate([one[:, :, tap].T for tap in range(3)]),
        "one.bias": biases[0],
        "two": second.reshape(COLUMNS * 128, 2 * 64),
        "two.bias": np.tile(biases[1], 2),
        "three": np.concatenate([three[:, :, 1].T, three[:, :, 2].T]),
        "three.bias": biases[2],
        "four": four[:, :, 1].T,  # of one column between two of zeros
        "four.bias": biases[3],
    }
    for frames, waves, part in (("even", "cosines", "re"), ("odd", "sines", "im")):
        graph.put("MatMul", f"{frames} {waves}", part)
        graph.put("Mul", f"{part} {part}", f"{part}.square")
    graph.put("Add", "re.square im.square", "power")
    graph.put("Sqrt", "power", "bins")
    graph.put("Reshape", "bins columns", "spectra", columns=[-1, COLUMNS, BINS])
    graph.put("Pad", "spectra border", "padded", border=[0, 1, 0, 0, 1, 0])
    for tap in range(3):
        ends = {f"from{tap}": [tap], f"to{tap}": [tap + COLUMNS], "time": [1]}
        graph.put("Slice", f"padded from{tap} to{tap} time", f"tap{tap}", **ends)
    graph.put("Concat", "tap0 tap1 tap2", "taps", axis=2)
    graph.put("Reshape", "taps row", "first.in", row=[-1, 3 * BINS])
    graph.layer("first.in", "one", "first")
    graph.put("Reshape", "first whole", "second.in", whole=[-1, COLUMNS * 128])
    graph.layer("second.in", "two", "second")
    graph.layer("second", "three", "third")
    graph.layer("third", "four", "encoded")


def _remember(graph: "Graph", w: dict[str, Floats]) -> None:
    """The LSTM and what it makes of it: [N, 128] -> likelihoods [T, B]."""
    parts = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
    gates = {part: _iofc(w[f"model.decoder.rnn.{part}"]) for part in parts}
    graph.constants |= {
        "W": gates["weight_ih"][None],
        "R": gates["weight_hh"][None],
        "gates": np.concatenate([gates["bias_ih"], gates["bias_hh"]])[None],
        "speech.weight": w["model.decoder.decoder.2.weight"][0],
        "speech.bias": w["model.decoder.decoder.2.bias"],
    }
    graph.put("Gather", "encoded places", "placed")
    graph.put("Reshape", "placed times", "steps")
    graph.put("LSTM", "steps W R gates lengths h c", "out hn cn", hidden_size=128)
    graph.put("Relu", "out", "voiced")
    graph.put("MatMul", "voiced speech.weight", "weighed")
    graph.put("Add", "weighed speech.bias", "sum")
    graph.put("Sigmoid", "sum", "likely")
    graph.put("Squeeze", "likely ones", "speech", ones=[1, 3])


def _iofc(gates: Floats) -> Floats:
    """PyTorch has the gates of an LSTM in the order i f c o, ONNX as i o f c."""
    i, f, c, o = np.split(gates, 4)
    return np.concatenate([i, o, f, c])


class Graph:
    """Collects nodes and constants; `model` gives the file."""

    def __init__(self) -> None:
        self.nodes: list[tuple[str, list[str], list[str], dict[str, Any]]] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def put(self, op: str, inputs: str, outputs: str, **numbers: int | list[int]) -> None:
        """A node. An int is an attribute of it, a list a constant input of that name."""
        attributes = {}
        for name, value in numbers.items():
            if isinstance(value, int):
                attributes[name] = value
            else:
                self.constants[name] = np.array(value, np.int64)
        self.nodes.append((op, inputs.split(), outputs.split(), attributes))

    def layer(self, inputs: str, name: str, outputs: str) -> None:
        """A product with weights, a bias and a rectifier; ONNX Runtime makes one of them."""
        self.put("Gemm", f"{inputs} {name} {name}.bias", f"{outputs}.sum")
        self.put("Relu", f"{outputs}.sum", outputs)

    def model(self, inputs: Shapes, outputs: Shapes) -> bytes:
        """The whole file."""
        from onnx import helper, numpy_helper

        model = helper.make_model(
            helper.make_graph(
                [helper.make_node(op, ins, outs, **attr) for op, ins, outs, attr in self.nodes],
                "silero",
                _shaped(inputs),
                _shaped(outputs),
                [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
            ),
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )
        written: bytes = model.SerializeToString()
        return written


def _shaped(shapes: Shapes) -> "list[onnx.ValueInfoProto]":
    """Inputs or outputs."""
    from onnx import helper

    return [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), shape)
        for name, (kind, shape) in shapes.items()
    ]
