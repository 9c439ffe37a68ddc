"""A Qwen3-ASR that nobody trained: its weights are written down here, and it says a word for every
beat of sound that it hears. What it says is always the same; how much, and when, is in the sound.

So a conversation can be captioned from end to end where there is no card and no weights: by the
real SGLang, through our own driver, with lines that grow as people speak. It obeys as Qwen3-ASR
does: it answers in the language it is made to begin with, goes on from the words it is given, and
says the next sentence after the one that its context ends with.

    python -m bench.metronome FOLDER     makes it, in a second; serve it with --dtype float32

Layer 0 looks back for what was asked (which language, which sentence before, whether the answer has
begun); layer 1 weighs the sound against the words said; the output is the next word, or the end.
All attention is even: keys and queries are nothing, so that a mean of what came before is what a
head sees.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SENTENCES: Mapping[str, Sequence[str]] = {
    "English": (
        "Almost everyone in our village is related to one another.",
        "It would be better if you stayed here a little longer.",
        "I took my friends for granted when they came.",
    ),
    "Chinese": (
        "她穿上那件衣服看起来很漂亮。",
        "我们在港口里见过许多船。",
        "今天午饭后他想去公园散步。",
    ),
}
"""What it says, in turn. No word comes twice in a language: the word before is all it knows."""

BEAT = 4.5  # tokens of sound a word, of which a second has 13
MARKUP = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
SOUND = ("<|audio_start|>", "<|audio_end|>", "<|audio_pad|>")
ANSWER = "<asr_text>"
HAN = Regex(r"[\x{4e00}-\x{9fff}]")
WIDTH, HEAD, ENCODER = 192, 32, 64
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] in ('audio', 'audio_url', 'input_audio') %}"
    "<|audio_start|><|audio_pad|><|audio_end|>"
    "{% elif c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}"
    "{% if not (loop.last and continue_final_message is defined and continue_final_message) %}"
    "<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

Array = npt.NDArray[np.float32]


def main(folder: Path) -> None:
    """Make the model."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = tokenizer()
    tokens.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(TEMPLATE, "utf-8")
    for name, content in settings(tokens).items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    save(folder / "model.safetensors", dict(weights(tokens)))


def tokenizer() -> Tokenizer:
    """One that knows every byte, and each word of the sentences as one token."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(HAN, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4_000,  # more than it takes: it ends when all words are one token
        special_tokens=[*MARKUP, *SOUND],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    said = [sentence for sentences in SENTENCES.values() for sentence in sentences]
    made.train_from_iterator([*said, *(f"language {name}" for name in SENTENCES)], trainer)
    made.add_tokens([AddedToken(ANSWER, normalized=False)])
    return made


def ids(tokens: Tokenizer, text: str) -> list[int]:
    """The tokens of a text."""
    return list(tokens.encode(text, add_special_tokens=False).ids)


# -- weights


class Room:
    """The dimensions of the model, each with one meaning."""

    def __init__(self, tokens: Tokenizer) -> None:
        self.always, self.sound, self.begun, self.left, self.answer = range(5)
        self.named = {name: 5 + n for n, name in enumerate(SENTENCES)}
        self.told = {name: 7 + 3 * n for n, name in enumerate(SENTENCES)}  # and its next two
        used = sorted(
            {
                token
                for name, sentences in SENTENCES.items()
                for text in (*sentences, f"language {name}", "\n")
                for token in ids(tokens, text)
            }
        )
        self.words = {token: 13 + n for n, token in enumerate(used)}
        assert 13 + len(used) <= WIDTH, "too many words"
        for sentences in SENTENCES.values():
            said = [token for text in sentences for token in ids(tokens, text)[:-1]]
            assert len(set(said)) == len(said), "a word comes twice"


LOUD = 10.0  # of sound in its token, so that nothing else changes its share
BEGUN = 1e4  # so much that it is all that is left of a token once it is normalised
FIRST, NEXT, NAMED, TOLD, END = 1e5, 1e4, 1e5, 1e3, 1e8  # logits: what outweighs what


def weights(tokens: Tokenizer) -> Iterator[tuple[str, Array]]:
    """All of them, by the names that Qwen3-ASR's have."""
    room, size = Room(tokens), vocabulary(tokens)
    yield "thinker.model.embed_tokens.weight", embedded(tokens, room, size)
    yield "thinker.lm_head.weight", answered(tokens, room, size)
    yield "thinker.model.norm.weight", np.ones(WIDTH, np.float32)
    for layer in range(2):
        values, out = (looked_back if layer == 0 else weighed)(tokens, room)
        for name, matrix in {
            "self_attn.q_proj": nothing(HEAD, WIDTH),
            "self_attn.k_proj": nothing(HEAD, WIDTH),
            "self_attn.v_proj": values,
            "self_attn.o_proj": out,
            "self_attn.q_norm": np.ones(HEAD, np.float32),
            "self_attn.k_norm": np.ones(HEAD, np.float32),
            "mlp.gate_proj": nothing(HEAD, WIDTH),
            "mlp.up_proj": nothing(HEAD, WIDTH),
            "mlp.down_proj": nothing(WIDTH, HEAD),
            "input_layernorm": np.ones(WIDTH, np.float32),
            "post_attention_layernorm": np.ones(WIDTH, np.float32),
        }.items():
            yield f"thinker.model.layers.{layer}.{name}.weight", matrix
    yield from hearing(room)


