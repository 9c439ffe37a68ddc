"""Collect what refers to itself a little at a time, so that nobody waits for all of it.

Left alone, Python looks at everything that it holds whenever a quarter more has come: 60 ms in
which 300 speakers are not answered, and 5 to 20 ms in between for what came lately, most of which
is there only because somebody speaks. Here what is new is looked at thirty times a second, and what
outlived that once more when there is enough of it for two milliseconds: a microsecond each, where
memory is far. Everything is looked at only when nobody speaks, or when that has not been for long.
"""

import asyncio
import gc
from collections.abc import Callable

LOOK_S = 0.03  # real seconds between two looks at what is new
ENOUGH = 2_000  # objects that have come since the last look at what outlived the first
YOUNG_S = 10.0  # at the latest: few objects may hold much
CALM_S = 60.0  # at everything, while nobody speaks
LONGEST_S = 600.0  # at everything in any case


class Garbage:
    """Decides: `due` says which of Python's generations to collect now."""

    def __init__(self, now: float) -> None:
        self.young = self.all = now
        self.came = 0  # objects since the last look at more than what is new

    def due(self, now: float, calm: bool, came: int) -> int:
        """0, 1, or 2 for everything, at `now` (real seconds); `calm`: nobody speaks; `came`: by so
        many are there more objects than at the last look."""
        self.came += came
        if now - self.all >= (CALM_S if calm else LONGEST_S):
            self.young, self.all, self.came = now, now, 0
            return 2
        if self.came >= ENOUGH or now - self.young >= YOUNG_S:
            self.young, self.came = now, 0
            return 1
        return 0


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
            gc.collect(garbage.due(now(), calm(), came=gc.get_count()[0]))
    finally:
        gc.enable()
