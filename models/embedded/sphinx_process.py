"""The server's end of a process that recognizes speech: requests go out, replies find their way.

Every request has a number and its reply carries it, so a reply to a caller who has given up is
dropped, and never taken for the next one's. A process that is late or talks nonsense is killed.
"""

import asyncio
import json
import logging
import socket
import subprocess
from collections.abc import Callable, Sequence

from models.base import EngineError
from models.embedded.sphinx_worker import HEADER, pack

LONGEST_REPLY = 1 << 20  # bytes

logger = logging.getLogger(__name__)


class Process:
    """One worker. It starts at once; what is asked before it is ready waits until it is."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        deadline_s: float,
        start_s: float,
        failed: Callable[["Process"], None],
    ) -> None:
        """`command`: to which the number of a socket's descriptor is added. `deadline_s`: for any
        reply, `start_s`: for being ready. `failed` is called once, if it dies before `close`.
        """
        self.speakers: set[str] = set()
        """Who has a voice here: kept by its owner."""
        self.failure = ""
        """Why it can no longer be asked; '' while it can."""
        self.was_ready = False
        self._deadline_s = deadline_s
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._until_ready = self._loop.time() + start_s
        self._ready: asyncio.Future[str] = self._loop.create_future()
        self._asked: dict[int, tuple[float, asyncio.Future[str]]] = {0: (0, self._ready)}
        self._unsent: list[bytes] = []
        self._writer: asyncio.StreamWriter | None = None
        self._number = 0
        self._child, ours = _spawn(command)
        self._task = asyncio.create_task(self._listen(ours))

    @property
    def pid(self) -> int:
        """The operating system's number for it."""
        return self._child.pid

    async def ready(self) -> None:
        """Wait until its models are loaded. EngineError: they cannot be."""
        await self._reply(self._ready)

    def post(self, verb: str, speaker: str, pcm: bytes = b"") -> asyncio.Future[str]:
        """Send a request and do not wait. Requests are answered in the order they were sent."""
        self._number += 1
        reply: asyncio.Future[str] = self._loop.create_future()
        if self.failure:
            reply.set_exception(EngineError(self.failure))
            reply.exception()  # seen: nobody need wait for it
            return reply
        self._asked[self._number] = self._loop.time(), reply
        frame = pack([self._number, verb, speaker], pcm)
        if self._writer and self._writer.is_closing():  # `_listen` is about to notice
            self._fail("A process of the recognizer pocketsphinx crashed.")
        elif self._writer and self.was_ready:
            self._writer.write(frame)
        else:
            self._unsent.append(frame)
        return reply

    async def ask(self, verb: str, speaker: str, pcm: bytes = b"") -> str:
        """Send a request and wait. EngineError: it was refused, or the process failed."""
        return await self._reply(self.post(verb, speaker, pcm))

    async def close(self) -> None:
        """Kill it. Safe when called twice."""
        self._fail("The recognizer pocketsphinx was closed.", quietly=True)
        await asyncio.wait([self._task], timeout=2)

    async def _reply(self, reply: asyncio.Future[str]) -> str:
        while True:
            try:
                async with asyncio.timeout(self._patience()):
                    return await asyncio.shield(reply)
            except TimeoutError:
                if self._patience() == 0:  # else what was the oldest has been answered meanwhile
                    break
        what = f"did not answer within {self._deadline_s:g} s" if self.was_ready else "hung"
        self._fail(f"A process of the recognizer pocketsphinx {what} and was killed.")
        raise EngineError(self.failure)

    def _patience(self) -> float | None:
        """Seconds until the oldest request is late. It counts for all: were each to start the clock
        again, callers who give up early would keep a hung process alive for ever."""
        if not self.was_ready:
            return max(0.0, self._until_ready - self._loop.time())
        oldest = min((since for since, _ in self._asked.values()), default=None)
        return None if oldest is None else max(0.0, oldest + self._deadline_s - self._loop.time())

    async def _listen(self, ours: socket.socket) -> None:
        """Take replies until the process is dead, whoever killed it."""
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        try:
            while True:
                self._take(*await _receive(reader))
        except (asyncio.IncompleteReadError, ConnectionError):
            self._fail("A process of the recognizer pocketsphinx crashed.")
        except (ValueError, LookupError, TypeError) as error:
            self._fail(f"A process of the recognizer pocketsphinx talked nonsense: {error}.")
        finally:
            self._child.kill()
            self._writer.transport.abort()
            await asyncio.to_thread(self._child.wait)

    def _take(self, number: int, text: str, error: str) -> None:
        """Give a reply to who waits for it. KeyError: nobody ever asked."""
        _, reply = self._asked.pop(number)
        if not self.was_ready:
            self._begin()
        if reply.cancelled():
            return
        if error:
            reply.set_exception(EngineError(f"The recognizer pocketsphinx failed: {error}."))
            reply.exception()
        else:
            reply.set_result(text)

    def _begin(self) -> None:
        """It is ready: send what has waited, and start the clock."""
        assert self._writer is not None
        self.was_ready = True
        now = self._loop.time()
        self._asked = {number: (now, reply) for number, (_, reply) in self._asked.items()}
        self._writer.writelines(self._unsent)
        self._unsent.clear()

    def _fail(self, why: str, *, quietly: bool = False) -> None:
        """Kill it and tell everybody who waits, once."""
        if self.failure:
            return
        self.failure = why
        self._child.kill()
        for _, reply in self._asked.values():
            if not reply.done():
                reply.set_exception(EngineError(why))
                reply.exception()  # seen, should nobody be waiting
        self._asked.clear()
        if not quietly:
            logger.warning("%s", why)
            self._failed(self)


def _spawn(command: Sequence[str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a process, told the number of its end of a socket. EngineError: it does not start.

    A group of its own, so that a terminal's Ctrl-C does not reach it; it ends when it sees the
    other end of its socket closed, and so whenever this process dies.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            child = subprocess.Popen(
                [*command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,
            )
        except OSError as error:
            ours.close()
            raise EngineError(f"The recognizer pocketsphinx does not start: {error}.") from error
    return child, ours


async def _receive(reader: asyncio.StreamReader) -> tuple[int, str, str]:
    """The next reply: number, text, error. ValueError or TypeError: it is none."""
    text, audio = HEADER.unpack(await reader.readexactly(HEADER.size))
    if text > LONGEST_REPLY or audio:
        raise ValueError("a reply of the wrong size")
    number, words, error = json.loads(await reader.readexactly(text))
    if not isinstance(number, int) or not isinstance(words, str) or not isinstance(error, str):
        raise ValueError("a reply of the wrong types")
    return number, words, error
