"""Collect what refers to itself seldom, and when nobody minds.

Left alone, Python looks at what is new whenever 700 objects have come, and at everything that it
holds whenever a quarter more has: 5 to 60 ms in which 300 speakers are not answered. It finds
nothing: what passes from a sound to a caption goes as soon as nobody has it. What does refer to
itself is left by connections that end, by errors, by libraries. So everything is looked at while
nobody speaks; when so much has come and stayed that some of it may be of that kind; and when it has
not been for long.
"""

import asyncio
import gc
from collections.abc import Callable

LOOK_S = 1.0  # real seconds between two thoughts of it
CALM_S = 60.0  # at the earliest while nobody speaks
LONGEST_S = 600.0  # at the latest in any case
ENOUGH = 50_000  # objects that came and stayed: some hundred connections, or minutes of captions


class Garbage:
    """Decides when everything is looked at."""

    def __init__(self, now: float) -> None:
        self.looked = now

    def due(self, now: float, calm: bool, more: int) -> bool:
        """Now (real seconds), for instance. `calm`: nobody speaks; `more`: by so many are there
        more objects than after the last look."""
        due = now - self.looked >= (CALM_S if calm else LONGEST_S) or more >= ENOUGH
        if due:
            self.looked = now
        return due


async def collected(calm: Callable[[], bool]) -> None:
    """See to it until cancelled; then Python does again."""
    now = asyncio.get_running_loop().time
    garbage = Garbage(now())
    gc.collect()
    gc.freeze()  # what is alive now stays: later looks need not look at it
    gc.disable()
    try:
        while True:
            await asyncio.sleep(LOOK_S)
            if garbage.due(now(), calm(), more=gc.get_count()[0]):
                gc.collect()
    finally:
        gc.enable()
