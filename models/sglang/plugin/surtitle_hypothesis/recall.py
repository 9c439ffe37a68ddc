"""Learn from what each pass said, written or not: behind the scheduler's results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .guesses import AHEAD, memory
from .request import carried
from .tree import Tree

PROCESSOR = (
    "sglang.srt.managers.scheduler_components.batch_result_processor.SchedulerBatchResultProcessor"
)


@dataclass(frozen=True, slots=True)
class Read:
    """What a pass read of each request, and what the model would have written after it."""

    offered: Sequence[Any]
    """A tree for each request, or of a prefill the lead."""
    wanted: Any
    """Tokens on the host, none of which ends an answer, one for each row of the pass; they are
    there when SGLang says that the result is."""


def install() -> None:
    """Hook the scheduler. Without effect while another algorithm is chosen."""
    from sglang.srt.plugins.hook_registry import HookRegistry, HookType

    HookRegistry.register(f"{PROCESSOR}.process_batch_result_decode", settle, HookType.AROUND)


def settle(original: Callable[..., None], processor: Any, batch: Any, result: Any) -> None:
    """A verification pass is written down; then its requests' lines learn from it."""
    read: Read | None = getattr(result, "surtitle_read", None)
    before = [len(request.output_ids) for request in batch.reqs]
    original(processor, batch, result)
    if read is None:
        return
    rows = read.wanted.view(len(batch.reqs), -1).tolist()
    for request, size, tree, wanted in zip(batch.reqs, before, read.offered, rows, strict=True):
        if written := list(request.output_ids[size:]):
            carried(request).guesses.learn(tree.tokens, wanted[: len(tree)])
            if request.finished():
                end(request, behind(tree, tree.node(written[:-1]), wanted))


def prefilled(requests: Sequence[Any], read: Read, accepted: Sequence[int]) -> None:
    """A prefill is written down, and so many tokens of each lead with it."""
    first = 0
    for request, lead, count in zip(requests, read.offered, accepted, strict=True):
        wanted = read.wanted[first : first + len(lead) + 1].tolist()
        first += len(lead) + 1
        if lead and len(request.output_ids):
            carried(request).guesses.learn(lead, wanted[1:])
            if request.finished():
                end(request, wanted[count : count + AHEAD])


def behind(tree: Tree, node: int, wanted: Sequence[int]) -> list[int]:
    """How the answer might have gone on that ended at `node`."""
    found = [wanted[node]]
    while len(found) < AHEAD and (child := next(tree.children(node), 0)):
        node = child
        found.append(wanted[node])
    return found


def end(request: Any, ahead: list[int]) -> None:
    """The answer is complete, and the next one of its line will begin like it; `ahead` is how it
    might have gone on."""
    one = carried(request)
    answer = list(request.output_ids)
    ended = answer[-1] in one.ends
    one.guesses.ahead = ahead if ended else []
    memory.keep(request.origin_input_ids, answer[:-1] if ended else answer, one.guesses)
