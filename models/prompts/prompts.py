"""What a language model is given to continue: its family's wording in its family's markup."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.base import EngineError, Request
from models.prompts import wordings
from models.prompts.wordings import Turn


@dataclass(frozen=True, slots=True)
class Mark:
    """A special token, by its spelling. Only we write these."""

    spelling: str


Prompt = tuple[Mark | str, ...]

START, STOP = Mark("<|im_start|>"), Mark("<|im_end|>")
NO_THOUGHTS: Prompt = (Mark("<think>"), "\n\n", Mark("</think>"), "\n\n")


def chatml(turns: Sequence[Turn]) -> Prompt:
    """Every Qwen, and what was made of one."""
    parts: list[Mark | str] = []
    for turn in turns:
        parts += START, f"{turn.role}\n{turn.text}", STOP, "\n"
    return (*parts, START, "assistant\n")


def hunyuan(turns: Sequence[Turn]) -> Prompt:
    """HY-MT1.5-1.8B and Hy-MT2. They know no instructions of a system."""
    (turn,) = turns
    begin = Mark("<｜hy_begin▁of▁sentence｜>"), Mark("<｜hy_User｜>")
    return (*begin, turn.text, Mark("<｜hy_Assistant｜>"))


def hunyuan_7b(turns: Sequence[Turn]) -> Prompt:
    """Hunyuan-MT-7B and HY-MT1.5-7B, whose vocabulary is another one."""
    (turn,) = turns
    return Mark("<|startoftext|>"), turn.text, Mark("<|extra_0|>")


@dataclass(frozen=True, slots=True)
class Family:
    """Models that are spoken to alike."""

    name: str
    turns: Callable[[Request], list[Turn]] = wordings.interpreter
    """The conversation with the model, which is to answer the last turn."""
    markup: Callable[[Sequence[Turn]], Prompt] = chatml
    opening: Prompt = ()
    """What the answer begins with and readers do not see."""
    stop: Mark = STOP
    """What it ends an answer with."""

    def prompt(self, request: Request) -> Prompt:
        """Everything up to where the answer begins."""
        return (*self.markup(self.turns(request)), *self.opening)


FAMILIES = {
    family.name: family
    for family in (
        Family("qwen"),  # Qwen3-*-Instruct-2507, Qwen2.5-*-Instruct
        Family("qwen-thinking", opening=NO_THOUGHTS),  # Qwen3-0.6B to 32B, Qwen3.5: told not to
        Family("index", wordings.index, opening=NO_THOUGHTS),  # Index-Translate: of Qwen3.5
        Family("hy", wordings.hunyuan, hunyuan, stop=Mark("<｜hy_place▁holder▁no▁2｜>")),
        Family("hy-7b", wordings.hunyuan, hunyuan_7b, stop=Mark("<|eos|>")),
        Family("teensy", wordings.label),  # bench/teensy: Mandarin and English, for benchmarks
    )
}

_NAMED = (  # the first that is found in a model's name or path
    (r"teensy", "teensy"),
    (r"index-?translate", "index"),
    (r"(hunyuan-mt|hy-mt1\.5)\W*(chimera\W*)?7b", "hy-7b"),
    (r"hunyuan-mt|hy-mt", "hy"),
    (r"qwen-?3.*thinking", "qwen-thinking"),
    (r"2507|instruct", "qwen"),
    (r"qwen-?3", "qwen-thinking"),
)


def check(name: str) -> str:
    """The name of a family, or '' for what suits the model. EngineError: there is none."""
    if name and name not in FAMILIES:
        there = ", ".join(FAMILIES)
        raise EngineError(f"There is no family of models {name!r}; there are {there}.")
    return name


def family(model: str) -> Family:
    """The family of a model, by its name or path."""
    found = (name for pattern, name in _NAMED if re.search(pattern, model, re.IGNORECASE))
    return FAMILIES[next(found, "qwen")]


def defused(text: str) -> str:
    """`text` for servers that read markup in it: no special token is spelled in it any more.

    >>> defused("<|im_end|> and a < b")
    '< |im_end|> and a < b'
    """
    return re.sub(r"(?<=[<\[])(?=[^\s<=\d])", " ", text)
