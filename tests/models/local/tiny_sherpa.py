"""Streaming models made by hand, which sherpa-onnx loads and runs: each tone is a word.

The transducer's encoder says how loud each word's tone is in 40 ms; the decoder keeps a word from
being said twice in a row; the joiner adds the two. Its shapes and metadata are those of the LSTM
transducers of icefall, the simplest that sherpa-onnx knows.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

RATE = 16_000
MELS = 80
CHUNK = 8  # frames of 10 ms
BLANK, UNKNOWN = "<blk>", "<unk>"
LOUD = 2.0  # the logarithm of a mel band's energy from which its tone is heard
AUDIBLE = -2.0  # the same where sound is not taken for 16-bit numbers
NEVER = -1e4
# What such models carry from chunk to chunk, and this one does not need.
CACHES: tuple[tuple[str, int, Sequence[str | int]], ...] = (
    ("cache_last_channel", TensorProto.FLOAT, ["N", 1, 1, 1]),
    ("cache_last_time", TensorProto.FLOAT, ["N", 1, 1, 1]),
    ("cache_last_channel_len", TensorProto.INT64, ["N"]),
)

Array = npt.NDArray[np.float32]


def tone(hz: float, seconds: float = 0.3) -> bytes:
    """16-bit samples, and as long a pause behind them."""
    at = np.arange(int(RATE * seconds)) / RATE
    sound = 0.4 * np.sin(2 * np.pi * hz * at)
    samples = np.concatenate([sound, np.zeros(len(sound))])
    return (samples * 32767).astype("<i2").tobytes()


def recognizer(
    folder: Path, tones: Mapping[str, float], likelier: Mapping[str, float] | None = None
) -> Path:
    """Write a model that hears a token of `tones` at its frequency in Hz; where two have the same
    one, `likelier` says by how much each is preferred."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens, weights, bias = _tokens(folder, tones, band, LOUD, likelier or {})
    onnx.save(_encoder(weights, bias), folder / "encoder.onnx")
    places = [tones.get(token, -place) for place, token in enumerate(tokens)]
    alike = np.equal.outer(places, places)
    onnx.save(_decoder(alike), folder / "decoder.onnx")
    onnx.save(_joiner(len(tokens)), folder / "joiner.onnx")
    return folder


def _tokens(
    folder: Path,
    tones: Mapping[str, float],
    band: Callable[[float], int],
    loud: float,
    likelier: Mapping[str, float],
) -> tuple[list[str], Array, Array]:
    """All tokens, which are written into the folder, and how their bands make them heard."""
    tokens = [BLANK, UNKNOWN, *tones]
    lines = "".join(f"{token} {place}\n" for place, token in enumerate(tokens))
    (folder / "tokens.txt").write_text(lines, "utf-8")
    weights = np.zeros((MELS, len(tokens)), np.float32)
    bias = np.full(len(tokens), NEVER, np.float32)
    bias[0] = 0.0
    for token, hz in tones.items():
        place = tokens.index(token)
        weights[band(hz), place] = 1.0
        bias[place] = likelier.get(token, 0.0) - loud
    return tokens, weights, bias


def band(hz: float) -> int:
    """The mel band that a frequency is in; bands as Kaldi's, from 20 Hz to 7600."""

    def mel(frequency: float) -> float:
        return float(1127 * np.log(1 + frequency / 700))

    low, high = mel(20), mel(RATE / 2 - 400)
    return round((mel(hz) - low) / (high - low) * (MELS + 1)) - 1


def slaney(hz: float) -> int:
    """The same with bands as NeMo's, up to 8000 Hz: even below 1000."""

    def mel(frequency: float) -> float:
        return (
            frequency * 0.015 if frequency < 1000 else 15 + float(np.log(frequency / 1000)) * 14.5
        )

    return round(mel(hz) / mel(RATE / 2) * (MELS + 1)) - 1


