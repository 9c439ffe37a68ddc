"""With how much less a model server is started again that died for want of memory.

the card is full            -> half of the requests at a time, and a tenth less of the memory
cache or machine is full    -> half of the requests
the model does not fit      -> the share it did fit into, and never less; if it never did: the same
                               again, for what filled the card may have been its predecessor

What was learned once is kept. Each request at a time takes working memory in every pass, and lines
in the CUDA graphs; the share is what SGLang claims from the start, the rest is for passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .cards import WAITING
from .checks import CannotLaunch
from .shortage import Shortage

LEAST_RUNNING = 4  # two people, heard and translated at the same time: fewer are no conversation
LEAST_SHARE = 0.1
SMALLER = 0.9
RUNNING, SHARE = "max-running-requests", "mem-fraction-static"  # SGLang's names


@dataclass(frozen=True, slots=True)
class Means:
    """What a server is started with."""

    running: int
    """Requests at a time."""
    share: float
    """Of the free memory."""

    def __str__(self) -> str:
        return f"{self.running} requests at a time and {self.share:g} of the memory"

    def flags(self, given: Sequence[str]) -> list[str]:
        """As words of SGLang's, to follow those that are `given`; nothing that is not there."""
        meant = {
            f"--{RUNNING}": f"{self.running}",
            "--max-queued-requests": f"{WAITING * self.running}",
            "--cuda-graph-max-bs-decode": f"{self.running}",
            f"--{SHARE}": f"{self.share:g}",
        }
        return [word for name in meant if _last(given, name) for word in (name, meant[name])]


class Thrift:
    """One per launcher: `push` what it died of; `means` is what the next one gets."""

    def __init__(self, usual: Means) -> None:
        self.usual = self.means = usual
        self._fitted = usual.share  # the last share that held the model, as far as is known
        self._least = LEAST_SHARE

    @property
    def lowered(self) -> bool:
        """It gets less than it was meant to."""
        return self.means != self.usual

    def push(self, shortage: Shortage) -> bool:
        """A server with `means` died. Whether the next one gets others."""
        before = self.means
        if shortage is Shortage.WEIGHTS:
            self._least = self._fitted
            self.means = replace(before, share=self._fitted)
            return self.means != before
        self._fitted = before.share
        share = before.share
        if shortage is Shortage.CARD:
            share = min(share, max(self._least, round(SMALLER * share, 3)))
        running = min(before.running, max(LEAST_RUNNING, before.running // 2))
        self.means = Means(running, share)
        return self.means != before


def means(flags: Sequence[str]) -> Means:
    """What a command line gives; of a flag that comes twice the last counts, as for SGLang.
    CannotLaunch: no numbers."""
    running, share = (_last(flags, f"--{one}") for one in (RUNNING, SHARE))
    try:
        return Means(int(running), float(share))
    except ValueError:
        raise CannotLaunch(f"--{RUNNING} {running} or --{SHARE} {share} is no number") from None


def _last(flags: Sequence[str], name: str) -> str:
    found = ""
    for flag, after in zip(flags, [*flags[1:], ""], strict=True):
        if flag == name:
            found = after
        elif flag.startswith(f"{name}="):
            found = flag.partition("=")[2]
    return found
