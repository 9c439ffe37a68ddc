"""Teach the teensy Qwen to wait: to a line that still grows it says what is sure, and then stops.

    python -m bench.teensy.prefixes --start FOLDER --pairs pairs.txt --out FOLDER --minutes 80

To go on with what came of it, name that `--start` and the model before it `--teacher`.

A line is cut off within its last sentence. The answer to learn is a prefix of the model's own
answer to the whole (Niehues et al. 2018, https://arxiv.org/abs/1808.00491, cut it by length): as
much of it as the cut source licenses (sources.py). A line's sentences are answered one by one, so
that what was said of one does not depend on the next.

Several cuts of a line are read at once, each answer seeing the source up to its own cut.
"""

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import Qwen3ForCausalLM

from bench.teensy.fitting import Pair, keep, known, train
from bench.teensy.sources import Asked, Teacher, padded
from bench.teensy.train import BATCH, LONGEST, NAMES, Examples, Own, own, read

LONGEST_LINE = 5  # sentences
CUTS = 2  # of a line, beside the whole
TOGETHER = BATCH // 2  # lines of a batch
POOL = 10  # batches that are sorted by length
HARD = -1  # a token that is learned as it stands


@dataclass(frozen=True, slots=True)
class Line:
    """Sentences into `target`, each with its answer, and where the last one is cut."""

    target: str
    said: tuple[Pair, ...]
    cuts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Packed:
    """A line's source, and behind it the answers to the source cut at several places."""

    tokens: list[int]
    positions: list[int]
    answers: list[tuple[int, int, list[int]]]
    """Of each: where it begins with the prompt's end, how many tokens of the source it may see, and
    for every token of the answer the row of the teacher's chances, or HARD."""


class Lines:
    """Made of single sentences and the model's own answers, anew for every batch."""

    def __init__(self, examples: Examples, said: Own) -> None:
        self.examples = examples
        self.said: dict[str, list[Pair]] = {target: [] for target in NAMES}
        for (target, source), answer in said.items():
            if answer and len(examples.tokens(answer)) <= LONGEST:
                self.said[target].append((source, answer))

    def epoch(self) -> Iterator[list[Line]]:
        """Some batches, each of lines of about equal length."""
        found = sorted((self._line() for _ in range(TOGETHER * POOL)), key=self._size)
        made = [found[at : at + TOGETHER] for at in range(0, len(found), TOGETHER)]
        random.shuffle(made)
        yield from made

    def _size(self, line: Line) -> int:
        return sum(len(self.examples.tokens(source)) for source, _ in line.said)

    def _line(self) -> Line:
        target = random.choice(sorted(self.said))
        count = 1 if random.random() < 0.3 else random.randint(2, LONGEST_LINE)
        said = tuple(random.choices(self.said[target], k=count))
        size = len(self.examples.tokens(said[-1][0]))
        cuts = random.sample(range(1, size), min(CUTS, size - 1))
        if random.random() < 0.8 or not cuts:
            cuts.append(size)
        return Line(target, said, tuple(sorted(cuts)))


