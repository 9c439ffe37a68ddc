"""What an installation pulls in.

Read from pyproject.toml, the locks and the metadata of what is installed: no network.
"""

import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

LOCK_OF = {
    "server": "server",
    "tui": "tui",
    "glasses": "glasses",
    "webrtc": "all",
    "local": "all",
    "loadtest": "all",
    "demo": "all",
    "dev": "all",
}
EVERY_LOCK = sorted(path.stem for path in (ROOT / "requirements").glob("*.lock"))
APART = ["browser", "sglang", "sglang-cpu"]
"""Of environments of their own, which none of our extras ask for."""
LOCKS = [lock for lock in EVERY_LOCK if lock not in APART]
INPUTS = {"all": ["build.in", "silero.in"], "server": ["build.in", "silero.in"]}
HEAVY = re.compile(r"torch(audio|vision|codec)?|(torch|triton|nvidia|cuda)(-.*)?")
PART_OF_A_LOCK = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[0-9][^ ;]*)(?: ; (?P<marker>[^\\]*?))?"
    r"(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n"
)


@dataclass(frozen=True, slots=True)
class Locked:
    version: str
    marker: str


def text(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")


def locked(lock: str) -> dict[str, list[Locked]]:
    """By name; two of a name differ in their markers."""
    found: dict[str, list[Locked]] = {}
    for part in PART_OF_A_LOCK.finditer(text(lock)):
        one = Locked(part["version"], part["marker"] or "")
        found.setdefault(part["name"], []).append(one)
    return found


def extra(name: str) -> list[Requirement]:
    """What an extra asks for, with the core and the extras it is made of."""
    asked = [Requirement(line) for line in PROJECT["dependencies"]]
    for line in PROJECT["optional-dependencies"][name]:
        requirement = Requirement(line)
        if requirement.name == PROJECT["name"]:
            asked += [inner for part in sorted(requirement.extras) for inner in extra(part)]
        else:
            asked.append(requirement)
    return asked


def inputs(lock: str) -> list[Requirement]:
    """What a lock holds beside its extras: the builder, the detector."""
    lines = [
        line
        for name in INPUTS.get(lock, ["build.in"])
        for line in (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    ]
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def taken_out() -> set[NormalizedName]:
    lines = (ROOT / "requirements" / "without-torch.txt").read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(Requirement(ln).name) for ln in lines if ln and ln[0] != "#"}


def holds(requirement: Requirement, extras: set[str]) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({"extra": name}) for name in extras | {""})


def closure(asked: list[Requirement]) -> set[NormalizedName]:
    """Everything these need on this machine, by the metadata of what is installed."""
    seen: set[tuple[NormalizedName, str]] = set()
    waiting = [requirement for requirement in asked if holds(requirement, set())]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for part in ["", *sorted(requirement.extras)]:
            if name in taken_out() or (name, part) in seen:
                continue
            seen.add((name, part))
            needs = (Requirement(line) for line in requires(name) or [])
            waiting += [need for need in needs if holds(need, {part})]
    return {name for name, _ in seen}


def never(name: str) -> bool:
    """Gigabytes that captions do not need."""
    return HEAVY.fullmatch(name) is not None


def test_the_locks_are_those_the_readme_names() -> None:
    readme = (ROOT / "requirements" / "README.md").read_text(encoding="utf-8")
    assert LOCKS == ["all", "build", "glasses", "server", "tui"]
    assert all(f"`{lock}.lock`" in readme for lock in EVERY_LOCK)


@pytest.mark.parametrize("lock", EVERY_LOCK)
def test_every_line_of_a_lock_is_an_exact_version_with_hashes(lock: str) -> None:
    parts = PART_OF_A_LOCK.sub("", text(lock)).splitlines()
    assert all(line.startswith("#") for line in parts)
    assert locked(lock)


