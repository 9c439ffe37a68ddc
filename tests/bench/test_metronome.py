"""The recognizer that counts: its weights, run by hand, say what they were written to say."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from bench import metronome
from bench.metronome import ANSWER, BEAT, SENTENCES
from bench.metronome_files import Array, ids, token_of

ENGLISH, CHINESE = SENTENCES["English"], SENTENCES["Chinese"]
SECOND = 13  # tokens of sound


@cache
def model() -> tuple[Tokenizer, dict[str, Array]]:
    tokens = metronome.tokenizer()
    return tokens, dict(metronome.weights(tokens))


def normed(hidden: Array) -> Array:
    scale: Array = np.sqrt(np.square(hidden).mean(axis=-1, keepdims=True) + 1e-6)
    return hidden / scale


def answer(sound: int, opening: str, context: str = "", most: int = 40, voice: str = "") -> str:
    """What it says of so many tokens of sound, asked as our driver asks. `voice`: the language that
    a tenth of it, the rest being faint, sounds like."""
    tokens, weights = model()
    before = ids(tokens, f"<|im_start|>system\n{context}<|im_end|>\n" if context else "")
    behind = ids(tokens, f"<|im_end|>\n<|im_start|>assistant\n{opening}")
    embedded = weights["thinker.model.embed_tokens.weight"]
    heard = np.tile(weights["thinker.audio_tower.proj2.bias"], (sound, 1))
    if voice:
        heard[: -(-sound // 10), metronome.Room(tokens).sounds[voice]] = 1
    said: list[int] = []
    for _ in range(most):
        hidden = np.concatenate([embedded[before], heard, embedded[behind + said]])
        for layer in range(2):
            name = f"thinker.model.layers.{layer}.self_attn"
            values = normed(hidden) @ weights[f"{name}.v_proj.weight"].T
            means = np.cumsum(values, axis=0) / np.arange(1, len(values) + 1)[:, None]
            hidden = hidden + means @ weights[f"{name}.o_proj.weight"].T
        logits = normed(hidden[-1]) @ weights["thinker.lm_head.weight"].T
        said.append(int(logits.argmax()))
        if said[-1] == token_of(tokens, "<|im_end|>"):
            break
    return str(tokens.decode(said))


@pytest.mark.parametrize(("name", "sentence"), [("English", ENGLISH[0]), ("Chinese", CHINESE[0])])
def test_it_says_a_word_for_every_beat_in_the_language_it_is_made_to_speak(
    name: str, sentence: str
) -> None:
    tokens, _ = model()
    words = ids(tokens, sentence)
    for sound in range(2, 6 * SECOND, 11):
        beats = min(len(words), int((sound - 1e-6) / BEAT * 1.02))
        said = ids(tokens, answer(sound, f"language {name}{ANSWER}"))
        assert said == words[: len(said)] and abs(len(said) - beats) <= 1


def test_it_goes_on_from_the_words_it_is_given() -> None:
    whole = answer(3 * SECOND, f"language English{ANSWER}")
    begin = " ".join(whole.split()[:4])
    assert begin + answer(3 * SECOND, f"language English{ANSWER}{begin}") == whole


@pytest.mark.parametrize("sentences", SENTENCES.values(), ids=list(SENTENCES))
def test_it_says_what_comes_after_the_last_sentence(sentences: list[str]) -> None:
    (name,) = (name for name, known in SENTENCES.items() if known is sentences)
    for number, sentence in enumerate(sentences):
        following = sentences[(number + 1) % len(sentences)]
        assert answer(6 * SECOND, f"language {name}{ANSWER}", sentence) == following


def test_it_names_a_language_when_it_is_not_made_to_speak_one() -> None:
    assert answer(6 * SECOND, "") == f"language English{ANSWER}{ENGLISH[0]}"


@pytest.mark.parametrize(("voice", "sentences"), SENTENCES.items())
def test_it_names_the_language_that_a_voice_sounds_like(voice: str, sentences: list[str]) -> None:
    for sound in (6, SECOND, 6 * SECOND):
        said = answer(sound, "", voice=voice)
        assert said.startswith(f"language {voice}{ANSWER}")
        assert sentences[0].startswith(said.partition(ANSWER)[2])
        (other,) = SENTENCES.keys() - {voice}
        forced = answer(sound, f"language {other}{ANSWER}", voice=voice)
        assert SENTENCES[other][0].startswith(forced), "made to speak the other, it obeys"


def test_its_files_are_those_of_a_model(tmp_path: Path) -> None:
    metronome.main(tmp_path)
    with open(tmp_path / "model.safetensors", "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    assert header.keys() == model()[1].keys()
    end = max(one["data_offsets"][1] for one in header.values())
    assert (tmp_path / "model.safetensors").stat().st_size == 8 + size + end
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    rows, width = header["thinker.model.embed_tokens.weight"]["shape"]
    text = config["thinker_config"]["text_config"]
    assert (text["vocab_size"], text["hidden_size"]) == (rows, width)
