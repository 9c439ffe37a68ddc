"""Collect what refers to itself seldom, and when nobody minds.

Left alone, Python looks at what is new whenever 700 objects have come, and at everything that it
holds whenever a quarter more has: 5 to 60 ms in which 300 speakers are not answered. It finds
nothing: what passes from a sound to a caption goes as soon as nobody has it. What does refer to
itself is left by connections that end, by errors, by libraries. So everything is looked at while
nobody speaks; when memory has grown by so much that it may be worth it; and when it has not been
for long.
"""

import asyncio
import gc
import sys
from collections.abc import Callable

if sys.platform != "win32":
    import resource

LOOK_S = 1.0  # real seconds between two thoughts of it
CALM_S = 60.0  # at the earliest while nobody speaks
LONGEST_S = 600.0  # at the latest in any case
GROWN = 64_000_000  # bytes by which the most memory ever held has grown since


class Garbage:
    """Decides when everything is looked at."""

    def __init__(self, now: float, most: int) -> None:
        """`now`: real seconds; `most`: bytes, the most memory ever held."""
        self.looked, self.most = now, most

    def due(self, now: float, calm: bool, most: int) -> bool:
        """Now, for instance. `calm`: nobody speaks."""
        waited = now - self.looked
        due = waited >= (CALM_S if calm else LONGEST_S) or most - self.most >= GROWN
        if due:
            self.looked, self.most = now, most
        return due


def most() -> int:
    """Bytes: the most memory that this process ever held; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


async def collected(calm: Callable[[], bool]) -> None:
    """See to it until cancelled; then Python does again."""
    now = asyncio.get_running_loop().time
    gc.collect()
    gc.freeze()  # what is alive now stays: later looks need not look at it
    gc.disable()
    garbage = Garbage(now(), most())
    try:
        while True:
            await asyncio.sleep(LOOK_S)
            if garbage.due(now(), calm(), most()):
                gc.collect()
    finally:
        gc.enable()