@pytest.mark.parametrize("lock", EVERY_LOCK)
def test_a_lock_names_no_host_and_no_place(lock: str) -> None:
    lines = text(lock).splitlines()
    assert not [ln for ln in lines if "://" in ln or " @ " in ln or re.search(r"--(?!hash=)", ln)]
    comments = " ".join(line for line in lines if line.startswith("#"))
    assert not re.search(r"\b[a-z0-9-]+\.(org|com|net|io|dev|internal|local)\b|(^|\s)/", comments)


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_has_torch_or_anything_of_nvidia(lock: str) -> None:
    assert not [name for name in locked(lock) if never(name)]


def test_sglang_on_a_cpu_leaves_torch_to_whoever_has_a_build_for_cpus() -> None:
    heavy = {name for name in locked("sglang-cpu") if never(name)}
    assert heavy == {"torchvision", "triton"}
    assert locked("sglang-cpu")["sglang"] == locked("sglang")["sglang"]


@pytest.mark.parametrize("lock", EVERY_LOCK)
def test_every_lock_brings_what_builds(lock: str) -> None:
    assert {"setuptools", "wheel"} <= locked(lock).keys()


@pytest.mark.parametrize("lock", LOCKS)
def test_the_locks_agree_on_versions(lock: str) -> None:
    everything = locked("all")
    for name, versions in locked(lock).items():
        assert {one.version for one in versions} <= {one.version for one in everything[name]}, name


@pytest.mark.parametrize("name", sorted(PROJECT["optional-dependencies"]))
def test_a_lock_has_what_its_extra_asks_for(name: str) -> None:
    found = locked(LOCK_OF[name])
    for requirement in extra(name):
        versions = found[canonicalize_name(requirement.name)]
        assert all(one.version in requirement.specifier for one in versions), requirement


@pytest.mark.parametrize("name", sorted(PROJECT["optional-dependencies"]))
def test_an_extra_resolves_within_its_lock(name: str) -> None:
    resolved = closure(extra(name))
    assert not [part for part in resolved if never(part)]
    assert resolved <= locked(LOCK_OF[name]).keys()


@pytest.mark.parametrize("name", ["server", "tui", "glasses"])
def test_a_lock_has_nothing_its_extra_does_not_need(name: str) -> None:
    needed = closure([*extra(name), *inputs(name)])
    unmarked = {part for part, versions in locked(name).items() if not versions[0].marker}
    assert unmarked <= needed


def test_no_extra_asks_for_the_detectors_package_or_its_torch() -> None:
    asked = {canonicalize_name(one.name) for name in LOCK_OF for one in extra(name)}
    assert "silero-vad" not in asked
    assert not [name for name in asked if never(name)]
    assert "silero-vad" in locked("server")
    assert "silero-vad" in locked("all")


def test_only_the_server_asks_for_engines() -> None:
    engines = {"onnxruntime", "pocketsphinx"}
    assert engines <= {one.name for one in extra("server")}
    for name in ["tui", "glasses", "loadtest", "dev"]:
        assert not engines & {one.name for one in extra(name)}, name


@pytest.mark.parametrize("lock", ["tui", "glasses"])
def test_thin_clients_install_no_engine_and_no_server(lock: str) -> None:
    heavy = {"aiohttp", "aiortc", "numpy", "onnxruntime", "pocketsphinx", "silero-vad"}
    assert not heavy & locked(lock).keys()


def test_the_glasses_client_installs_the_connection_the_sound_and_the_displays() -> None:
    elsewhere = ("pyobjc-", "winrt-")  # Bluetooth on macOS and Windows
    parts = locked("glasses").keys() - locked("build").keys()
    here = {name for name in parts if not name.startswith(elsewhere)}
    sound, bluetooth = {"av", "sounddevice", "cffi", "pycparser"}, {"bleak", "dbus-fast"}
    drawing = {"pillow", "luma-oled", "luma-core", "smbus2", "cbor2"}
    assert here - {"async-timeout", "typing-extensions"} == {
        *("msgspec", "websockets"),
        *(sound | bluetooth | drawing),
    }
