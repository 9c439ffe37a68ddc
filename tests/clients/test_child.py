"""A server of one's own, played here by a few lines of Python."""

import os
import sys
from pathlib import Path

import pytest

from clients.child import ChildError, process, server, surtitle

pytestmark = pytest.mark.socket

PLAY = """\
import argparse, json, os, sys
parser = argparse.ArgumentParser()
for name in ("port", "metrics-port", "ready-fd", "parent-fd"):
    parser.add_argument("--" + name, type=int)
parser.add_argument("--engine")
parser.add_argument("--speed", type=float)
options = parser.parse_args()
"""
READY = """\
said = {"url": "http://127.0.0.1:1", "metrics": options.engine, "pairs": [["en", "es", "fake"]]}
os.write(options.ready_fd, json.dumps(said).encode() + b"\\n")
"""
WAIT = "os.read(options.parent_fd, 1)\n"


def command(*parts: str) -> list[str]:
    return [sys.executable, "-c", PLAY + "".join(parts)]


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_it_says_where_it_listens() -> None:
    async with server("scripted", 2.0, command=command(READY, WAIT)) as ready:
        assert ready.url == "http://127.0.0.1:1"
        assert ready.metrics == "scripted"
        assert ready.pairs == [("en", "es", "fake")]


async def test_no_descriptor_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    async with server(command=command(READY, WAIT)):
        pass
    assert len(os.listdir("/proc/self/fd")) <= before + 2  # the loop's own, made once


async def test_why_it_did_not_start_is_told_in_its_own_words() -> None:
    fails = "sys.exit('surtitle: port 8765 is in use')\n"
    with pytest.raises(ChildError, match="did not start: port 8765 is in use"):
        async with server(command=command(fails)):
            pass


async def test_a_wrong_call_is_told_without_all_the_right_ones() -> None:
    with pytest.raises(ChildError, match="did not start: unrecognized arguments: --nonsense"):
        async with server(options=["--nonsense"], command=command()):
            pass


async def test_it_is_not_waited_for_forever() -> None:
    with pytest.raises(ChildError, match="did not start within"):
        async with server(command=command(WAIT), within=0.05):
            pass


async def test_nonsense_in_place_of_an_address() -> None:
    with pytest.raises(ChildError, match="instead of its address"):
        async with server(command=command("os.write(options.ready_fd, b'[1]\\n')\n", WAIT)):
            pass


async def test_it_is_gone_when_the_block_is_left_by_an_error() -> None:
    pid = 0
    with pytest.raises(ZeroDivisionError):
        async with process([sys.executable, "-c", "input()"]) as child:
            pid = child.process.pid
            raise ZeroDivisionError
    assert pid and not alive(pid)


async def test_one_that_will_not_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.child.STOPPING", 0.05)
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
    async with process([sys.executable, "-c", deaf]) as child:
        assert child.process.stdout is not None
        await child.process.stdout.readline()
    assert not alive(child.process.pid)


async def test_it_ends_with_its_parent() -> None:
    inlet, outlet = os.pipe()
    words = command(WAIT, "print('gone')\n")
    words += ["--parent-fd", str(inlet)]
    async with process(words, pass_fds=(inlet,)) as child:
        os.close(inlet)
        os.close(outlet)
        assert child.process.stdout is not None
        assert await child.process.stdout.readline() == b"gone\n"


def test_the_command_is_run_by_its_path_from_any_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    python, path, *words = surtitle("serve")
    assert (python, words) == (sys.executable, ["serve"])
    assert Path(path).name == "surtitle.py"
