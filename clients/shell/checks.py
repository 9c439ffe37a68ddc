"""What the doctor can see without starting anything: Python, packages, the terminal."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from streaming.findings import Finding, State

from .settings import current

PYTHON = (3, 11)
NEEDED = ("server", "tui")  # the rest of the extras are for measuring and for developers
PARTS = {"server": "to serve", "tui": "to join", "loadtest": "for the demo and its scores"}
LOCKS = {"server": "server", "tui": "tui", "loadtest": "all"}
WIDTH, HEIGHT = 80, 24
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*([^;\[]*)(?:;\s*(.*))?")


def python() -> Iterator[Finding]:
    """The interpreter, and ourselves in it."""
    has = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < PYTHON:
        says = f"{has} is too old: {'.'.join(map(str, PYTHON))} or newer is needed"
        yield Finding(
            "Packages", "Python", "wrong", says, "apt-get install python3.11 python3-venv"
        )
    else:
        yield Finding("Packages", "Python", "ok", f"{has} ({short(Path(sys.executable))})")


def packages() -> Iterator[Finding]:
    """What each extra asks for, by the metadata of what is installed."""
    try:
        asked = [REQUIREMENT.match(line) for line in requires("surtitle") or ()]
    except PackageNotFoundError:
        says = "Surtitle runs from its folder and is not installed, so its needs are unknown"
        yield Finding("Packages", "surtitle", "note", says, f"{pip()} --no-deps -e {folder()}")
        return
    parts = [found for found in asked if found]
    for extra, purpose in PARTS.items():
        mine = [one for one in parts if f'extra == "{extra}"' in (one[3] or "") and _here(one[3])]
        missing, old = _lacking([(one[1], one[2].strip()) for one in mine])
        if not missing and not old:
            yield Finding("Packages", extra, "ok", f"{len(mine)} packages, {purpose}")
            continue
        state: State = "wrong" if extra == "server" else "note"
        lacking = [f"missing {purpose}: {', '.join(missing)}"] if missing else []
        yield Finding("Packages", extra, state, "; ".join(lacking + old), lock(extra))


def _here(marker: str) -> bool:
    """Whether a requirement is for this machine; the one marker in use is for another."""
    return not ("platform_machine != 'aarch64'" in marker and os.uname().machine == "aarch64")


def _lacking(wanted: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Packages that are missing, by name; and a clause for each whose version does not fit."""
    missing, old = [], []
    for name, versions in wanted:
        try:
            has = version(name)
        except PackageNotFoundError:
            missing.append(name)
            continue
        if not within(has, versions):
            old.append(f"{name} is {has} and should be {versions}")
    return missing, old


def within(has: str, wanted: str) -> bool:
    """Whether a version fits ">=15,<18"; other ways to say it are taken to fit."""
    ours = _numbers(has)
    for limit in wanted.split(","):
        if limit.startswith(">=") and ours < _numbers(limit[2:]):
            return False
        if limit.startswith("<") and limit[1] != "=" and ours >= _numbers(limit[1:]):
            return False
    return True


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text)]


def folder() -> Path:
    """Surtitle's own folder."""
    found = find_spec("surtitle")
    assert found is not None and found.origin is not None, "it is running"
    return Path(found.origin).parent


def short(path: Path) -> str:
    """A path as one would write it here, ready for a shell."""
    here = current()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return shlex.quote(str(shown))


def pip() -> str:
    """This environment's pip."""
    return f"{short(Path(sys.executable))} -m pip install"


def lock(extra: str) -> str:
    """What installs a part exactly as it was tested."""
    path = folder() / "requirements" / f"{LOCKS[extra]}.lock"
    if not path.exists():
        return f"{pip()} 'surtitle[{extra}]'"
    return f"{pip()} --no-deps --require-hashes -r {short(path)}"


def command(fix: str) -> str:
    """A command that anybody could be told, as it must be typed by this user here."""
    if fix.startswith("pip install "):
        return f"{pip()} {fix.removeprefix('pip install ')}"
    if fix.startswith("apt-get install "):
        names = fix.removeprefix("apt-get install ")
        if shutil.which("apt-get") is None:
            return f"# install these as this system does it: {names}"
        return f"{'' if os.geteuid() == 0 else 'sudo '}apt-get install --yes {names}"
    return fix


def terminal(out: TextIO, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What can be shown here."""
    group = "Terminal"
    if not out.isatty():
        says = "none here: `surtitle join` needs one, `surtitle captions` prints lines"
        yield Finding(group, "terminal", "note", says)
    else:
        width, height = shutil.get_terminal_size()
        small = width < WIDTH or height < HEIGHT
        says = f"{width}×{height}" + (f": {WIDTH}×{HEIGHT} shows everything" if small else "")
        yield Finding(group, "size", "note" if small else "ok", says)
    yield _colours(environ)
    if utf8(out):
        yield Finding(group, "letters", "ok", "UTF-8: every script")
    else:
        says = f"{out.encoding or 'unknown'}, so other scripts come out as ?"
        yield Finding(group, "letters", "note", says, "export LC_ALL=C.UTF-8")


def _colours(environ: Mapping[str, str]) -> Finding:
    group, kind = "Terminal", environ.get("TERM", "")
    if environ.get("NO_COLOR"):
        return Finding(group, "colours", "note", "none, because NO_COLOR is set", "unset NO_COLOR")
    if kind in ("", "dumb"):
        says = f"none: TERM is {kind or 'not set'}"
        return Finding(group, "colours", "note", says, "export TERM=xterm-256color")
    if environ.get("COLORTERM") in ("truecolor", "24bit"):
        return Finding(group, "colours", "ok", "16 million")
    return Finding(group, "colours", "ok", "256" if "256" in kind else f"those of {kind}")


def utf8(out: TextIO) -> bool:
    """Whether every character can be written there."""
    return (out.encoding or "").lower().replace("-", "").startswith("utf8")


def privacy() -> Iterator[Finding]:
    """What protects a conversation on its way."""
    says = (
        "a server listens on its own machine only, unless it is given a certificate (--tls-cert)"
        " and a secret for tokens; without them, come through SSH"
    )
    tunnel = "ssh -N -L 8765:127.0.0.1:8765 SERVERS-MACHINE"
    yield Finding("Network", "TLS", "note", says, tunnel)
