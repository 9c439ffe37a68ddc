"""A Qwen3-ASR that nobody trained: its weights are written down here, and it says a word for every
beat of sound that it hears. What it says is always the same; how much, and when, is in the sound.

So a conversation can be captioned from end to end where there is no card and no weights: by the
real SGLang, through our own driver, with lines that grow as people speak. It obeys as Qwen3-ASR
does: it answers in the language it is made to begin with, or names the one it hears: English of a
dull voice, Chinese of a bright one. It goes on from the words it is given, and says the next
sentence after the one that its context ends with.

    python -m bench.metronome FOLDER     makes it, in a second; serve it with --dtype float32

The encoder hears how loud two bands are. Layer 0 looks back for what was asked (which language,
which sentence before, whether the answer has begun) and for how the voice was; layer 1 weighs the
sound against the words said; the output is the next word, or the end. All attention is even: keys
and queries are nothing, so that a mean of what came before is what a head sees.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from .metronome_files import (
    ENCODER,
    HEAD,
    MARKUP,
    SOUND,
    TEMPLATE,
    WIDTH,
    Array,
    ids,
    save,
    settings,
    token_of,
    vocabulary,
)

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
ANSWER = "<asr_text>"
HAN = Regex(r"[\x{4e00}-\x{9fff}]")


def main(folder: Path) -> None:
    """Make the model."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = tokenizer()
    tokens.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(TEMPLATE, "utf-8")
    for name, content in settings(tokens, list(SENTENCES)).items():
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


# -- weights


class Room:
    """The dimensions of the model, each with one meaning."""

    def __init__(self, tokens: Tokenizer) -> None:
        self.always, self.sound, self.begun, self.left, self.answer = range(5)
        self.named = {name: 5 + n for n, name in enumerate(SENTENCES)}
        self.told = {name: 7 + 3 * n for n, name in enumerate(SENTENCES)}  # and its next two
        self.sounds = {name: 13 + n for n, name in enumerate(SENTENCES)}  # in a piece of sound
        self.seems = {name: 15 + n for n, name in enumerate(SENTENCES)}  # in all of it
        self.ends = token_of(tokens, "<|im_end|>")
        self.begins = token_of(tokens, ANSWER)
        used = sorted(
            {
                token
                for name, sentences in SENTENCES.items()
                for text in (*sentences, f"language {name}", "\n")
                for token in ids(tokens, text)
            }
        )
        self.words = {token: 17 + n for n, token in enumerate(used)}
        assert 17 + len(used) <= WIDTH, "too many words"
        for sentences in SENTENCES.values():
            said = [token for text in sentences for token in ids(tokens, text)[:-1]]
            assert len(set(said)) == len(said), "a word comes twice"


LOUD = 10.0  # of sound in its token, so that nothing else changes its share
BEGUN = 1e4  # so much that it is all that is left of a token once it is normalised
FIRST, NEXT, NAMED, TOLD, END = 1e5, 1e4, 1e5, 1e3, 1e8  # logits: what outweighs what
SEEMS, DOUBT = 1e4, 1e-6  # for a language: how it sounds; and, of END, being the first of them

# What the encoder makes of sound. Of the 16 bands that its convolutions leave of 128, the low ones
# are those of voices up to 1 kHz; in the high ones, from 4 kHz on, is what a wall keeps back.
LOW, HIGH = range(1, 6), range(12, 16)
GAIN, LIFT = 8.0, 6.0  # of the logarithm of loudness, so that no silence is below 0 and bent
SMALL = 0.1  # beside the positions, which the layer norm weighs together with it
DULL, BRIGHT = 0.5, 0.4  # as measured of voices behind a wall and of others


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
    made[room.begins, room.answer] = 1
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
    for name in SENTENCES:
        values[slot, room.sounds[name]], out[room.seems[name], slot] = 1, 1
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
    made, end = nothing(size, WIDTH), room.ends
    made[:, room.always] = -FIRST
    made[end, room.always], made[end, room.left] = NEXT, -END
    for name, sentences in SENTENCES.items():
        for number, sentence in enumerate(sentences):
            said = ids(tokens, sentence)
            made[said[0], room.answer] = FIRST + (number == 0)
            made[said[0], room.named[name]] = NAMED
            made[said[0], room.told[name] + (number - 1) % len(sentences)] = TOLD
            for before, word in pairwise(said):
                made[word, room.words[before]] = FIRST + 2 * NEXT
            made[end, room.words[said[-1]]] = 1e9
    # Asked for the language, too, it says what it seems to hear, in doubt the first.
    asks, names = ids(tokens, "\n"), {name: ids(tokens, f"language {name}") for name in SENTENCES}
    for name, said in names.items():
        for before, word in pairwise([*asks, *said, room.begins]):
            made[word, room.words[before]] = END
        made[said[-1], room.seems[name]] = SEEMS
    made[next(iter(names.values()))[1], room.words[next(iter(names.values()))[0]]] *= 1 + DOUBT
    return made


def hearing(room: Room) -> Iterator[tuple[str, Array]]:
    """The encoder: it looks at all of the sound, and tells of each piece that it is one, and how
    dull or bright a voice it is of, if it is of one."""
    tower = "thinker.audio_tower"
    for n in (1, 2, 3):
        mean = np.zeros((32, 1 if n == 1 else 32, 3, 3), np.float32)
        mean[0, 0], lift = (GAIN if n == 1 else 1) / 9, np.zeros(32, np.float32)
        lift[0] = LIFT if n == 1 else 0
        yield f"{tower}.conv2d{n}.weight", mean
        yield f"{tower}.conv2d{n}.bias", lift
    # A figure and its opposite: their difference is free of the mean, which a layer norm takes away
    # of all. The last of either half of the positions hardly change from piece to piece.
    dull, bright = ENCODER // 2 - 1, ENCODER // 2 - 3
    bands = nothing(ENCODER, 32 * 16)
    bands[dull, LOW], bands[dull, HIGH] = SMALL / len(LOW), -3 * SMALL / len(HIGH)
    bands[bright, HIGH] = SMALL / len(HIGH)
    told, least = nothing(ENCODER, ENCODER), np.zeros(ENCODER, np.float32)
    for slot, (figure, enough) in enumerate(((dull, DULL), (bright, BRIGHT))):
        bands[figure - 1] = -bands[figure]
        told[slot, figure], told[slot, figure - 1], least[slot] = 1, -1, -enough
    yield f"{tower}.conv_out.weight", bands
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
    yield f"{tower}.proj1.weight", told
    yield f"{tower}.proj1.bias", least
    piece, voice = np.zeros(WIDTH, np.float32), nothing(WIDTH, ENCODER)
    piece[room.always], piece[room.sound] = 1, LOUD
    for slot, sounds in enumerate(room.sounds.values()):
        voice[sounds, slot] = 1
    yield f"{tower}.proj2.weight", voice
    yield f"{tower}.proj2.bias", piece


def norm(name: str) -> Iterator[tuple[str, Array]]:
    """A layer norm that does nothing more."""
    yield f"{name}.weight", np.ones(ENCODER, np.float32)
    yield f"{name}.bias", np.zeros(ENCODER, np.float32)


def nothing(rows: int, columns: int) -> Array:
    """A matrix to write into."""
    return np.zeros((rows, columns), np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
