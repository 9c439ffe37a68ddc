"""Write down what the teensy Qwen answers to lines that grow: `python -m bench.teensy.streams`.

The policies are measured on it, so that no model need run for them. To be done again when the model
was trained again. Needs torch and transformers.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from bench.growing import MODEL, lines
from bench.teensy.fitting import known

FILE = Path(__file__).parents[1] / "streams" / "teensy.json"
LINES = 24  # of each kind and direction
HOPS = {"English": 2, "Chinese": 1}  # characters of Han, words of English
LIMIT = 96  # tokens of an answer


@torch.no_grad()  # type: ignore[untyped-decorator]
def answers(
    model: Qwen3ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    target: str,
    states: Sequence[str],
) -> list[list[int]]:
    """What it says to each state of a line, greedily."""
    asked = [
        f"<|im_start|>user\n{target}: {state}<|im_end|>\n<|im_start|>assistant\n"
        for state in states
    ]
    batch = tokenizer(asked, return_tensors="pt", padding=True, padding_side="left")
    found = model.generate(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
        do_sample=False, max_new_tokens=LIMIT,
    )[:, batch["input_ids"].shape[1] :]  # fmt: skip
    end = model.config.eos_token_id
    return [row[: row.index(end)] if end in row else row for row in found.tolist()]


def main() -> None:
    """All lines, into the file that `bench.told` reads."""
    model, tokenizer, _ = known(MODEL)
    model.eval()
    rows = {
        f"{kind}-{target}": [
            answers(model, tokenizer, target, list(line.states(hop)))
            for line in lines(kind, target, LINES)
        ]
        for kind in ("short", "long")
        for target, hop in HOPS.items()
    }
    FILE.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
