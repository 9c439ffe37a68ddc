"""A pipeline of programs that answers one sentence at a time, and is replaced when it breaks.

    text --> program | program | ... | program --> text

A NUL ends each text and makes every program hand on what it has. Each text carries a number that
comes out again behind its answer, so an answer that nobody waits for any more is known as such.
"""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field

from models.base import EngineError

LONGEST_ANSWER = 1 << 20  # bytes
# Nothing of the server's environment is theirs to know; sorting and letters must not vary with it.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": os.defpath}


class Nonsense(Exception):
    """An answer that cannot be one; without words if it is the trace of a crash."""


@dataclass
class _Running:
    """The programs at work. Their end is seen as the end of the output, whichever of them dies."""

    programs: list[subprocess.Popen[bytes]]
    reader: asyncio.StreamReader
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    asked: dict[int, float] = field(default_factory=dict)
    """When each text without an answer was sent, by its number."""


class Pipeline:
    """Programs joined by pipes, in a process group of their own: asked by one caller at a time."""

    def __init__(self, stages: Sequence[Sequence[str]], *, deadline_s: float = 4.0) -> None:
        """`stages`: the programs and their arguments, in order. Not started yet."""
        self._stages = stages
        self._deadline_s = deadline_s
        self._running: _Running | None = None
        self._lock = asyncio.Lock()
        self._number = 0
        self._closed = False

    @property
    def pids(self) -> list[int]:
        """The processes at work, in order; none before the first text and after a failure."""
        return [program.pid for program in self._running.programs] if self._running else []

    async def ask(self, text: str) -> str:
        """What comes out for `text`: escaped as the programs want it, and without NUL.

        EngineError: the programs are missing, crashed twice, took too long or answered nonsense.
        They have been killed then, and the next call starts new ones.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(self._patience()):
                    return await self._ask(text)
            except TimeoutError:
                await self._kill()
                raise EngineError(
                    f"{self._name} did not answer within {self._deadline_s:g} s and was restarted."
                ) from None
            except EngineError:
                await self._kill()
                raise

    async def close(self) -> None:
        """End the programs, for good: whoever still waits for an answer gets an EngineError."""
        self._closed = True
        await self._kill()

    @property
    def _name(self) -> str:
        return " | ".join(stage[0] for stage in self._stages[:2]) + " | …"

    def _patience(self) -> float:
        """Seconds this call may take. Calls that were cancelled count against a hung pipeline:
        were each to start the clock again, impatient callers would keep it alive for ever."""
        if self._running is None or not self._running.asked:
            return self._deadline_s
        oldest = min(self._running.asked.values())
        return max(0.0, oldest + self._deadline_s - asyncio.get_running_loop().time())

    async def _ask(self, text: str) -> str:
        while True:
            fresh = self._running is None
            if fresh and not self._closed:
                self._running = await self._launch()
            running = self._running
            if self._closed or running is None:  # perhaps while it was starting
                raise EngineError(f"{self._name} is closed.")
            try:
                return await self._exchange(running, text)
            except (asyncio.IncompleteReadError, ConnectionError, Nonsense) as error:
                await self._kill()
                if fresh:  # an old pipeline may have died long ago; a new one died of this text
                    raves = isinstance(error, Nonsense) and str(error)
                    what = f"answered nonsense: {error}" if raves else "crashed"
                    raise EngineError(f"{self._name} {what}.") from error

    async def _exchange(self, running: _Running, text: str) -> str:
        self._number += 1
        running.asked[self._number] = asyncio.get_running_loop().time()
        if running.writers[0].is_closing():  # uvloop would not even take what is written
            raise ConnectionResetError
        # Square brackets enclose what is not to be translated, and come through as they are.
        running.writers[0].write(f"{text}[{self._number}]\0".encode())
        await running.writers[0].drain()
        while True:
            try:
                answer = (await running.reader.readuntil(b"\0"))[:-1].decode()
            except (UnicodeDecodeError, asyncio.LimitOverrunError) as error:
                raise Nonsense(str(error)) from error
            match = re.search(r"(?<!\\)\[(\d+)\]\s*$", answer)
            if match is None or running.asked.pop(int(match[1]), None) is None:
                # Programs whose input ends flush what they have: half an answer, mostly ''.
                raise Nonsense(repr(answer[-80:]) if answer else "")
            if int(match[1]) == self._number:
                return answer[: match.start()]

    async def _launch(self) -> _Running:
        """Start the programs, in a thread: it takes tens of milliseconds.

        Nothing is left of them if that fails or is cancelled.
        """
        into, first = socket.socketpair()
        last, out = socket.socketpair()
        spawning = asyncio.ensure_future(asyncio.to_thread(_spawn, self._stages, first, last))
        writers: list[asyncio.StreamWriter] = []
        try:
            programs = await asyncio.shield(spawning)
            writers.append((await asyncio.open_unix_connection(sock=into))[1])
            reader, writer = await asyncio.open_unix_connection(sock=out, limit=LONGEST_ANSWER)
            return _Running(programs, reader, [*writers, writer])
        except BaseException as error:
            spawning.add_done_callback(_end_spawned)
            for writer in writers:
                writer.transport.abort()
            into.close()
            out.close()
            if isinstance(error, OSError):
                raise EngineError(f"{self._name} does not start: {error}.") from error
            raise

    async def _kill(self) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        for writer in running.writers:
            writer.transport.abort()
        _signal(running.programs)
        # A thread that has not begun yet would never begin if this were cancelled.
        await asyncio.shield(asyncio.to_thread(_end, running.programs))


def _spawn(
    stages: Sequence[Sequence[str]], source: socket.socket, sink: socket.socket
) -> list[subprocess.Popen[bytes]]:
    """Run `stages` from one socket to the other, and close both here. OSError: one does not start.

    They see the end of their input when this process dies, however it dies, and end too. Their own
    group keeps a terminal's Ctrl-C from them: the server decides when they stop.
    """
    programs: list[subprocess.Popen[bytes]] = []
    with source, sink:
        try:
            for number, stage in enumerate(stages):
                before = programs[-1].stdout if programs else None
                program = subprocess.Popen(
                    stage,
                    stdin=before or source.fileno(),
                    stdout=sink.fileno() if number == len(stages) - 1 else subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=ENVIRONMENT,
                    process_group=programs[0].pid if programs else 0,
                )
                if before:
                    before.close()
                programs.append(program)
        except BaseException:
            _end(programs)
            raise
    return programs


def _end_spawned(spawning: asyncio.Future[list[subprocess.Popen[bytes]]]) -> None:
    if not spawning.cancelled() and spawning.exception() is None:
        _end(spawning.result())


def _signal(programs: Sequence[subprocess.Popen[bytes]]) -> None:
    """Kill the group. It has its number until its first program has been waited for."""
    if programs and programs[0].returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(programs[0].pid, signal.SIGKILL)


def _end(programs: Sequence[subprocess.Popen[bytes]]) -> None:
    """Kill the group and wait for each: these are our children, and nobody else would."""
    _signal(programs)
    for program in programs:
        if program.stdout:
            program.stdout.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(timeout=1)
