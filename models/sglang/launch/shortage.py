"""Whether a model server died for want of memory, and of which: from its last words and its end.

Not here: "KV cache pool is full. Retract requests.", which SGLang says when it puts a request off.
It lives, and is only slower.
"""

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path


class Shortage(Enum):
    """What there was too little of, in words."""

    CARD = "the card is full"
    CACHE = "its cache has no room for so many requests"
    MACHINE = "this machine has no memory left"
    WEIGHTS = "the model does not fit into its share of the card"


# As SGLang 0.5.23, PyTorch 2.11, Triton and CUDA word it. Most are the last line of a traceback.
SAID = (
    (
        re.compile(
            r"Not enough memory\. Please try to increase|leave no GPU memory for the KV cache"
        ),
        Shortage.WEIGHTS,
    ),
    (re.compile(r"RuntimeError: (?:Prefill|Decode|alloc_req_slots runs) out of"), Shortage.CACHE),
    (
        re.compile(
            r"OutOfMemoryError|(?:CUDA|HIP)(?: error)?: out of memory|CUDA out of memory"
            r"|Triton Error \[\w+\]: out of memory|cudaErrorMemoryAllocation"
            r"|CUBLAS_STATUS_ALLOC_FAILED"
        ),
        Shortage.CARD,
    ),
    (
        re.compile(
            r"^MemoryError\b|DefaultCPUAllocator: (?:can't allocate|not enough) memory"
            r"|OSError: \[Errno 12\]"
        ),
        Shortage.MACHINE,
    ),
)
STAMP = re.compile(r"^\[\d[\d\-: ]*[^\]]*\] ?")
KILLED = re.compile(r"exit code: -9\b")  # a process of its own, which it outlived to tell

KERNELS = Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events")
OOM_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def shortage(last: Sequence[str], killed: bool, by_kernel: bool) -> Shortage | None:
    """Of what it died; None: of something else. `last`: lines; `killed`: by a signal that cannot be
    caught; `by_kernel`: since it began, the kernel has killed somebody for want of memory.
    """
    if by_kernel and (killed or any(map(KILLED.search, last))):
        return Shortage.MACHINE
    for line in reversed(last):
        said = STAMP.sub("", line).strip()
        for pattern, found in SAID:
            if pattern.search(said):
                return found
    return None


def kernel_kills(counters: Iterable[Path] = KERNELS) -> int:
    """How often the kernel has killed a process for want of memory, as far as it says."""
    total = 0
    for counter in counters:
        try:
            found = OOM_KILLS.search(counter.read_text())
        except OSError:
            continue
        total += int(found[1]) if found else 0
    return total
