"""Whether a model fits into the memory that is left, before it is loaded: what does not, the system
ends without a word, and the server with it."""

import re
from collections.abc import Iterable
from pathlib import Path

from models.base import EngineError

SYSTEM = Path("/proc/meminfo")
CONTAINER = Path("/sys/fs/cgroup")


def check(path: Path, files: Iterable[Path], system: Path = SYSTEM, box: Path = CONTAINER) -> None:
    """EngineError: the model at `path` is larger, by its `files`, than what is free."""
    needed, free = sum(file.stat().st_size for file in files), left(system, box)
    if free is not None and needed > free:
        raise EngineError(
            f"{path} takes {needed / 1e9:.1f} GB of memory to load, and {free / 1e9:.1f} GB are "
            "free here: close something, or take a smaller model."
        )


def left(system: Path = SYSTEM, box: Path = CONTAINER) -> int | None:
    """Bytes that may still be taken, of the machine's and the container's; None: nobody says."""
    free = re.search(r"^MemAvailable:\s+(\d+) kB", _read(system), re.MULTILINE)
    most, taken = _read(box / "memory.max").strip(), _read(box / "memory.current").strip()
    cached = re.search(r"^inactive_file (\d+)", _read(box / "memory.stat"), re.MULTILINE)
    found = [int(free[1]) * 1024] if free else []
    if most.isdigit() and taken.isdigit():
        found.append(int(most) - int(taken) + (int(cached[1]) if cached else 0))
    return max(0, min(found)) if found else None


def _read(file: Path) -> str:
    """'' where there is no such thing."""
    try:
        return file.read_text()
    except OSError:
        return ""
