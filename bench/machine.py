"""What was measured on: enough to compare two figures, nothing that says whose machine it is."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "aiohttp", "msgspec", "numpy", "onnxruntime", "pocketsphinx", "silero-vad", "uvloop",
)  # fmt: skip


def facts() -> dict[str, object]:
    """Processor, cores, versions, and how busy it was before we began."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "system": platform.system(),
        "kernel": platform.release().split("-")[0],
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def commit() -> str:
    """The commit that is measured, with a + if there is more than was committed."""
    found = _git("rev-parse", "--short=10", "HEAD")
    if not found:
        return "unknown"
    results = ":(top,exclude)bench/results"
    return found + ("+" if _git("status", "--porcelain", "--", ":/", results) else "")


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(*words: str) -> str:
    folder = Path(__file__).parent
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
