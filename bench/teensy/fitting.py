"""A model in its folder, and how it is fitted to batches of whatever is to be learned."""

import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

WARM = 300  # steps until the rate is at its peak

Pair = tuple[str, str]  # a sentence in English and in Chinese


def train(
    model: Qwen3ForCausalLM,
    epoch: Callable[[], Iterable[Any]],
    loss_of: Callable[[Qwen3ForCausalLM, Any], torch.Tensor],
    minutes: float,
    peak: float,
) -> None:
    """Until the time is over; the rate warms up, then falls along a cosine to a twentieth."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.98), weight_decay=0.05)
    began = said = time.monotonic()
    step, running = 0, 0.0
    while True:
        for batch in epoch():
            passed = (time.monotonic() - began) / (minutes * 60)
            if passed >= 1:
                return
            fall = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * passed))
            for group in optimizer.param_groups:
                group["lr"] = peak * min(1, (step + 1) / WARM) * fall
            loss = loss_of(model, batch)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            running = 0.98 * running + 0.02 * loss.item() if step else loss.item()
            step += 1
            if time.monotonic() - said > 60:
                said = time.monotonic()
                print(f"{(said - began) / 60:.0f} min, step {step}, loss {running:.3f}", flush=True)


def keep(
    model: Qwen3ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    held_out: Sequence[Pair],
    folder: Path,
) -> None:
    """Leave model, tokenizer and held-out pairs in a folder."""
    model.eval().to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    end = {"eos_token_id": model.config.eos_token_id, "do_sample": False}
    (folder / "generation_config.json").write_text(json.dumps(end))
    (folder / "heldout.json").write_text(json.dumps(held_out, ensure_ascii=False))


def known(folder: Path) -> tuple[Qwen3ForCausalLM, PreTrainedTokenizerFast, list[Pair]]:
    """Model, tokenizer and held-out pairs of a folder."""
    held_out = [
        (english, chinese) for english, chinese in json.loads((folder / "heldout.json").read_text())
    ]
    return (
        Qwen3ForCausalLM.from_pretrained(folder, dtype=torch.float32),
        PreTrainedTokenizerFast.from_pretrained(folder),
        held_out,
    )
