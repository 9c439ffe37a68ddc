"""The page's own machines, tried by Node's test runner; the page itself is `make test-browser`."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NEEDED = (20, 6)  # the first with timers that a test can move


def node() -> str | None:
    found = shutil.which("node")
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2])
    return found if version >= NEEDED else None


@pytest.mark.socket
def test_the_scripts_of_the_page_keep_their_promises() -> None:
    found = node()
    if found is None:
        pytest.skip(f"needs node {NEEDED[0]}.{NEEDED[1]} or newer")
    files = sorted(str(path) for path in HERE.glob("*.test.mjs"))
    ran = subprocess.run([found, "--test", *files], capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
