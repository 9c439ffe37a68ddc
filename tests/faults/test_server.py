"""Faults 2, 3, 20 and 21: the server is stopped, killed, without a disk, without descriptors."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from clients.link import Link, LinkError
from models.scripted import Faults, ScriptedRecognizer
from server.config import ConfigError
from server.journal import Journal
from server.main import DRAIN_S
from server.recognizers import Recognizers
from streaming.messages import Hello, Recording
from tests.server import test_restart
from tests.server.sockets import SPEAKER, hello, joined, refused
from tests.server.sockets import serving as in_process
from tests.server.stage import loud
from tests.server.test_journal import DAY, kept
from tests.server.test_journal import say as said
from tests.server.test_restart import LINE, person, say, serving

ALWAYS = range(1, 10**9)


@pytest.mark.socket
async def test_2_whatever_hangs_a_server_that_is_stopped_lets_everybody_go_in_time() -> None:
    assert DRAIN_S + 2 <= 10, "the promise: closed with 4503 within 10 s"
    async with in_process() as (house, url), joined(url) as ana:
        assert house.engines is not None
        hung = ScriptedRecognizer(faults=Faults(hang=ALWAYS))
        house.engines = replace(house.engines, recognizers=Recognizers([hung]))
        await ana.send(hello(**SPEAKER))
        for _ in range(15):
            await ana.send(loud(100))
        while not hung.calls:
            await ana.ping()
            await asyncio.sleep(0)
        stopping = asyncio.create_task(house.drain(0.5))
        while not house.draining:
            await asyncio.sleep(0)
        async with joined(url) as late:
            await late.send(hello(name="Ben"))
            assert (await refused(late))[0] == 4503
        code, message, closed = await refused(ana)
        assert (code, closed) == (4503, 4503) and "stopping" in message
        assert not await stopping, "and the operator is told that not all was finished"


@pytest.mark.socket
@pytest.mark.slow
async def test_3_a_server_that_is_killed_without_a_journal_begins_anew_and_says_what_is_lost() -> (
    None
):
    async with serving() as first:
        port = int(first.url.rpartition(":")[2])
        async with person(first.url, "en") as ana, person(first.url) as ben:
            await say(ana, LINE)
            await ben.has(finals=2)
            first.process.kill()
            await first.process.wait()
            async with serving(port):
                for one in (ana, ben):
                    await one.has(welcomes=2)
                    (_, before), (_, after) = one.welcomes
                    assert after.gap and after.epoch != before.epoch
                await say(ana, LINE)
                for one in (ana, ben):
                    await one.has(finals=4)
                    assert len(one.finals) == len(set(one.finals))


@contextmanager
def disk(folder: Path, *options: str) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", ",".join(["size=1m", *options]), "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a disk that can be filled needs root and Linux")
    made = subprocess.run(words, capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"there can be no disk here that may be filled: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_20_when_the_disk_is_full_captions_go_on_and_everybody_knows_they_are_not_kept(
    tmp_path: Path,
) -> None:
    with disk(tmp_path / "disk") as folder:
        stage, journal = kept(folder)
        ana = stage.join(hears="en", reads="en")
        await said(stage, ana)
        stage.read()
        assert Recording(True) in stage.told[ana.id] and journal.works
        with suppress(OSError), (folder / "else").open("wb", buffering=0) as rest:
            while rest.write(bytes(4_096)):
                pass
        for _ in range(200):
            if not journal.works:
                break
            await said(stage, ana)
        assert Recording(False) in stage.told[ana.id]
        before = len(stage.finals(ana))
        await said(stage, ana)
        assert len(stage.finals(ana)) == before + 1
        journal.close()


def test_20_on_a_disk_that_cannot_be_written_a_server_that_must_keep_does_not_start(
    tmp_path: Path,
) -> None:
    with disk(tmp_path / "disk", "ro") as folder, pytest.raises(ConfigError, match="cannot be"):
        Journal(folder, DAY)


FEW = 10  # descriptors more than a server has with one speaker


@asynccontextmanager
async def crowd(url: str, many: int) -> AsyncIterator[None]:
    """So many who connect and say nothing."""
    port = int(url.rpartition(":")[2])
    async with AsyncExitStack() as stack:
        for _ in range(many):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
        yield


async def let_in(url: str) -> bool:
    """Whether somebody new may come."""
    with suppress(LinkError, TimeoutError):
        async with asyncio.timeout(2), Link(url, "garden", Hello("Cleo", ["en"])):
            return True
    return False


@pytest.mark.socket
@pytest.mark.slow
async def test_21_without_descriptors_new_ones_wait_and_those_who_are_in_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    as_served = "asyncio.Runner(loop_factory=uvloop.new_event_loop).run("
    script = "import uvloop" + test_restart.SERVE.replace("asyncio.run(", as_served)
    monkeypatch.setattr(test_restart, "SERVE", script)
    async with serving() as server, person(server.url, "en") as ana:
        pid = server.process.pid
        await say(ana, LINE)
        await ana.has(finals=2)
        most = len(os.listdir(f"/proc/{pid}/fd")) + FEW
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))
        async with crowd(server.url, 3 * FEW):
            assert not await let_in(server.url)
            await say(ana, LINE)
            await ana.has(finals=4)
            assert len(ana.welcomes) == 1, "nobody who was in noticed"
        async with asyncio.timeout(20):
            while not await let_in(server.url):
                pass
        server.process.send_signal(signal.SIGTERM)
        assert await server.process.wait() == 0
