"""The environment that SGLang lives in: never the server's, whose versions it would fight over.

    FOLDER/.unfinished   an install was interrupted: the next one starts over
    FOLDER/.surtitle     made by us, and of which locks
    FOLDER/.plugin       which state of our plugin is in it

Everything is installed by hash from requirements/, except torch for a CPU: a CPU build has a hash
of its own wherever it is offered, and PyPI's is for CUDA, gigabytes of it, which nobody is to get
without having asked.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PLUGIN = Path(__file__).parents[1] / "plugin"
BIG = "SURTITLE_BIG_DOWNLOADS"
GPU_ONLY = re.compile(r"(nvidia|cuda)[-_].*")
OF_A_LOCK = r"(?m)^{}==[^\n]*(?:\n    --hash=[^\n]*)*"
TOLD_MB = 20  # a file this large is worth a line


class InstallError(Exception):
    """It could not be made; a sentence."""


class BigDownload(InstallError):
    """It would take gigabytes that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What an environment is for. Sizes as they were in November 2026."""

    lock: str
    torch: str | None
    """The file that says which torch; None: it is in the lock."""
    download_gb: float
    disk_gb: float


CUDA = Kind("sglang.lock", None, 4.4, 12.0)
CPU = Kind("sglang-cpu.lock", "sglang-cpu-torch.in", 0.8, 3.0)

Tell = Callable[[str], None]


def usual() -> Path:
    """Where it is if no folder is named."""
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data, "surtitle", "sglang").expanduser()


def python_of(folder: Path) -> Path:
    """Its interpreter, be it there or not."""
    return folder / "bin" / "python"


def installed_version(folder: Path, name: str) -> str | None:
    """The version of a distribution in it; None if it is not installed."""
    for found in folder.glob(f"lib/python3*/site-packages/{name}-*.dist-info"):
        return found.name.removesuffix(".dist-info").removeprefix(f"{name}-")
    return None


def fingerprint(kind: Kind) -> str:
    """Of all that says which versions are installed."""
    digest = hashlib.sha256()
    for name in (kind.lock, kind.torch):
        if name:
            digest.update((ROOT / "requirements" / name).read_bytes())
    return digest.hexdigest()[:16]


def install(folder: Path, kind: Kind, tell: Tell) -> None:
    """Make it, or bring it up to date. InstallError: it could not be; BigDownload: see there."""
    lock = ROOT / "requirements" / kind.lock
    if not lock.exists():
        raise InstallError(f"{lock} is missing: install from a checkout of Surtitle")
    try:
        with _alone(folder, tell):
            if not _ready(folder, fingerprint(kind)):
                _make(folder, kind, lock, tell)
            _plug_in(folder, tell)
    except OSError as error:
        raise InstallError(f"{folder} cannot be made: {error}") from error


@contextmanager
def _alone(folder: Path, tell: Tell) -> Iterator[None]:
    """Wait for whoever is making the same one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w") as door:
        try:
            fcntl.flock(door, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"waiting for another install into {folder}")
            fcntl.flock(door, fcntl.LOCK_EX)
        yield


def _ready(folder: Path, wanted: str) -> bool:
    """Whether it is there already. InstallError: it is there and not ours."""
    marker, unfinished = folder / ".surtitle", folder / ".unfinished"
    if unfinished.exists() or not folder.exists() or not any(folder.iterdir()):
        return False
    if not marker.exists():
        raise InstallError(
            f"{folder} was not made by this command, which would replace it: name another folder"
        )
    return marker.read_text().strip() == wanted and python_of(folder).exists()


def _make(folder: Path, kind: Kind, lock: Path, tell: Tell) -> None:
    began = os.times().elapsed
    tell(
        f"SGLang goes into {folder}: about {kind.download_gb:g} GB to download,"
        f" {kind.disk_gb:g} GB on disk"
    )
    free_gb = shutil.disk_usage(folder.parent).free / 1e9
    if free_gb < kind.disk_gb:
        raise InstallError(
            f"{folder.parent} has {free_gb:.1f} GB free and SGLang needs {kind.disk_gb:g} GB"
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / ".unfinished").touch()
    _run([sys.executable, "-m", "venv", str(folder)], tell)
    text = lock.read_text()
    # First what installs the rest, so that it is the same everywhere.
    pip = re.search(OF_A_LOCK.format("pip"), text)
    if pip:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as alone:
            alone.write(pip[0] + "\n")
            alone.flush()
            _pip(folder, ["--require-hashes", "--no-deps", "-r", alone.name], tell)
    if kind.torch:
        _torch(folder, (ROOT / "requirements" / kind.torch).read_text(), tell)
    count = len(re.findall(r"(?m)^[\w.-]+==", text))
    tell(f"downloading and installing {count} packages")
    _pip(folder, ["--require-hashes", "--no-deps", "--no-build-isolation", "-r", str(lock)], tell)
    (folder / ".surtitle").write_text(fingerprint(kind))
    (folder / ".unfinished").unlink()
    tell(f"made in {os.times().elapsed - began:.0f} s")


