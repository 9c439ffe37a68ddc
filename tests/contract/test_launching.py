"""The launcher with the real SGLang below it."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contract.conftest import Server, start


@pytest.fixture
def recognizer(sglang: Path, tmp_path: Path) -> Iterator[Server]:
    """One of its own, which the test may kill."""
    server, launcher = start(sglang, "qwen3-asr", "none", (), tmp_path / "log")
    yield server
    launcher.kill()
    launcher.wait()


def below(number: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
    return [found for child in map(int, children) for found in (child, *below(child))]


def test_nothing_of_sglang_outlives_a_launcher_that_is_killed(recognizer: Server) -> None:
    """That it is ready says more: the model hears, or the launcher's first questions had failed."""
    processes = below(recognizer.launcher)
    assert len(processes) >= 3  # the server, its scheduler, its detokenizer
    with ExitStack() as opened:
        watched = [os.pidfd_open(number) for number in processes]
        for one in watched:
            opened.callback(os.close, one)
        os.kill(recognizer.launcher, signal.SIGKILL)
        for one in watched:
            assert select.select([one], [], [], 30)[0]