def embedded(tokens: Tokenizer, room: Room, size: int) -> Array:
    """What each token means by itself."""
    made = nothing(size, WIDTH)
    made[:, room.always] = 1
    made[tokens.token_to_id(ANSWER), room.answer] = 1
    for token, dimension in room.words.items():
        made[token, dimension] = 1
    return made


def looked_back(tokens: Tokenizer, room: Room) -> tuple[Array, Array]:
    """Layer 0: what was there before, as its share of all tokens."""
    values, out = nothing(HEAD, WIDTH), nothing(WIDTH, HEAD)
    values[0, room.answer], out[room.begun, 0] = 1, BEGUN
    slot = 1
    for name, sentences in SENTENCES.items():
        for number, text in enumerate((f"language {name}", *sentences)):
            of = ids(tokens, text)
            meant = of[1:] if number == 0 else of[:-1]  # not "language", not the full stop
            for token in meant:
                values[slot, room.words[token]] = 1
            out[room.named[name] if number == 0 else room.told[name] + number - 1, slot] = 1
            slot += 1
    return values, out


def weighed(_: Tokenizer, room: Room) -> tuple[Array, Array]:
    """Layer 1: the sound there was against the words there are, a word for a beat."""
    values, out = nothing(HEAD, WIDTH), nothing(WIDTH, HEAD)
    values[0, room.sound], values[0, room.begun] = 1, -BEAT
    out[room.left, 0] = 1
    return values, out


def answered(tokens: Tokenizer, room: Room, size: int) -> Array:
    """Logits of the next token."""
    made, end = nothing(size, WIDTH), tokens.token_to_id("<|im_end|>")
    made[:, room.always] = -FIRST
    made[end, room.always], made[end, room.left] = NEXT, -END
    for name, sentences in SENTENCES.items():
        for number, sentence in enumerate(sentences):
            said = ids(tokens, sentence)
            made[said[0], room.answer] = FIRST + (number == 0)
            made[said[0], room.named[name]] = NAMED
            made[said[0], room.told[name] + (number - 1) % len(sentences)] = TOLD
            for before, word in zip(said, said[1:], strict=False):
                made[word, room.words[before]] = FIRST + 2 * NEXT
            made[end, room.words[said[-1]]] = 1e9
    # Asked for the language, too, it says the first: it cannot tell.
    asked = [*ids(tokens, "\n"), *ids(tokens, f"language {next(iter(SENTENCES))}")]
    for before, word in zip(asked, [*asked[1:], tokens.token_to_id(ANSWER)], strict=True):
        made[word, room.words[before]] = END
    return made


def hearing(room: Room) -> Iterator[tuple[str, Array]]:
    """The encoder: it looks at all of the sound, and tells of each piece that it is one."""
    tower = "thinker.audio_tower"
    for n in (1, 2, 3):
        yield f"{tower}.conv2d{n}.weight", np.zeros((32, 1 if n == 1 else 32, 3, 3), np.float32)
        yield f"{tower}.conv2d{n}.bias", np.zeros(32, np.float32)
    yield f"{tower}.conv_out.weight", nothing(ENCODER, 32 * 16)
    for layer in range(2):
        name = f"{tower}.layers.{layer}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield f"{name}.self_attn.{part}.weight", nothing(ENCODER, ENCODER)
            yield f"{name}.self_attn.{part}.bias", np.zeros(ENCODER, np.float32)
        for part, shape in (("fc1", (2 * ENCODER, ENCODER)), ("fc2", (ENCODER, 2 * ENCODER))):
            yield f"{name}.{part}.weight", nothing(*shape)
            yield f"{name}.{part}.bias", np.zeros(shape[0], np.float32)
        for part in ("self_attn_layer_norm", "final_layer_norm"):
            yield from norm(f"{name}.{part}")
    yield from norm(f"{tower}.ln_post")
    yield f"{tower}.proj1.weight", nothing(ENCODER, ENCODER)
    yield f"{tower}.proj1.bias", np.zeros(ENCODER, np.float32)
    piece = np.zeros(WIDTH, np.float32)
    piece[room.always], piece[room.sound] = 1, LOUD
    yield f"{tower}.proj2.weight", nothing(WIDTH, ENCODER)
    yield f"{tower}.proj2.bias", piece