def _torch(folder: Path, wanted: str, tell: Tell) -> None:
    """Install a CPU build of torch, or PyPI's where gigabytes are allowed."""
    requirement = next(ln for ln in wanted.splitlines() if ln and not ln.startswith("#"))
    with tempfile.NamedTemporaryFile("r", suffix=".json") as report:
        ask = ["--dry-run", "--ignore-installed", "--quiet", "--report", report.name, requirement]
        _pip(folder, ask, tell)
        chosen = json.load(report)["install"]
    files = {found["metadata"]["name"]: found["download_info"]["url"] for found in chosen}
    if not any(GPU_ONLY.match(name) for name in files):
        version = next(found["metadata"]["version"] for found in chosen if found["requested"])
        tell(f"torch {version} is a build for CPUs")
        _pip(folder, ["--no-deps", requirement], tell)  # what it needs is in the lock
        return
    size_gb = total(list(files.values())) / 1e9
    if os.environ.get(BIG) != "1":
        raise BigDownload(
            f"pip offers {requirement} here only as a build for CUDA: {size_gb:.1f} GB with what it"
            f" needs. Set {BIG}=1 to have it all the same, or point pip at a CPU build"
        )
    tell(f"torch: a build for CUDA, {size_gb:.1f} GB, since {BIG} is set")
    _pip(folder, [requirement], tell)


def total(urls: list[str]) -> int:
    """Bytes of these files together, as their servers say; what no server says counts nothing."""

    def size(url: str) -> int:
        try:
            ask = urllib.request.Request(url, method="HEAD")
            with urllib.request.urlopen(ask, timeout=20) as answer:
                return int(answer.headers.get("Content-Length") or 0)
        except (OSError, ValueError):
            return 0

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(size, urls))


def _plug_in(folder: Path, tell: Tell) -> None:
    """Install our plugin as it is now, if another state of it is there."""
    if not (PLUGIN / "pyproject.toml").exists():
        tell("our plugin is not in this checkout: hypotheses cannot be verified")
        return
    marker = folder / ".plugin"
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place, "plugin")  # since building leaves things behind
        shutil.copytree(
            PLUGIN, copy, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
        )
        wanted = contents(copy)
        there = installed_version(folder, "surtitle_hypothesis") is not None
        if there and marker.exists() and marker.read_text() == wanted:
            return
        marker.unlink(missing_ok=True)
        _pip(folder, ["--no-deps", "--no-build-isolation", "--force-reinstall", str(copy)], tell)
        marker.write_text(wanted)
        tell("our plugin is installed as it is in this checkout")


def contents(folder: Path) -> str:
    """A fingerprint of the files in it, by name and content."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        for part in (str(file.relative_to(folder)).encode(), file.read_bytes()):
            digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()[:16]


def _pip(folder: Path, words: list[str], tell: Tell) -> None:
    pip = [str(python_of(folder)), "-m", "pip", "--no-input", "--disable-pip-version-check"]
    _run([*pip, "install", "--no-warn-script-location", *words], tell)


def _run(words: list[str], tell: Tell) -> None:
    """Run it and tell what is large. InstallError: it failed, in its own words."""
    # What would put things elsewhere; where from is left to this machine's settings.
    elsewhere = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")
    unfit = {"PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS", *elsewhere}
    environ = {name: value for name, value in os.environ.items() if name not in unfit}
    process = subprocess.Popen(
        words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line.strip())
            if news := notable(line):
                tell(news)
        code = process.wait()
    finally:
        process.kill()
    if code:
        errors = [line for line in said if line.startswith("ERROR:")] or said[-3:]
        raise InstallError(f"{words[0]} failed: {' / '.join(errors)[-600:] or f'exit code {code}'}")


def notable(line: str) -> str | None:
    """What a line of pip's means for who waits; None for most."""
    if found := re.match(r"\s*Downloading (\S+) \(([\d.]+) (MB|GB)\)", line):
        file, size, unit = found.groups()
        name = file.rpartition("/")[2].partition("-")[0]
        return f"  {name}: {size} {unit}" if unit == "GB" or float(size) >= TOLD_MB else None
    if line.startswith("Installing collected packages"):
        return "  unpacking" if line.count(",") > 10 else None
    return None
