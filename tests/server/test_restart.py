"""A server that is stopped or killed, and started again: real processes, real clients."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from clients.lines import Lines
from clients.link import Link
from streaming.messages import Caption, Hello, Pcm16, Recording, State, Welcome
from tests.server.stage import loud, quiet

pytestmark = [pytest.mark.socket, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
SERVE = """
import asyncio, sys
from models.detectors.energy import Energy
from models.registry import Engines
from models.scripted import ScriptedRecognizer, ScriptedTranslator
from server.main import _config, parser, serve
built = Engines(Energy(), (ScriptedRecognizer(),), (ScriptedTranslator(),))
asyncio.run(serve(_config(parser().parse_args(sys.argv[1:])), built))
"""  # `surtitle serve`, but for a detector that takes a buzz for speech
BACK_S = 2.0  # the promise: so long after the server is up again, everybody is back
MARGIN = 4  # on a machine that has other things to do


@dataclass
class Served:
    """A running server."""

    process: asyncio.subprocess.Process
    url: str


@asynccontextmanager
async def serving(port: int = 0, *options: str) -> AsyncIterator[Served]:
    reading, writing = os.pipe()
    words = ["--port", str(port), "--metrics-port", "0", "--ready-fd", str(writing)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVE, *words, *options),
        pass_fds=[writing],
        cwd=ROOT,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as ready:
            line = await asyncio.to_thread(ready.readline)
        yield Served(process, json.loads(line)["url"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@dataclass
class Person:
    """Reads a link to its end, and notes when what came."""

    link: Link
    lines: Lines = field(default_factory=Lines)
    finals: list[tuple[str, str, int, str]] = field(default_factory=list)
    welcomes: list[tuple[float, Welcome]] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    recording: list[bool] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def read(self) -> None:
        self.welcomes.append((time.monotonic(), self.link.welcome))
        self.lines.push(self.link.welcome)
        async for message in self.link:
            self.lines.push(message)
            match message:
                case Welcome():
                    self.welcomes.append((time.monotonic(), message))
                case State():
                    self.states.append(message)
                case Recording(on):
                    self.recording.append(on)
                case Caption(final=True):
                    epoch = self.welcomes[-1][1].epoch
                    self.finals.append((epoch, *message.key[:3]))
            async with self.news:
                self.news.notify_all()

    async def has(self, finals: int = 0, welcomes: int = 0) -> None:
        async with self.news, asyncio.timeout(30):
            await self.news.wait_for(
                lambda: len(self.finals) >= finals and len(self.welcomes) >= welcomes
            )


@asynccontextmanager
async def person(url: str, hears: str = "", reads: str = "en es") -> AsyncIterator[Person]:
    audio = Pcm16(16_000) if hears else None
    hello = Hello("Ana", reads.split(), hears.split(), audio)
    async with Link(url, "kitchen", hello) as link:
        found = Person(link)
        reading = asyncio.create_task(found.read())
        try:
            yield found
        finally:
            await link.close()
            await reading


async def say(person: Person, pcm: bytes) -> None:
    """At four times the pace of speech: a server allows that for a while."""
    for start in range(0, len(pcm), 640):
        await person.link.send_audio(pcm[start : start + 640])
        await asyncio.sleep(0.005)


LINE = loud(1_200) + quiet(1_000)


@pytest.mark.parametrize("journal", [True, False])
async def test_a_server_that_is_stopped_finishes_its_lines_and_everybody_comes_back(
    tmp_path: Path, journal: bool
) -> None:
    options = ("--journal", str(tmp_path)) if journal else ()
    async with serving(0, *options) as first:
        port = int(first.url.rpartition(":")[2])
        async with person(first.url, "en") as ana, person(first.url) as ben:
            await say(ana, LINE + loud(1_200))
            first.process.send_signal(signal.SIGTERM)
            await first.process.wait()
            await say(ana, loud(300))
            assert first.process.returncode == 0
            assert len(ben.finals) == 4, "the open line was finished first"
            assert [state.level for state in ben.states] == ["draining", "down"]
            async with serving(port, *options):
                up = time.monotonic()
                await ana.has(welcomes=2)
                await ben.has(welcomes=2)
                for one in (ana, ben):
                    assert one.welcomes[-1][0] - up < MARGIN * BACK_S
                await say(ana, LINE)
                for one in (ana, ben):
                    await one.has(finals=6)
                    (_, before), (_, after) = one.welcomes
                    assert (before.epoch == after.epoch) == journal
                    assert after.gap == (not journal)
                    assert len(one.finals) == len(set(one.finals)) == 6
                    assert one.recording == [True, True] * journal


async def test_after_a_kill_the_journal_has_every_final(tmp_path: Path) -> None:
    options = ("--journal", str(tmp_path))
    async with serving(0, *options) as first:
        port = int(first.url.rpartition(":")[2])
        async with person(first.url, "en") as ana, person(first.url) as ben:
            await say(ana, LINE + LINE + loud(900))
            await ana.has(finals=4)
            first.process.kill()
            await first.process.wait()
            async with serving(port, *options) as second:
                await ben.has(welcomes=2, finals=4)
                assert ben.welcomes[-1][1].gap, "the open line is lost"
                assert len(ben.finals) == len(set(ben.finals)) == 4
                async with person(second.url) as eva:
                    await eva.has(finals=4)
                    assert sorted(eva.finals) == sorted(ben.finals)
