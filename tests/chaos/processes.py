"""The processes of one server with all it needs, each of which may be killed and started again."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
STARTING_S = 60.0
AGAIN_S = 0.5  # between two starts of a server
STOPPING_S = 15.0  # a server has 10 for its last finals


def free_port() -> int:
    """A port that nobody has, now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


async def started(module: str, *words: str, log: Path, fds: Sequence[int] = ()) -> "Running":
    """A module of ours as a process."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=errors,
            pass_fds=fds,
            cwd=ROOT,
            start_new_session=True,
        )
    return Running(process)


class Running:
    """A process of ours."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def kill(self) -> None:
        """At once."""
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def stop(self) -> int | None:
        """In order; its exit code, None if it had to be killed."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            return await asyncio.wait_for(self.process.wait(), STOPPING_S)
        except TimeoutError:
            await self.kill()
            return None

    def children(self) -> list[psutil.Process]:
        """What it has started, in order of birth."""
        try:
            return sorted(psutil.Process(self.process.pid).children(), key=lambda one: int(one.pid))
        except psutil.NoSuchProcess:
            return []


class House:
    """The server, always at the same port and with the same journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.log = folder / "server.log"
        self.port, self.translating = free_port(), free_port()
        self.running: Running | None = None
        self.translator: Running | None = None

    async def open(self) -> None:
        """Start the server and wait until it listens; again, if it could not because its translator
        was away, as a supervisor would."""
        try:
            async with asyncio.timeout(STARTING_S):
                while not await self._opened():
                    await asyncio.sleep(AGAIN_S)
        except TimeoutError:
            said = self.log.read_text(encoding="utf-8")[-2_000:]
            raise RuntimeError(f"the server does not start: {said}") from None

    async def _opened(self) -> bool:
        reading, writing = os.pipe()
        words = ["--port", str(self.port), "--metrics-port", "0", "--ready-fd", str(writing)]
        self.running = await started(
            "tests.chaos.house",
            f"http://127.0.0.1:{self.translating}",
            *(*words, "--journal", str(self.journal)),
            log=self.log,
            fds=[writing],
        )
        os.close(writing)
        with os.fdopen(reading) as ready:
            return bool(await asyncio.to_thread(ready.readline))

    async def translate(self) -> None:
        """Start the translator; it answers soon."""
        port = str(self.translating)
        self.translator = await started("tests.chaos.interpreter", port, log=self.log)

    def strike(self, which: float, how: signal.Signals) -> bool:
        """A recognizer's process of the server is sent a signal; False: there is none."""
        workers = self.running.children() if self.running is not None else []
        if not workers:
            return False
        with suppress(psutil.NoSuchProcess):
            workers[int(which * len(workers))].send_signal(how)
        return True

    async def close(self) -> int | None:
        """End all; the server's exit code."""
        code = await self.running.stop() if self.running is not None else 0
        if self.translator is not None:
            await self.translator.kill()
        return code
