"""What prefixes.py learns from: sentences, and what the model that was there before thinks of them.

What is learned is what the model says itself, so only the pairs' sentences count, not who is whose
translation.

A cut source licenses a token of the answer to the whole while the model, reading the cut sentence
and the answer up to there, gives it a chance of at least SURE. To learn its chances, not only its
words, keeps what it knew of words that these sentences do not have; to learn them sharpened keeps
it from saying now this and now that where two words seem as good.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import Qwen3ForCausalLM

from bench.teensy.train import Examples

SURE = 0.8
SHARP = 0.5  # temperature of what is learned: between two words as likely, less hesitation


@dataclass(frozen=True, slots=True)
class Asked:
    """A sentence by itself as far as it is heard, and the model's answer to all of it."""

    target: str
    source: list[int]
    answer: list[int]
    whole: bool


class Teacher:
    """The model that was there before."""

    def __init__(self, model: Qwen3ForCausalLM, examples: Examples) -> None:
        self.model, self.examples = model, examples

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def judge(self, asked: Sequence[Asked]) -> tuple[list[int], list[int], torch.Tensor]:
        """How many tokens of each answer are licensed, the row of its first token, and rows of
        chances, sharpened: one for each token of an answer and one for its end. Where the source is
        cut off, those of going on: that the answer might end there says nothing of what would come.
        """
        prompts = [self.examples.prompt(one.target, one.source) for one in asked]
        ids = padded([prompt + one.answer for prompt, one in zip(prompts, asked, strict=True)])
        with torch.autocast("cpu", torch.bfloat16):
            hidden = self.model.model(input_ids=ids).last_hidden_state
            found = [
                hidden[row, len(prompt) - 1 : len(prompt) + len(one.answer)]
                for row, (prompt, one) in enumerate(zip(prompts, asked, strict=True))
            ]
            scores = self.model.lm_head(torch.cat(found)).float()
        sizes = [len(rows) for rows in found]
        cut = torch.tensor([not one.whole for one in asked]).repeat_interleave(torch.tensor(sizes))
        scores[cut, self.examples.end[0]] = -torch.inf
        chances = scores.softmax(-1)
        learned = (scores / SHARP).softmax(-1)
        following = torch.tensor(
            [token for one in asked for token in one.answer + self.examples.end]
        )
        sure = torch.split(chances.gather(1, following[:, None])[:, 0] >= SURE, sizes)
        licensed = [
            len(one.answer) if one.whole else int(rows[:-1].long().cumprod(0).sum())
            for one, rows in zip(asked, sure, strict=True)
        ]
        firsts = [sum(sizes[:at]) for at in range(len(sizes))]
        return licensed, firsts, learned


def padded(rows: Sequence[list[int]]) -> torch.Tensor:
    """As wide as the widest."""
    width = max(map(len, rows))
    return torch.tensor([row + [0] * (width - len(row)) for row in rows])
