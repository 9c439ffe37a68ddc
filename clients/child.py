"""A server of one's own: a child process that starts when needed and never outlives its parent.

The child is told two pipes by number. On `--ready-fd` it writes one line of JSON once it listens;
`--parent-fd` it watches: its end means that the parent is gone, however that came about.
"""

import asyncio
import json
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec

from .console import Problem

SECRET = "SURTITLE_TOKEN_SECRET"  # a server of one's own asks nobody for a token
STARTING = 60.0  # seconds until a server must listen: loading recognizers on a busy machine
STOPPING = 12.0  # seconds it has to stop by itself: a server lets last finals go first
WRONG_CALL = ": error: "  # as argparse says it, after all that it might have been told
REMEMBERED = 12  # last lines of its standard error, to explain a failure


class ChildError(Problem):
    """The child process did not do what it was started for."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What a server says of itself once it listens."""

    url: str
    metrics: str
    pairs: list[tuple[str, str, str]]
    """source, target, engine of each translation"""
    child: "Child | None" = None
    """The process itself, for who has to know that it ended, or to end it at once."""


@asynccontextmanager
async def server(
    engine: str = "auto",
    speed: float = 1.0,
    options: Sequence[str] = (),
    command: Sequence[str] | None = None,
    within: float = STARTING,
) -> AsyncIterator[Ready]:
    """A server on a free port of this machine, for as long as the block lasts.

    Raises ChildError, in the server's own words, if it does not listen `within` so many seconds.
    """
    told, ready = os.pipe()
    parent, held = os.pipe()  # `held` stays open as long as this process lives
    words = [
        *(command or surtitle("serve")),
        *("--port", "0", "--metrics-port", "0", "--engine", engine, "--speed", f"{speed:g}"),
        *("--ready-fd", str(ready), "--parent-fd", str(parent), *options),
    ]
    try:
        async with process(words, (ready, parent), asyncio.subprocess.DEVNULL) as child:
            os.close(ready)
            ready = -1
            yield await _ready(child, told, within)
    finally:
        for fd in (told, ready, parent, held):
            if fd >= 0:
                os.close(fd)


@dataclass(frozen=True, slots=True)
class Child:
    """A running process and the end of what it complained about."""

    process: asyncio.subprocess.Process
    complaints: deque[str]
    listening: asyncio.Task[None]

    async def failed(self, doing: str) -> ChildError:
        """The error that says what it was doing and what it said, once it has ended."""
        code = await self.process.wait()
        await self.listening
        lines = [line for line in self.complaints if line.strip()]
        wrong = [line.partition(WRONG_CALL)[2] for line in lines if WRONG_CALL in line]
        said = " / ".join(wrong or lines)[-600:]  # how it is called right helps nobody here
        return ChildError(f"{doing}: {said}" if said else f"{doing}: exit code {code}")


@asynccontextmanager
async def process(
    words: Sequence[str], pass_fds: Sequence[int] = (), stdout: int = asyncio.subprocess.PIPE
) -> AsyncIterator[Child]:
    """A child process that is gone when the block ends."""
    running = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        pass_fds=pass_fds,
        env={name: value for name, value in os.environ.items() if name != SECRET},
        start_new_session=True,  # Ctrl-C is for us; we end it in order
        limit=2**20,
    )
    complaints: deque[str] = deque(maxlen=REMEMBERED)
    listening = asyncio.create_task(_listen(running, complaints))
    try:
        yield Child(running, complaints, listening)
    finally:
        await _end(running)
        listening.cancel()


async def _listen(running: asyncio.subprocess.Process, complaints: deque[str]) -> None:
    """Keep its standard error from filling up, and remember the end of it."""
    assert running.stderr is not None
    with suppress(ValueError):  # a line beyond the limit
        async for line in running.stderr:
            complaints.append(line.decode(errors="replace").rstrip().removeprefix("surtitle: "))


async def _end(running: asyncio.subprocess.Process) -> None:
    """Ask it to stop; insist after a while."""
    with suppress(ProcessLookupError):
        running.terminate()
    try:
        async with asyncio.timeout(STOPPING):
            await running.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            running.kill()
        await running.wait()


async def _ready(child: Child, told: int, within: float) -> Ready:
    """Wait for its line. The pipe ends without one when it dies."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(told, "rb", closefd=False)
    )
    try:
        async with asyncio.timeout(within):
            line = await reader.readline()
    except TimeoutError:
        child.process.kill()
        raise await child.failed(f"the server did not start within {within:.0f} s") from None
    finally:
        transport.close()
    if not line:
        raise await child.failed("the server did not start")
    try:
        said = json.loads(line)
        pairs = [(source, target, engine) for source, target, engine in said.get("pairs", [])]
        return Ready(said["url"], said.get("metrics", ""), pairs, child)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ChildError(f"the server said {line[:80]!r} instead of its address") from error


def surtitle(*words: str) -> list[str]:
    """The command line that runs a command of ours with this Python, from any folder.

    By its path and not by `-m`: that would look for our packages in the current folder first.
    """
    found = find_spec("surtitle")
    if found is None or found.origin is None:
        raise ChildError("surtitle itself is not installed here: reinstall it")
    return [sys.executable, found.origin, *words]
