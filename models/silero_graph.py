"""The silero network as ONNX Runtime runs it fastest: matrices, for many windows in one call.

The file in the wheel does one window after the other of each microphone, as convolutions of four
columns, which cost ONNX Runtime 0.1-0.4 ms a window whatever the batch. The same numbers, laid out
so that every layer is one product over all windows of all microphones, cost 0.015-0.06; only the
LSTM walks through time. The weights are read from the wheel's file, so nothing is shipped here; a
test holds the two to the same likelihoods.

Model files are protocol buffers; `onnx`, which writes them, is 20 MB for the forty lines below.
Field numbers are from https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
FRAME, BINS, COLUMNS = 256, 129, 4  # of the short-time Fourier transform of one window
FLOAT, INT32, INT64 = 1, 6, 7  # TensorProto.DataType


def build(path: Path) -> bytes:
    """The model, from the weights of the wheel's `silero_vad_16k_op15.onnx`.

    Inputs: `frames` [4 windows, 256], samples as int16 has them; `places` [T * B], which window
    is at each time of each microphone; `times` = [T, B, 128]; `lengths` [B]; `h`, `c` [1, B, 128].
    Outputs: `speech` [T, B], `hn`, `cn`.
    """
    graph, weights = Graph(), _weights(path)
    _encode(graph, weights)
    _remember(graph, weights)
    return graph.model(
        inputs={
            "frames": (FLOAT, [None, FRAME]),
            "places": (INT64, [None]),
            "times": (INT64, [3]),
            "lengths": (INT32, [None]),
            "h": (FLOAT, [1, None, 128]),
            "c": (FLOAT, [1, None, 128]),
        },
        outputs={
            "speech": (FLOAT, [None, None]),
            "hn": (FLOAT, [1, None, 128]),
            "cn": (FLOAT, [1, None, 128]),
        },
    )


def _encode(graph: "Graph", w: dict[str, Floats]) -> None:
    """Everything before the LSTM: [4 N, 256] samples -> [N, 128]."""
    one, two, three, four = (w[f"model.encoder.{n}.reparam_conv.weight"] for n in range(4))
    biases = [w[f"model.encoder.{n}.reparam_conv.bias"] for n in range(4)]
    second = np.zeros((COLUMNS, 128, 2, 64), np.float32)  # stride 2, a column of zeros around
    for column, out, tap in ((0, 0, 1), (1, 0, 2), (1, 1, 0), (2, 1, 1), (3, 1, 2)):
        second[column, :, out] = two[:, :, tap].T
    graph.weights |= {
        "stft": w["model.stft.forward_basis_buffer"][:, 0].T * np.float32(1 / 32768),
        "one": np.concatenate([one[:, :, tap].T for tap in range(3)]),
        "one.bias": biases[0],
        "two": second.reshape(COLUMNS * 128, 2 * 64),
        "two.bias": np.tile(biases[1], 2),
        "three": np.concatenate([three[:, :, 1].T, three[:, :, 2].T]),
        "three.bias": biases[2],
        "four": four[:, :, 1].T,  # of one column between two of zeros
        "four.bias": biases[3],
    }
    graph.put("MatMul", "frames stft", "parts")
    graph.put("Mul", "parts parts", "squares")
    graph.put("Split", "squares halves", "re im", halves=[BINS, BINS], axis=1)
    graph.put("Add", "re im", "power")
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
    graph.weights |= {
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
    """Collects nodes and weights; `model` gives the file."""

    def __init__(self) -> None:
        self.nodes: list[bytes] = []
        self.weights: dict[str, Floats] = {}
        self.numbers: dict[str, list[int]] = {}

    def put(self, op: str, inputs: str, outputs: str, **numbers: int | list[int]) -> None:
        """A node. An int is an attribute of it, a list a constant input of that name."""
        node = [(1, name.encode()) for name in inputs.split()]
        node += [(2, name.encode()) for name in outputs.split()]
        node.append((4, op.encode()))
        for name, value in numbers.items():
            if isinstance(value, int):
                node.append((5, _message((1, name.encode()), (3, value), (20, 2))))
            else:
                self.numbers[name] = value
        self.nodes.append(_message(*node))

    def layer(self, inputs: str, name: str, outputs: str) -> None:
        """A product with weights, a bias and a rectifier; ONNX Runtime makes one of them."""
        self.put("Gemm", f"{inputs} {name} {name}.bias", f"{outputs}.sum")
        self.put("Relu", f"{outputs}.sum", outputs)

    def model(self, inputs: "Shapes", outputs: "Shapes") -> bytes:
        """The whole file."""
        graph = [(1, node) for node in self.nodes]
        graph.append((2, b"silero"))
        graph += [(5, _tensor(name, FLOAT, a)) for name, a in self.weights.items()]
        for name, values in self.numbers.items():
            graph.append((5, _tensor(name, INT64, np.array(values, np.int64))))
        graph += [(11, _shaped(name, *shape)) for name, shape in inputs.items()]
        graph += [(12, _shaped(name, *shape)) for name, shape in outputs.items()]
        opset = _message((1, b""), (2, 16))
        return _message((1, 8), (7, _message(*graph)), (8, opset))


Shapes = dict[str, tuple[int, Sequence[int | None]]]


def _weights(path: Path) -> dict[str, Floats]:
    """The float tensors of a model file, by name."""
    found: dict[str, Floats] = {}
    graph = dict(_fields(path.read_bytes()))[7]
    for number, tensor in _fields(graph):
        fields = list(_fields(tensor)) if number == 5 else []
        held = dict(fields)
        if held.get(2) == bytes((FLOAT,)) and 9 in held:
            shape = [_varint(size, 0)[0] for field, size in fields if field == 1]
            found[held[8].decode()] = np.frombuffer(held[9], "<f4").reshape(shape)
    return found


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protocol buffer; those that are numbers as they are written."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == 2:
            size, at = _varint(message, at)
            end = at + size
        elif tag & 7 == 0:
            end = _varint(message, at)[1]
        else:
            end = at + (8 if tag & 7 == 1 else 4)
        yield tag >> 3, message[at:end]
        at = end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where the next thing begins."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _written(value: int) -> bytes:
    """A number as a varint."""
    value &= 2**64 - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def _message(*fields: tuple[int, int | bytes]) -> bytes:
    """A protocol buffer of these fields."""
    return b"".join(
        _written(number << 3) + _written(value)
        if isinstance(value, int)
        else _written(number << 3 | 2) + _written(len(value)) + value
        for number, value in fields
    )


def _tensor(name: str, kind: int, values: "Floats | NDArray[np.int64]") -> bytes:
    dims = [(1, size) for size in values.shape]
    raw = np.ascontiguousarray(values).tobytes()
    return _message(*dims, (2, kind), (8, name.encode()), (9, raw))


def _shaped(name: str, kind: int, shape: Sequence[int | None]) -> bytes:
    """An input or output; None: any size."""
    sizes = [_message((1, size)) if size is not None else b"" for size in shape]
    dims = _message(*((1, size) for size in sizes))
    return _message((1, name.encode()), (2, _message((1, _message((1, kind), (2, dims))))))
