"""SGLang as a child process: a group of its own that is gone when the block ends, or we are."""

import asyncio
import ctypes
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import aiohttp

GRACE_S = 10.0  # what it has to stop by itself: it lets requests finish
ASK_EVERY_S = 0.2
SILENT_S = 900.0  # not ready, and not a line in its log for so long: it hangs
CHUNK = 1 << 16
PR_SET_PDEATHSIG = 1  # prctl(2)


class Child:
    """A running process whose output is listened to."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        output: int,
        heard: Callable[[str], None],
        silent_s: float,
    ) -> None:
        """`output`: the descriptor to read its lines from, which is closed in the end."""
        self._process = process
        self._output = output
        self._heard = heard
        self._silent_s = silent_s
        self._hung_at = asyncio.get_running_loop().time() + silent_s
        self._listening = asyncio.create_task(self._listen())

    @property
    def hung(self) -> bool:
        """It lives, and it said nothing for longer than it may before it is ready."""
        late = asyncio.get_running_loop().time() > self._hung_at
        return late and self._process.returncode is None

    @property
    def killed(self) -> bool:
        """It was ended by the one signal that leaves it no last words."""
        return self._process.returncode == -signal.SIGKILL

    @property
    def pid(self) -> int:
        """Its number, which is its group's too."""
        return self._process.pid

    async def ended(self) -> int:
        """Wait for its end and its last words; the exit code, negative for a signal."""
        code = await self._process.wait()
        self._end_group()  # what it has left behind is of no use without it
        await self._listening
        return code

    async def ready(self, url: str, session: aiohttp.ClientSession) -> bool:
        """Wait until GET `url` answers 200. False: it died first, or hung and was killed."""
        while self._process.returncode is None:
            if await answers(url, session):
                return True
            if self.hung:
                return False
            await asyncio.sleep(ASK_EVERY_S)
        return False

    async def stop(self, grace_s: float = GRACE_S) -> None:
        """Ask it to stop, insist after a while, and leave nothing of its group behind."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        self._end_group()
        await self._process.wait()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    def _end_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _listen(self) -> None:
        """Pass its lines on. A bar that overwrites itself is many lines, so progress is seen.

        By a pipe of our own: asyncio's would have `wait` wait for whoever holds its other end.
        """
        loop = asyncio.get_running_loop()
        output = asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), os.fdopen(self._output, "rb", 0)
        )
        rest = ""
        try:
            while chunk := await output.read(CHUNK):
                self._hung_at = loop.time() + self._silent_s
                text = rest + chunk.decode(errors="replace")
                *lines, rest = text.replace("\r", "\n").split("\n")
                for line in lines:
                    self._heard(line)
                rest = rest[-CHUNK:]
            if rest:
                self._heard(rest)
        finally:
            transport.close()


@asynccontextmanager
async def running(
    words: Sequence[str],
    environ: Mapping[str, str],
    heard: Callable[[str], None],
    *,
    grace_s: float = GRACE_S,
    silent_s: float = SILENT_S,
) -> AsyncIterator[Child]:
    """Run `words` as long as the block lasts; `heard` gets its lines. OSError: it cannot start."""
    output, theirs = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,  # a terminal's Ctrl-C is for us; we end it in order
            preexec_fn=_dies_with(os.getpid()),
        )
    except OSError:
        os.close(output)
        raise
    finally:
        os.close(theirs)
    child = Child(process, output, heard, silent_s)
    try:
        yield child
    finally:
        await child.stop(grace_s)


def _dies_with(parent: int) -> Callable[[], None]:
    """For between fork and exec: be killed when the parent is, however that comes about.

    SGLang's own processes ask the same of theirs, so all of it goes.
    """
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we had asked
            os._exit(1)

    return ask


async def answers(url: str, session: aiohttp.ClientSession) -> bool:
    """Whether a GET is answered with 200, within a few seconds."""
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(5)) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
