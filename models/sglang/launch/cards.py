"""How SGLang is set up on each card: one row a card, one column a flag.

Nothing here has been measured on the card it is for; what the figures follow from is said beside
them. Memory of a Qwen3-4B in bf16: 8 GB of weights, 147 kB a token of cache, so 200 sentences of
600 tokens are 18 GB; in fp8 it is half of each. Two servers fit on one card because a share is of
what was free when the server started.
"""

from dataclasses import dataclass
from typing import Literal

Role = Literal["translator", "recognizer"]
ROLES: tuple[Role, ...] = ("translator", "recognizer")


@dataclass(frozen=True, slots=True)
class Card:
    """What fits one kind of card. None: as SGLang chooses."""

    attention: str
    """Kernels of attention: fa3 from Ampere's data-centre cards on, flashinfer on the others."""
    quantization: str | None
    kv_cache: str | None
    translator: float
    """Share of the free memory for the translator's weights and cache."""
    recognizer: float
    running: int
    """Requests at a time. Must be said: with speculation, SGLang would make it 48."""
    drafted: int
    """Tokens verified in a pass, for each request: 200 requests of 16 are 3,200, from where on even
    the largest card computes longer than it reads memory. Half a caption line is one pass."""
    prefill: int
    """Tokens of prompts in one pass; more would hold up everybody's next token."""
    about: str
    """Which cards that are, for people."""


# fmt: off
CARDS = {  # attention, weights, cache, shares of memory, running, drafted, prefill
    "h200": Card("fa3",        None,  None,       .5, .5, 256, 16, 2048, "H100, H200"),
    "a100": Card("fa3",        None,  None,       .6, .6, 256,  8, 2048, "A100: 40 or 80 GB"),
    "4090": Card("flashinfer", "fp8", "fp8_e4m3", .6, .7, 128,  8, 1024, "RTX 4090, L40S, L4"),
    "cpu":  Card("torch_native", None, None,      .5, .5,   8,  8, 2048, "no card: tiny models"),
}
# fmt: on

CPU_CACHE = 8192  # tokens: a CPU has no memory of its own to take a share of
LONGEST = 4096  # tokens of a prompt and its answer: a caption's are a tenth of it
WAITING = 2  # queued requests for each that runs: more are refused at once, rather than late


def guess(name: str) -> str | None:
    """The row for a card as the driver calls it: "NVIDIA H200" -> "h200". None: it is in no row."""
    words = name.upper().replace("-", " ").split()
    for row, marks in FAMILIES.items():
        if any(word.startswith(marks) for word in words):
            return row
    return None


FAMILIES = {
    "h200": ("H100", "H200", "H800", "H20", "GH200"),
    "a100": ("A100", "A800"),
    "4090": ("4090", "4080", "5090", "L4", "L40", "6000"),
}