def norm(name: str) -> Iterator[tuple[str, Array]]:
    """A layer norm that does nothing more."""
    yield f"{name}.weight", np.ones(ENCODER, np.float32)
    yield f"{name}.bias", np.zeros(ENCODER, np.float32)


def nothing(rows: int, columns: int) -> Array:
    """A matrix to write into."""
    return np.zeros((rows, columns), np.float32)


# -- files


def vocabulary(tokens: Tokenizer) -> int:
    """Rows of the embedding."""
    return -(-tokens.get_vocab_size() // 64) * 64


def settings(tokens: Tokenizer) -> dict[str, Any]:
    """The files beside the weights."""
    half = HEAD // 2
    sections = [half - 2 * (half * 5 // 16), half * 5 // 16, half * 5 // 16]
    rope = {"rope_type": "default", "mrope_section": sections}
    text = {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "dtype": "float32",
        "hidden_size": WIDTH,
        "intermediate_size": HEAD,
        "num_hidden_layers": 2,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "head_dim": HEAD,
        "max_position_embeddings": 4096,
        "vocab_size": vocabulary(tokens),
        "bos_token_id": tokens.token_to_id("<|endoftext|>"),
        "eos_token_id": tokens.token_to_id("<|im_end|>"),
        "attention_bias": False,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000,
        "tie_word_embeddings": False,
        "rope_scaling": rope | {"interleaved": True, "mrope_interleaved": True},
    }
    sound = {
        "model_type": "qwen3_asr_audio_encoder",
        "num_mel_bins": 128,
        "encoder_layers": 2,
        "encoder_attention_heads": 4,
        "encoder_ffn_dim": 2 * ENCODER,
        "d_model": ENCODER,
        "downsample_hidden_size": 32,
        "output_dim": WIDTH,
        "max_source_positions": 1500,
        "n_window": 50,
        "n_window_infer": 800,
        "conv_chunksize": 500,
        "activation_function": "gelu",
        "dropout": 0,
        "attention_dropout": 0,
        "activation_dropout": 0,
        "scale_embedding": False,
    }
    ends = [text["eos_token_id"], text["bos_token_id"]]
    return {
        "config.json": {
            "architectures": ["Qwen3ASRForConditionalGeneration"],
            "model_type": "qwen3_asr",
            "dtype": "float32",
            "support_languages": list(reversed(SENTENCES)),
            "thinker_config": {
                "model_type": "qwen3_asr_thinker",
                "dtype": "float32",
                "audio_start_token_id": tokens.token_to_id(SOUND[0]),
                "audio_end_token_id": tokens.token_to_id(SOUND[1]),
                "audio_token_id": tokens.token_to_id(SOUND[2]),
                "text_config": text,
                "audio_config": sound,
            },
        },
        "generation_config.json": {"do_sample": False, "eos_token_id": ends},
        "preprocessor_config.json": {
            "feature_extractor_type": "WhisperFeatureExtractor",
            "chunk_length": 30,
            "dither": 0.0,
            "feature_size": 128,
            "hop_length": 160,
            "n_fft": 400,
            "n_samples": 480_000,
            "nb_max_frames": 3000,
            "padding_side": "right",
            "padding_value": 0.0,
            "return_attention_mask": True,
            "sampling_rate": 16_000,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "model_max_length": 4096,
            "clean_up_tokenization_spaces": False,
        },
    }


def save(path: Path, arrays: Mapping[str, Array]) -> None:
    """As safetensors: the length of a header, the header, all numbers one after the other.
    https://huggingface.co/docs/safetensors"""
    header: dict[str, Any] = {}
    at = 0
    for name, array in arrays.items():
        size = array.nbytes
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [at, at + size],
        }
        at += size
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array, "<f4").tobytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