class Packing:
    """What is to be said to the lines of a batch, by a teacher."""

    def __init__(self, batch: list[Line], teacher: Teacher, examples: Examples) -> None:
        self.examples = examples
        self.asked: list[Asked] = []
        self.places: list[int] = []  # of each line's first sentence among those that are asked
        for line in batch:
            self.places.append(len(self.asked))
            *earlier, (source, answer) = line.said
            tokens = examples.tokens
            self.asked += [Asked(line.target, tokens(s), tokens(a), True) for s, a in earlier]
            whole, told = tokens(source), tokens(answer)
            self.asked += [
                Asked(line.target, whole[:cut], told, cut == len(whole)) for cut in line.cuts
            ]
        self.licensed, self.firsts, self.chances = teacher.judge(self.asked)
        self.packed = [
            self._pack(line, place) for line, place in zip(batch, self.places, strict=True)
        ]

    def _pack(self, line: Line, place: int) -> Packed:
        spaced = [self.examples.spaced(line.target, at, *said) for at, said in enumerate(line.said)]
        opening = self.examples.opening[line.target]
        tokens = opening + [token for source, _ in spaced for token in source]
        before = len(tokens) - len(spaced[-1][0])
        positions = list(range(len(tokens)))
        told: list[int] = []
        rows: list[int] = []
        for at, (_, answer) in enumerate(spaced[:-1], place):
            told += answer
            rows += self._rows(at, answer)
        last, found = spaced[-1][1], []
        for at, cut in enumerate(line.cuts, place + len(spaced) - 1):
            asked, licensed = self.asked[at], self.licensed[at]
            kept = max(0, len(last) - len(asked.answer) + licensed) if licensed else 0
            kept = kept if told else max(1, kept)  # some answer there must be
            end = self.firsts[at] + len(asked.answer) if asked.whole else HARD
            block = self.examples.turn + told + last[:kept] + self.examples.end
            found.append((len(tokens), before + cut, [*rows, *self._rows(at, last)[:kept], end]))
            positions += range(before + cut, before + cut + len(block))
            tokens = tokens + block
        return Packed(tokens, positions, found)

    def _rows(self, place: int, answer: list[int]) -> list[int]:
        """Those of the teacher's chances; within a line, the first word has a space before it."""
        alone, first = self.asked[place].answer, self.firsts[place]
        if len(alone) != len(answer):
            return [HARD] * len(answer)
        return [first + at if alone[at] == token else HARD for at, token in enumerate(answer)]


def loss_of(model: Qwen3ForCausalLM, packing: Packing) -> torch.Tensor:
    """Of the answers alone: how far from the teacher's chances, or from the token that it is."""
    batch, turn = packing.packed, len(packing.examples.turn)
    width = max(len(packed.tokens) for packed in batch)
    seen = torch.ones(width, width, dtype=torch.bool).tril().repeat(len(batch), 1, 1)
    places, labels, rows = [], [], []
    for row, packed in enumerate(batch):
        for start, sees, chances in packed.answers:
            first = start + turn
            seen[row, start : first + len(chances), sees:start] = False
            places.append(torch.arange(first - 1, first - 1 + len(chances)) + row * width)
            labels += packed.tokens[first : first + len(chances)]
            rows += chances
    mask = torch.zeros(len(batch), 1, width, width).masked_fill_(~seen[:, None], -1e9)
    with torch.autocast("cpu", torch.bfloat16):  # half the time, on a processor that has it
        hidden = model.model(
            input_ids=padded([packed.tokens for packed in batch]),
            position_ids=padded([packed.positions for packed in batch]),
            attention_mask=mask.bfloat16(),
        ).last_hidden_state
        scores = model.lm_head(hidden.flatten(0, 1)[torch.cat(places)])
    surprise = -scores.float().log_softmax(-1)
    soft = torch.tensor(rows)
    hard = soft == HARD
    known_tokens = surprise[hard].gather(1, torch.tensor(labels)[hard][:, None]).sum()
    told = (surprise[~hard] * packing.chances[soft[~hard]]).sum()
    loss: torch.Tensor = (known_tokens + told) / len(labels)
    return loss


def main() -> None:
    """Train, and leave model, tokenizer and held-out pairs in a folder."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--start", type=Path, required=True, help="the model in this folder")
    arguments.add_argument(
        "--teacher", type=Path, help="the model as it was before it learned this"
    )
    arguments.add_argument("--pairs", type=Path, required=True, help="English, tab, Chinese")
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--minutes", type=float, default=60)
    chosen = arguments.parse_args()
    random.seed(1)
    torch.manual_seed(1)
    first, _, _ = known(chosen.teacher or chosen.start)
    model, tokenizer, held_out = known(chosen.start)
    held = {side for pair in held_out for side in pair}
    pairs = [pair for pair in read(chosen.pairs) if not {*pair} & held]
    examples = Examples(pairs, tokenizer, LONGEST_LINE)
    teacher = Teacher(first, examples)
    lines = Lines(examples, own(first, examples, tokenizer))
    print({target: len(said) for target, said in lines.said.items()}, flush=True)
    train(
        model, lines.epoch, lambda it, batch: loss_of(it, Packing(batch, teacher, examples)),
        chosen.minutes, peak=2.5e-4,
    )  # fmt: skip
    keep(model, tokenizer, held_out, chosen.out)


if __name__ == "__main__":
    main()
