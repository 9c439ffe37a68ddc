"""Models small enough for any machine: the shapes of Qwen3 and Qwen3-ASR, with random weights.

    python tests/contract/tiny_models.py FOLDER     in SGLang's environment, not in ours

makes FOLDER/qwen3 and FOLDER/qwen3-asr, which can be served, and FOLDER/shapes/*, which are real
models' own configurations without weights, for SGLang's check of a command line. What they answer
is noise; how they answer it is real.
"""

import json
import sys
from pathlib import Path
from typing import Any

SPECIAL = [
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *("<|audio_start|>", "<|audio_end|>", "<|audio_pad|>", "<asr_text>"),
]
SAYINGS = [
    "hello world, this is a test of translation",
    "the quick brown fox jumps over the lazy dog",
    "system user assistant Translate to Chinese English language",
    "今天天气很好我们去公园",
    "你好世界翻译模型实时字幕",
]
VOCABULARY = 600

# The last message is left open where it is to be continued, as Qwen's own templates do.
CLOSE = (
    "{% if not (loop.last and continue_final_message is defined and continue_final_message) %}"
    "<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXT_TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}" + CLOSE
SOUND_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] in ('audio', 'audio_url', 'input_audio') %}"
    "<|audio_start|><|audio_pad|><|audio_end|>"
    "{% elif c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}" + CLOSE
)

# What the real ones have, by their published configurations.
QWEN3_4B = {
    "vocab_size": 151936,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 262144,
}
QWEN3_ASR = QWEN3_4B | {
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "max_position_embeddings": 65536,
}
TINY = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 4096,
}
ENCODER = {"encoder_layers": 18, "d_model": 896, "heads": 14, "ffn": 3584, "downsample": 480}
TINY_ENCODER = {"encoder_layers": 2, "d_model": 64, "heads": 4, "ffn": 128, "downsample": 32}


def main(folder: Path) -> None:
    """Make all of them."""
    qwen3, asr, shapes = folder / "qwen3", folder / "qwen3-asr", folder / "shapes"
    weights(qwen3, TINY | tokenizer(qwen3, TEXT_TEMPLATE))
    hearing(asr, TINY | tokenizer(asr, SOUND_TEMPLATE), TINY_ENCODER)
    text = tokenizer(shapes / "qwen3", TEXT_TEMPLATE) | QWEN3_4B
    write(shapes / "qwen3" / "config.json", text_config(text))
    hearing(
        shapes / "qwen3-asr", tokenizer(shapes / "qwen3-asr", SOUND_TEMPLATE) | QWEN3_ASR, ENCODER
    )


def tokenizer(folder: Path, template: str) -> dict[str, int]:
    """Write one that knows every byte; the part of a model's configuration that follows from it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    made.train_from_iterator(SAYINGS * 20, trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=template,
    ).save_pretrained(folder)
    return {
        "vocab_size": -(-made.get_vocab_size() // 64) * 64,
        "bos_token_id": SPECIAL.index("<|endoftext|>"),
        "eos_token_id": SPECIAL.index("<|im_end|>"),
    }


def weights(folder: Path, sizes: dict[str, int]) -> None:
    """Write a text model with random weights, the same every time."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    config = Qwen3Config(**sizes, tie_word_embeddings=True)
    Qwen3ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    # Settings that would make its answers random, as Qwen's own files have them.
    write(
        folder / "generation_config.json",
        {
            "do_sample": True,
            "temperature": 0.6,
            "top_p": 0.95,
            "top_k": 20,
            "eos_token_id": sizes["eos_token_id"],
        },
    )


def text_config(sizes: dict[str, int]) -> dict[str, Any]:
    """A text model's configuration, of these sizes."""
    return {
        **sizes,
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "dtype": "bfloat16",
        "attention_bias": False,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000,
        "tie_word_embeddings": True,
    }


def hearing(folder: Path, sizes: dict[str, int], encoder: dict[str, int]) -> None:
    """Write the configuration of a model that hears. It is served with --load-format dummy."""
    from transformers import WhisperFeatureExtractor

    WhisperFeatureExtractor(
        feature_size=128,
        sampling_rate=16_000,
        hop_length=160,
        n_fft=400,
        chunk_length=30,
        return_attention_mask=True,
    ).save_pretrained(folder)
    half = sizes["head_dim"] // 2
    sections = [half - 2 * (half * 5 // 16), half * 5 // 16, half * 5 // 16]
    rope: dict[str, Any] = {"rope_type": "default", "mrope_section": sections}
    rope |= {"interleaved": True, "mrope_interleaved": True}
    write(
        folder / "config.json",
        {
            "architectures": ["Qwen3ASRForConditionalGeneration"],
            "model_type": "qwen3_asr",
            "dtype": "bfloat16",
            "support_languages": ["Chinese", "English"],
            "thinker_config": {
                "model_type": "qwen3_asr_thinker",
                "dtype": "bfloat16",
                "audio_start_token_id": SPECIAL.index("<|audio_start|>"),
                "audio_end_token_id": SPECIAL.index("<|audio_end|>"),
                "audio_token_id": SPECIAL.index("<|audio_pad|>"),
                "text_config": text_config(sizes) | {"rope_scaling": rope},
                "audio_config": {
                    "model_type": "qwen3_asr_audio_encoder",
                    "num_mel_bins": 128,
                    "encoder_layers": encoder["encoder_layers"],
                    "encoder_attention_heads": encoder["heads"],
                    "encoder_ffn_dim": encoder["ffn"],
                    "d_model": encoder["d_model"],
                    "downsample_hidden_size": encoder["downsample"],
                    "output_dim": sizes["hidden_size"],
                    "max_source_positions": 1500,
                    "n_window": 50,
                    "n_window_infer": 800,
                    "conv_chunksize": 500,
                    "activation_function": "gelu",
                    "dropout": 0,
                    "attention_dropout": 0,
                    "activation_dropout": 0,
                    "scale_embedding": False,
                },
            },
        },
    )
    ends = [SPECIAL.index("<|im_end|>"), SPECIAL.index("<|endoftext|>")]
    write(folder / "generation_config.json", {"do_sample": False, "eos_token_id": ends})


def write(path: Path, content: dict[str, Any]) -> None:
    """A file of JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
