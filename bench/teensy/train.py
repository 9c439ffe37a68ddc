"""Train the teensy Qwen: Mandarin and English, both ways, on Tatoeba's pairs, on a CPU.

    train="python -m bench.teensy.train --pairs cmn.txt --out FOLDER"
    $train --minutes 70
    $train --minutes 30 --start FOLDER --lines 4
    $train --minutes 50 --start FOLDER --lines 5 --own

The first learns single sentences from nothing. The second goes on from there with lines of up to
four sentences, which is what a speaker's open line looks like. In all, part of the examples is
cut off in the middle, translation and all, so that the model answers a sentence that still grows.

The third learns from what the model itself says to each sentence by itself, not from what people
wrote (Kim and Rush 2016, https://aclanthology.org/D16-1139): one answer to each sentence, whatever
stands around it. Such a model is surer, and rewrites less of a line that grows. prefixes.py goes on
from there.

`cmn.txt` is Tatoeba's file of pairs as manythings.org/anki gives it: English, Chinese, attribution,
a tab between. Needs torch and transformers.
"""

import argparse
import random
from functools import cache
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from bench.teensy.fitting import Pair, keep, known, train

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{m['role']}}\n{{m['content']}}"
    "{% if not (loop.last and continue_final_message is defined and continue_final_message) %}"
    "<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NAMES = {"en": "English: ", "zh": "Chinese: "}
HELD_OUT = 500
LONGEST = 40  # tokens of one sentence
CUT = 0.35  # of the examples end in the middle
BATCH = 32
ANSWERED = 128  # sentences at a time

Example = tuple[list[int], int]  # all tokens, and how many of them are the prompt


def read(file: Path) -> list[Pair]:
    """(English, Chinese), shuffled the same way every time, no pair twice."""
    lines = (line.split("\t") for line in file.read_text("utf-8").splitlines())
    found = [(line[0], line[1]) for line in lines if len(line) >= 2]
    random.shuffle(found)
    return list(dict.fromkeys(found))