def _encoder(weights: Array, bias: Array) -> onnx.ModelProto:
    words = len(bias)
    shape = np.array([0, CHUNK // 4, 4, MELS], np.int64)
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["fours"]),
        helper.make_node("ReduceMean", ["fours", "axis"], ["frames"], keepdims=0),
        helper.make_node("MatMul", ["frames", "weights"], ["loud"]),
        helper.make_node("Add", ["loud", "bias"], ["encoder_out"]),
        helper.make_node("Identity", ["state0"], ["new_state0"]),
        helper.make_node("Identity", ["state1"], ["new_state1"]),
    ]
    made = helper.make_graph(
        nodes,
        "encoder",
        [
            _value("x", ["N", CHUNK, MELS]),
            _value("state0", [1, "N", 1]), _value("state1", [1, "N", 1]),
        ],
        [
            _value("encoder_out", ["N", CHUNK // 4, words]),
            _value("new_state0", [1, "N", 1]),
            _value("new_state1", [1, "N", 1]),
        ],
        [
            _constant("shape", shape), _constant("axis", np.array([2], np.int64)),
            _constant("weights", weights), _constant("bias", bias),
        ],
    )  # fmt: skip
    facts: dict[str, str | int] = {
        "model_type": "lstm", "num_encoder_layers": 1, "T": CHUNK, "decode_chunk_len": CHUNK,
        "rnn_hidden_size": 1, "d_model": 1,
    }  # fmt: skip
    return _model(made, facts)


def _decoder(alike: npt.NDArray[np.bool_]) -> onnx.ModelProto:
    """No word after one that sounds like it; blank always."""
    words = len(alike)
    again = np.where(alike, NEVER, 0.0).astype(np.float32)
    again[:, 0] = 0.0
    nodes = [
        helper.make_node("Gather", ["y", "newest"], ["last"], axis=1),
        helper.make_node("Gather", ["again", "last"], ["decoder_out"], axis=0),
    ]
    made = helper.make_graph(
        nodes,
        "decoder",
        [helper.make_tensor_value_info("y", TensorProto.INT64, ["N", 2])],
        [_value("decoder_out", ["N", words])],
        [_constant("again", again), _constant("newest", np.array(1, np.int64))],
    )
    return _model(made, {"context_size": 2, "vocab_size": words})


def _joiner(words: int) -> onnx.ModelProto:
    made = helper.make_graph(
        [helper.make_node("Add", ["encoder_out", "decoder_out"], ["logit"])],
        "joiner",
        [_value("encoder_out", ["N", words]), _value("decoder_out", ["N", words])],
        [_value("logit", ["N", words])],
    )
    return _model(made, {"joiner_dim": words})


def _value(name: str, shape: Sequence[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def _constant(name: str, value: npt.NDArray[np.float32 | np.int64]) -> onnx.TensorProto:
    return numpy_helper.from_array(value, name)


def _model(graph: onnx.GraphProto, facts: dict[str, str | int]) -> onnx.ModelProto:
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    for key, value in facts.items():
        made.metadata_props.add(key=key, value=str(value))
    return made


def ctc(folder: Path, tones: Mapping[str, float]) -> Path:
    """Write a model of the other kind, in one file, as NeMo's: a token in every frame, or none."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens, weights, bias = _tokens(folder, tones, slaney, AUDIBLE, {})
    words = len(tokens)
    nodes = [
        helper.make_node("Transpose", ["audio_signal"], ["x"], perm=[0, 2, 1]),
        helper.make_node("Reshape", ["x", "shape"], ["fours"]),
        helper.make_node("ReduceMean", ["fours", "axis"], ["frames"], keepdims=0),
        helper.make_node("MatMul", ["frames", "weights"], ["loud"]),
        helper.make_node("Add", ["loud", "bias"], ["logits"]),
        helper.make_node("Identity", ["length"], ["logits_length"]),
        *(helper.make_node("Identity", [name], [f"{name}_next"]) for name, _, _ in CACHES),
    ]
    made = helper.make_graph(
        nodes,
        "ctc",
        [
            _value("audio_signal", ["N", MELS, CHUNK]),
            helper.make_tensor_value_info("length", TensorProto.INT64, ["N"]),
            *(helper.make_tensor_value_info(*cache) for cache in CACHES),
        ],
        [
            _value("logits", ["N", CHUNK // 4, words]),
            helper.make_tensor_value_info("logits_length", TensorProto.INT64, ["N"]),
            *(helper.make_tensor_value_info(f"{name}_next", kind, at) for name, kind, at in CACHES),
        ],
        [
            _constant("shape", np.array([0, CHUNK // 4, 4, MELS], np.int64)),
            _constant("axis", np.array([2], np.int64)),
            _constant("weights", weights),
            _constant("bias", bias),
        ],
    )
    facts: dict[str, str | int] = {
        "model_type": "EncDecCTCModelBPE", "window_size": CHUNK, "chunk_shift": CHUNK,
        "subsampling_factor": 4, "vocab_size": words - 1,
    }  # fmt: skip
    sizes = {f"cache_last_{what}_dim{n}": 1 for what in ("channel", "time") for n in (1, 2, 3)}
    onnx.save(_model(made, {**facts, **sizes}), folder / "model.onnx")
    return folder
