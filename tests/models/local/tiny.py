"""A translation model made by hand, which CTranslate2 loads and runs: each word has one other.

The decoder at place t looks at the encoder's place t and nowhere else, and says what the word there
is mapped to. Forced beginnings count as places, so it goes on where they end.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sentencepiece
from ctranslate2.specs import TransformerSpec

END, START, UNKNOWN = "</s>", "<s>", "<unk>"
PLACES = 64
SHARP = 60.0  # how much a place looks at its own; the others are at zero

Array = npt.NDArray[np.float32]


def pieces(words: Sequence[str]) -> bytes:
    """A sentencepiece model that knows these words, and takes others apart as unknown."""
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(words)] * 20),
        model_writer=made,
        model_type="word",
        vocab_size=len(words) + 3,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return made.getvalue()


def translator(
    folder: Path, meanings: Mapping[str, str], marks: Sequence[str] = (), more: int = 0
) -> Path:
    """Write a model that says `meanings` of words, in the order in which they come.

    `marks`: tokens that name languages; `more`: so many more of them stand before the words of a
    source than before those of an answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = sorted({*meanings, *meanings.values()})
    (folder / "sentencepiece.bpe.model").write_bytes(pieces(words))
    vocabulary = [UNKNOWN, START, END, *marks, *(f"▁{word}" for word in words)]
    said = {f"▁{word}": f"▁{meaning}" for word, meaning in meanings.items()} | {END: END}
    spec = _spec(vocabulary, said, more)
    spec.validate()
    spec.optimize(quantization=None)
    spec.save(str(folder))
    return folder


def _spec(vocabulary: Sequence[str], said: Mapping[str, str], shift: int) -> TransformerSpec:
    """Three regions of numbers: which word, which place, and what to say."""
    count = len(vocabulary)
    width = 2 * count + PLACES
    word, place, say = slice(0, count), slice(count, count + PLACES), slice(count + PLACES, width)
    spec = TransformerSpec.from_config(num_layers=1, num_heads=1, pre_norm=True)
    spec.register_source_vocabulary(list(vocabulary))
    spec.register_target_vocabulary(list(vocabulary))
    spec.config.add_source_bos, spec.config.add_source_eos = False, False
    spec.config.decoder_start_token = START
    names = np.zeros((count, width), np.float32)
    names[:, word] = np.eye(count)
    places = np.zeros((PLACES, width), np.float32)
    places[:, place] = np.eye(PLACES)
    nothing = np.zeros((width, width), np.float32)
    for side in (spec.encoder, spec.decoder):
        embeddings = side.embeddings[0] if side is spec.encoder else side.embeddings
        embeddings.weight = names
        side.scale_embeddings = False
        side.position_encodings.encodings = places
        _norm(side.layer_norm, width)
        layer = side.layer[0]
        _attention(layer.self_attention, [np.concatenate([nothing] * 3), nothing])
        _norm(layer.ffn.layer_norm, width)
        for linear in (layer.ffn.linear_0, layer.ffn.linear_1):
            linear.weight, linear.bias = nothing, np.zeros(width, np.float32)
    meaning = nothing.copy()
    for one, other in said.items():
        meaning[say.start + vocabulary.index(other), vocabulary.index(one)] = 1.0
    look = nothing.copy()
    for at in range(PLACES - shift):
        look[place.start + at + shift, place.start + at] = SHARP
    keep = nothing.copy()
    keep[place, place] = np.eye(PLACES)
    out = nothing.copy()
    out[say, say] = np.eye(count)
    cross = spec.decoder.layer[0].attention
    _attention(cross, [look, np.concatenate([keep, meaning]), out])
    spec.decoder.projection.weight = np.zeros((count, width), np.float32)
    spec.decoder.projection.weight[:, say] = np.eye(count) * 20
    return spec


def _norm(spec: object, width: int) -> None:
    spec.gamma, spec.beta = np.ones(width, np.float32), np.zeros(width, np.float32)  # type: ignore[attr-defined]


def _attention(spec: object, weights: Sequence[Array]) -> None:
    _norm(spec.layer_norm, weights[-1].shape[0])  # type: ignore[attr-defined]
    for linear, weight in zip(spec.linear, weights, strict=True):  # type: ignore[attr-defined]
        linear.weight = weight
        linear.bias = np.zeros(weight.shape[0], np.float32)