def vocabulary(pairs: list[Pair]) -> PreTrainedTokenizerFast:
    """6,000 byte-level tokens learned from the pairs."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=6000, special_tokens=SPECIAL, initial_alphabet=alphabet
    )
    made.train_from_iterator((side for pair in pairs for side in pair), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token=SPECIAL[2], pad_token=SPECIAL[0], chat_template=TEMPLATE
    )


def untrained(tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """5.5 million parameters in the shape of Qwen3."""
    size = (len(tokenizer) + 63) // 64 * 64
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=size, hidden_size=256, intermediate_size=768, num_hidden_layers=5,
            num_attention_heads=4, num_key_value_heads=2, head_dim=64, rope_theta=10_000.0,
            max_position_embeddings=1024, tie_word_embeddings=True,
            eos_token_id=tokenizer.convert_tokens_to_ids(SPECIAL[2]),
            bos_token_id=0, pad_token_id=0,
        )
    )  # fmt: skip


Own = dict[tuple[str, str], str]  # (target, source) -> what the model said


class Examples:
    """Prompts and answers, as tokens, made anew for every epoch."""

    def __init__(
        self, pairs: list[Pair], tokenizer: PreTrainedTokenizerFast, longest_line: int
    ) -> None:
        @cache
        def tokens(text: str) -> list[int]:
            return list(tokenizer(text, add_special_tokens=False)["input_ids"])

        self.tokens = tokens
        self.longest_line = longest_line
        self.opening = {
            code: tokens("<|im_start|>user\n") + tokens(name) for code, name in NAMES.items()
        }
        self.turn = tokens("<|im_end|>\n<|im_start|>assistant\n")
        self.end = tokens("<|im_end|>")
        self.pairs = [p for p in pairs if len(tokens(p[0])) <= LONGEST >= len(tokens(p[1]))]
        self.own: Own = {}

    def epoch(self) -> list[Example]:
        """Every sentence once each way, alone or with others in a line."""
        random.shuffle(self.pairs)
        found, at = [], 0
        while at < len(self.pairs):
            several = random.random() < 0.7
            count = random.randint(2, self.longest_line) if several and self.longest_line > 1 else 1
            line = self.pairs[at : at + count]
            at += count
            found += [self.example("en", line), self.example("zh", line)]
        return found

    def prompt(self, target: str, source: list[int]) -> list[int]:
        """What asks for `source` in `target`."""
        return self.opening[target] + source + self.turn

    def example(self, target: str, line: list[Pair]) -> Example:
        """One line into `target`; sometimes cut off within its last sentence."""
        sides = [self.sides(target, place, pair) for place, pair in enumerate(line)]
        source, answer = sides[-1]
        if len(source) > 3 and random.random() < CUT:
            kept = random.randint(1, len(source) - 1)
            share = kept / len(source)
            sides[-1] = source[:kept], answer[: max(1, round(len(answer) * share))]
        sources = [token for side in sides for token in side[0]]
        answers = [token for side in sides for token in side[1]]
        prompt = self.prompt(target, sources)
        return prompt + answers + self.end, len(prompt)

    def sides(self, target: str, place: int, pair: Pair) -> tuple[list[int], list[int]]:
        """The tokens of a pair that stands at `place` of a line, source and answer."""
        english, chinese = pair
        source, answer = (chinese, english) if target == "en" else (english, chinese)
        return self.spaced(target, place, source, self.own.get((target, source), answer))

    def spaced(
        self, target: str, place: int, source: str, answer: str
    ) -> tuple[list[int], list[int]]:
        """Source and answer as tokens; a space stands before English that is not the first."""
        space = " " if place else ""
        if target == "en":
            return self.tokens(source), self.tokens(space + answer)
        return self.tokens(space + source), self.tokens(answer)


@torch.no_grad()  # type: ignore[untyped-decorator]
def own(model: Qwen3ForCausalLM, examples: Examples, tokenizer: PreTrainedTokenizerFast) -> Own:
    """What the model says to every sentence, both ways; what never ended is left out."""
    asked = [(target, pair[target == "en"]) for pair in examples.pairs for target in NAMES]
    asked.sort(key=lambda one: len(examples.tokens(one[1])))
    said: Own = {}
    model.eval()
    for at in range(0, len(asked), ANSWERED):
        some = asked[at : at + ANSWERED]
        prompts = [examples.prompt(target, examples.tokens(source)) for target, source in some]
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        found = model.generate(
            input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=2 * LONGEST
        )[:, width:]
        for one, answer in zip(some, found.tolist(), strict=True):
            if examples.end[0] in answer:
                kept = answer[: answer.index(examples.end[0])]
                said[one] = tokenizer.decode(kept).strip()
        if at // ANSWERED % 50 == 0:
            print(f"answered {at} of {len(asked)}", flush=True)
    model.train()
    return said


def batches(examples: list[Example]) -> list[list[Example]]:
    """Of about equal length, in any order."""
    made = []
    for at in range(0, len(examples), BATCH * 20):
        some = sorted(examples[at : at + BATCH * 20], key=lambda example: len(example[0]))
        made += [some[first : first + BATCH] for first in range(0, len(some), BATCH)]
    random.shuffle(made)
    return made


def loss_of(model: Qwen3ForCausalLM, batch: list[Example]) -> torch.Tensor:
    """Of the answers alone."""
    width = max(len(tokens) for tokens, _ in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    labels = torch.full((len(batch), width), -100)
    for row, (tokens, prompt) in enumerate(batch):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        labels[row, prompt : len(tokens)] = torch.tensor(tokens[prompt:])
    loss: torch.Tensor = model(
        input_ids=ids, labels=labels
    ).loss  # bfloat16 took three times as long
    return loss


def main() -> None:
    """Train, and leave model, tokenizer and held-out pairs in a folder."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--pairs", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--minutes", type=float, default=70)
    arguments.add_argument("--start", type=Path, help="go on with the model in this folder")
    arguments.add_argument("--lines", type=int, default=1, help="up to so many sentences a line")
    arguments.add_argument("--own", action="store_true", help="learn from the model's own answers")
    chosen = arguments.parse_args()
    random.seed(1)
    torch.manual_seed(1)
    pairs = read(chosen.pairs)
    if chosen.start:
        model, tokenizer, held_out = known(chosen.start)
        pairs = [pair for pair in pairs if pair[0] not in {english for english, _ in held_out}]
    else:
        held_out, pairs = pairs[:HELD_OUT], pairs[HELD_OUT:]
        pairs = [pair for pair in pairs if pair[0] not in {english for english, _ in held_out}]
        tokenizer = vocabulary(pairs)
        model = untrained(tokenizer)
    print(
        f"{len(pairs)} pairs, {sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters"
    )
    examples = Examples(pairs, tokenizer, chosen.lines)
    if chosen.own:
        examples.own = own(model, examples, tokenizer)
    train(
        model, lambda: batches(examples.epoch()), loss_of,
        chosen.minutes, peak=3e-4 if chosen.start else 1.5e-3,
    )  # fmt: skip
    keep(model, tokenizer, held_out, chosen.out)


if __name__ == "__main__":
    main()
