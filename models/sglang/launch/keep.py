"""Keep an SGLang server running: start, wait, warm up, and start again when it dies."""

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from .command import Launch, command, environment, flags, inherited, secrets
from .means import Thrift, means
from .process import GRACE_S, SILENT_S, Child, running
from .progress import Progress
from .restarts import PATIENCE, Restarts
from .shortage import Shortage, kernel_kills, shortage
from .warmup import WarmUpError, warm_up

KEY = "SURTITLE_SGLANG_KEY"
LAST_LINES = 15


class GaveUp(Exception):
    """It died again and again before it was ready; the text ends with what it said last."""


class TooSmall(GaveUp):
    """It did for want of memory, with the least that it can be given."""


@dataclass(frozen=True, slots=True)
class Told:
    """Who hears of it."""

    news: Callable[[str], None]
    """A line for people."""
    log: Callable[[str], None]
    """Every line of SGLang's log."""
    ready: Callable[[str], None]
    """The URL, each time it has become ready."""


def url(launch: Launch) -> str:
    """Where it is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(launch.host, launch.host)
    return f"http://[{host}]:{launch.port}" if ":" in host else f"http://{host}:{launch.port}"


async def keep(
    launch: Launch,
    key: str,
    told: Told,
    *,
    grace_s: float = GRACE_S,
    silent_s: float = SILENT_S,
) -> None:
    """Keep it running until cancelled; it has stopped when this ends. GaveUp: it does not start."""
    restarts, thrift = Restarts(), Thrift(means(flags(launch)))
    clock = asyncio.get_running_loop().time
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession(headers=headers, trust_env=False) as session:
        while True:
            progress, kills = Progress(key), kernel_kills()

            def heard(line: str, progress: Progress = progress) -> None:
                told.log(progress.clean(line))
                if news := progress.push(line):
                    told.news(news)

            with _secret(_with_less(launch, thrift), key) as complete:
                environ = inherited(os.environ, KEY) | environment(complete)
                words = command(complete)
                async with running(
                    words, environ, heard, grace_s=grace_s, silent_s=silent_s
                ) as child:
                    ready_at, why = await _once(child, launch, session, told)
                    killed = child.killed
            want = shortage(progress.last, killed, kernel_kills() > kills)
            other = want is not None and thrift.push(want)
            again = restarts.died(clock(), ready_at, other)
            if again is None:
                last = "\n".join(f"    {line}" for line in list(progress.last)[-LAST_LINES:])
                raise _gave_up(why, want, thrift, last)
            why = f"{why}: {progress.reason()}" if progress.reason() else why
            why = f"{why} ({want.value})" if want else why
            given = f", with {thrift.means} instead of {thrift.usual}" if other else ""
            told.news(f"{why}; starting it again in {again:.0f} s{given}")
            await asyncio.sleep(again)


def _with_less(launch: Launch, thrift: Thrift) -> Launch:
    """The launch with what it is to get, if that is not what it was meant to."""
    if not thrift.lowered:
        return launch
    return replace(launch, more=(*launch.more, *thrift.means.flags(flags(launch))))


def _gave_up(why: str, want: Shortage | None, thrift: Thrift, last: str) -> GaveUp:
    many = f"{why}, {PATIENCE} times in a row"
    if want is None:
        return GaveUp(f"{many}. Its last lines:\n{last}")
    return TooSmall(
        f"{many}, as {want.value}, with {thrift.means}. Take a smaller model or a larger card, or "
        f"say --memory if nothing else is to be on this one. Its last lines:\n{last}"
    )


async def _once(
    child: Child, launch: Launch, session: aiohttp.ClientSession, told: Told
) -> tuple[float | None, str]:
    """One life: when it became ready, or None, and how it ended."""
    clock = asyncio.get_running_loop().time
    began, here = clock(), url(launch)
    if not await child.ready(f"{here}/ready", session):
        if child.hung:
            return None, "SGLang said nothing for too long and was stopped"
        return None, f"SGLang {_died(await child.ended())} before it was ready"
    try:
        await warm_up(launch.role, here, session)
    except WarmUpError as error:
        return None, f"SGLang started, and {error}"
    ready_at = clock()
    told.news(f"ready in {ready_at - began:.0f} s")
    told.ready(here)
    return ready_at, f"SGLang {_died(await child.ended())}"


def _died(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


@contextmanager
def _secret(launch: Launch, key: str) -> Iterator[Launch]:
    """The launch with its key in a file that only we can read, instead of in everybody's `ps`."""
    if not key:
        yield launch
        return
    with tempfile.TemporaryDirectory(prefix="surtitle-") as folder:
        file = Path(folder, "key.yaml")
        file.touch(mode=0o600)
        file.write_text(secrets(key))
        yield replace(launch, secrets=file)
