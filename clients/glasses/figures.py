"""What it costs to wear: how late the words are, and what this process takes."""

import re
import resource
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from clients.latency import CaptionAge, Captured, ChunkToCaption, Meter
from clients.lines import Change


class Figures:
    """Give it what is drawn, when it was; ask it for a few lines at the end.

    `captured` tells when each position of one's own sound was captured; without it nobody knows how
    late a caption is.
    """

    def __init__(
        self, captured: Captured | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.delay = ChunkToCaption(captured) if captured else None
        self.age = CaptionAge(captured) if captured else None
        self.arrived = Meter()
        """Chunk-to-caption up to the caption's coming, of those that are in `delay`: the rest of it
        is this client's."""
        self.held = Meter()
        """From a caption's coming to the screen with it being given to the display."""
        self.device = Meter()
        """How long the display took for a screen."""
        self.screens = 0
        self._clock = clock
        self._began = clock()
        self._spent = _spent()

    def drawn(
        self,
        changes: Iterable[tuple[Change, float]],
        at: float,
        took: float,
        mine: Collection[str] = (),
    ) -> None:
        """A screen was given to the display at this second, which took it so long.

        `changes` are what it shows for the first time, each with the second at which it came. When
        something was captured is known of what `mine` said, the speakers that are oneself.
        """
        self.screens += 1
        self.device.add(took * 1000)
        for change, came in changes:
            self.held.add((at - came) * 1000)
            ours = change.key[1] in mine
            if ours and self.delay is not None and self.age is not None:
                if (late := self.delay.push(change, at)) is not None:
                    self.arrived.add(late - (at - came) * 1000)
                self.age.push(change, at)

    def sample(self) -> None:
        """To be called every 50 ms (`latency.AGE_EVERY_MS`)."""
        if self.age is not None:
            self.age.sample(self._clock())

    def values(self) -> dict[str, float]:
        """By name, for programs: percentiles in ms, memory in MB, the share of a core."""
        meters = {"held": self.held, "device": self.device}
        if self.delay is not None and self.age is not None:
            meters |= {"chunk_to_caption": self.delay.meter, "arrived": self.arrived}
            meters["age"] = self.age.meter
        found: dict[str, float] = {"screens": self.screens}
        for name, meter in meters.items():
            found[f"{name}_values"] = len(meter.values)
            for percent in (50, 95):
                if (value := meter.percentile(percent)) is not None:
                    found[f"{name}_p{percent}_ms"] = round(value, 1)
        lasted = max(0.001, self._clock() - self._began)
        found["memory_mb"] = round(memory_mb(), 1)
        found["core"] = round((_spent() - self._spent) / lasted, 4)
        return found

    def report(self) -> list[str]:
        """In words."""
        values = self.values()
        lines = [f"{self.screens} screens in {self._clock() - self._began:.0f} s"]
        lines.append(f"from caption to display {_of(self.held)}, which took {_of(self.device)}")
        if self.delay is not None and self.age is not None:
            lines.append(f"from sound to display, chunk-to-caption: {_of(self.delay.meter)}")
            lines.append(f"  of that until it came: {_of(self.arrived)}")
            lines.append(f"age of the newest words {_of(self.age.meter)}")
        lines.append(f"{values['memory_mb']:.0f} MB of memory, {values['core']:.1%} of a core")
        return lines


def _of(meter: Meter) -> str:
    if not meter.values:
        return "(nothing measured)"
    median, most = meter.percentile(50), meter.percentile(95)
    return f"p50 {median:.0f} ms, p95 {most:.0f} ms ({len(meter.values)} values)"


def memory_mb() -> float:
    """Of this process, at its highest. (What `getrusage` says begins with its parent's highest.)"""
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return _status("VmHWM", highest)


def memory_now_mb() -> float:
    """Of this process; where nobody tells that, at its highest."""
    return _status("VmRSS", memory_mb())


def _status(name: str, otherwise: float) -> float:
    """What Linux tells of this process."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return otherwise
    found = re.search(rf"^{name}:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else otherwise


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
