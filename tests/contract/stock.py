"""An SGLang that somebody else has started: not by our launcher, not with the flags that we like.

Its frames are the whole answer each time, it wants a key, and it has one place to work and one to
wait.
"""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from models.sglang.errors import ServerError
from models.sglang.launch.checks import port
from models.sglang.launch.command import Launch, command, environment
from models.sglang.launch.environment import python_of
from models.sglang.transport import Server

KEY = "a key: with # signs"
FLAGS = ("--api-key", KEY, "--max-running-requests", "1", "--max-queued-requests", "1")
TEENSY = Path(__file__).parents[2] / "bench" / "teensy"
LONGEST = 1024  # tokens: what that was made for
STARTS_WITHIN_S = 400.0
LOOKED_EVERY_S = 0.01


@dataclass(frozen=True, slots=True)
class Stock:
    """It is ready."""

    url: str
    log: Path
    troubles: tuple[ServerError, ...]
    """Why it could not be asked while it started, as our client saw it, one after the other."""


@contextmanager
def stock(sglang: Path, log: Path) -> Iterator[Stock]:
    """Run one with the trained model."""
    launch = Launch(
        role="translator",
        card="cpu",
        model=str(TEENSY),
        longest=LONGEST,
        python=python_of(sglang),
        port=port("127.0.0.1", 0),
        more=("--dtype", "float32", "--sleep-on-idle", *FLAGS),
    )
    words = [word for word in command(launch) if word != "--incremental-streaming-output"]
    with open(log, "wb") as out:
        process = subprocess.Popen(
            words,
            env=os.environ | environment(launch),
            stdout=out,
            stderr=out,
        )
    url = f"http://127.0.0.1:{launch.port}"
    try:
        yield Stock(url, log, tuple(asyncio.run(watched(url, process))))
    finally:
        process.terminate()
        process.wait(30)


async def watched(url: str, process: subprocess.Popen[bytes]) -> list[ServerError]:
    """What stood against asking it, until nothing did: each kind once, in order."""
    found: list[ServerError] = []
    async with (
        asyncio.timeout(STARTS_WITHIN_S),
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session,
    ):
        server = Server(url, session, 1)
        while (trouble := await server.ready()) is not None:
            assert process.poll() is None, "SGLang has ended"
            if type(trouble) not in [type(one) for one in found]:
                found.append(trouble)
            await asyncio.sleep(LOOKED_EVERY_S)
    return found
