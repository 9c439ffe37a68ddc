"""Write down what the teensy Qwen answers to lines that grow: `python -m bench.teensy.streams`.

The policies are measured on it, so that no model need run for them. It is asked for every state of
every line, and for what our machines ask: to be done again when the model was trained again, or
when they ask for something else. Needs torch and transformers; takes a minute.
"""

import asyncio
import json
from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from bench.growing import MODEL
from bench.spoken import STREAMS
from bench.teensy.fitting import known
from bench.told import spoken
from loadtest.judge.policies import Line, translated
from loadtest.judge.spoken import HOP_MS
from streaming.languages import name
from streaming.retranslation import Ask

FILE = STREAMS / "teensy.json"
LIMIT = 96  # tokens of an answer
DIRECTIONS = (("zh", "en"), ("en", "zh"))


class Asked:
    """The model itself, greedy, and what it has answered."""

    forces_prefix = True

    def __init__(
        self, model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, target: str
    ) -> None:
        self.model, self.tokenizer, self.target = model, tokenizer, target
        self.said: dict[tuple[str, str], str] = {}

    async def answer(self, whole: str, ask: Ask, told: Sequence[str]) -> str:
        """What follows the prefix."""
        key = ask.text.strip(), ask.prefix.rstrip()
        if key not in self.said:
            self.said[key] = self._answer(*key)
        return self.said[key]

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def _answer(self, text: str, prefix: str) -> str:
        asked = f"<|im_start|>user\n{name(self.target)}: {text}<|im_end|>\n<|im_start|>assistant\n"
        given = self.tokenizer(asked + prefix, return_tensors="pt")
        (found,) = self.model.generate(**given, do_sample=False, max_new_tokens=LIMIT)
        told = found[given["input_ids"].shape[1] :]
        return str(self.tokenizer.decode(told, skip_special_tokens=True)).strip()


async def main() -> None:
    """All lines, into the file that `bench.told` reads."""
    model, tokenizer, _ = known(MODEL)
    model.eval()
    rows = {}
    for source, target in DIRECTIONS:
        teller = Asked(model, tokenizer, target)
        for kind in ("short", "long"):
            lines: list[Line] = [(said, teller) for said in spoken(kind, source)]
            await translated(lines, target, HOP_MS)
        rows[name(target)] = [[*key, answer] for key, answer in sorted(teller.said.items())]
    FILE.write_text(json.dumps(rows, ensure_ascii=False, indent=0), "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
