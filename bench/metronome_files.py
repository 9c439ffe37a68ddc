"""The files of a small Qwen3-ASR, as SGLang wants them, for weights that somebody writes down."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

WIDTH, HEAD, ENCODER = 192, 32, 64
MARKUP = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
SOUND = ("<|audio_start|>", "<|audio_end|>", "<|audio_pad|>")
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


def ids(tokens: Tokenizer, text: str) -> list[int]:
    """The tokens of a text."""
    return list(tokens.encode(text, add_special_tokens=False).ids)


def token_of(tokens: Tokenizer, spelled: str) -> int:
    """The one that is spelled so."""
    (token,) = ids(tokens, spelled)
    return token


def vocabulary(tokens: Tokenizer) -> int:
    """Rows of the embedding."""
    return -(-tokens.get_vocab_size() // 64) * 64


def settings(tokens: Tokenizer, languages: Sequence[str]) -> dict[str, Any]:
    """The files beside the weights, of a model that hears these languages."""
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
        "bos_token_id": token_of(tokens, "<|endoftext|>"),
        "eos_token_id": token_of(tokens, "<|im_end|>"),
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
            "support_languages": list(languages),
            "thinker_config": {
                "model_type": "qwen3_asr_thinker",
                "dtype": "float32",
                "audio_start_token_id": token_of(tokens, SOUND[0]),
                "audio_end_token_id": token_of(tokens, SOUND[1]),
                "audio_token_id": token_of(tokens, SOUND[2]),
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
