"""English speech recognition by pocketsphinx, whose model comes with it: nothing to download.

Each speaker has a decoder, which gets used to the voice, in a process of its own: decoders share no
memory, so two in one process would save 6 MB of 200 and wait for each other.
"""

import sys
from collections.abc import Collection, Sequence
from importlib.util import find_spec
from os import cpu_count
from pathlib import Path

from models.base import EngineError, Heard
from models.embedded import sphinx_worker
from models.embedded.sphinx_process import Process

INSTALL = "pip install pocketsphinx"
LANGUAGE = "en"
# -P, or `import pocketsphinx` in the worker would find this file, which is beside it.
WORKER = (sys.executable, "-P", str(Path(sphinx_worker.__file__)))


class PocketSphinx:
    """A `Recognizer` of English."""

    name = "pocketsphinx"
    punctuates = False

    def __init__(
        self,
        *,
        hop_ms: int = 240,
        voices: int = 1,
        warm: int = 2,
        most_speakers: int | None = None,
        deadline_s: float = 8.0,
        start_s: float = 60.0,
        command: Sequence[str] | None = None,
    ) -> None:
        """`voices`: speakers in one process; `warm`: processes that `start` waits for, of 100 MB a
        voice, more being started when more speakers join; `most_speakers`: at a time, default two
        for each processor, as one takes half of one; `deadline_s`: for one update; `start_s`: for
        loading the models; `command`: another worker.

        EngineError: pocketsphinx is not installed.
        """
        if command is None and find_spec("pocketsphinx") is None:
            raise EngineError(f"The recognizer pocketsphinx is not installed: `{INSTALL}`.")
        self.hop_ms = hop_ms
        self._voices = voices
        self._warm = warm
        self._most_speakers = most_speakers or 2 * (cpu_count() or 1)
        self._deadline_s = deadline_s
        self._start_s = start_s
        self._command = [*(command or WORKER), str(voices)]
        self._processes: list[Process] = []
        self._seats: dict[str, Process] = {}
        self._closed = False

    @property
    def languages(self) -> Collection[str]:
        """English."""
        return (LANGUAGE,)

    @property
    def pids(self) -> list[int]:
        """The processes at work."""
        return [process.pid for process in self._processes]

    async def start(self) -> None:
        """Load the models for the first speakers. EngineError: they cannot be loaded."""
        while len(self._processes) < self._warm:
            self._launch()
        for process in list(self._processes):
            await process.ready()

    async def open(self, speaker: str, languages: Sequence[str]) -> "SphinxHearing":
        """A segment in English. EngineError: `languages` has no English, or too many speak."""
        if LANGUAGE not in languages:
            raise EngineError(f"The recognizer pocketsphinx hears English, not {languages}.")
        process = self._seat(speaker)
        # What a segment that nobody closed has left in the decoder is not part of this one.
        process.post("cut", speaker)
        return SphinxHearing(process, speaker)

    async def leave(self, speaker: str) -> None:
        """Give the speaker's decoder to the next."""
        process = self._seats.pop(speaker, None)
        if process:
            process.speakers.discard(speaker)
            process.post("leave", speaker)

    async def close(self) -> None:
        """Kill the processes, for good."""
        self._closed = True
        processes, self._processes = self._processes, []
        self._seats.clear()
        for process in processes:
            await process.close()

    def _seat(self, speaker: str) -> Process:
        """The process that has a decoder for `speaker`; a new one if nobody has one to spare."""
        process = self._seats.get(speaker)
        if process and not process.failure:
            return process
        if process is None and len(self._seats) >= self._most_speakers:
            raise EngineError(
                f"The recognizer pocketsphinx hears {self._most_speakers} speakers at most here."
            )
        free = (process for process in self._processes if len(process.speakers) < self._voices)
        process = next(free, None) or self._launch()
        process.speakers.add(speaker)
        self._seats[speaker] = process
        process.post("join", speaker)
        return process

    def _launch(self) -> Process:
        if self._closed:
            raise EngineError("The recognizer pocketsphinx is closed.")
        process = Process(
            self._command, deadline_s=self._deadline_s, start_s=self._start_s, failed=self._replace
        )
        self._processes.append(process)
        return process

    def _replace(self, process: Process) -> None:
        """Load the models again for whoever speaks next, unless it was loading that failed."""
        if process in self._processes:
            self._processes.remove(process)
            if process.was_ready:
                self._launch()


class SphinxHearing:
    """A `Hearing`, in the process where it was opened. If that dies, so does the segment: whoever
    has its audio may open it again and send it all."""

    def __init__(self, process: Process, speaker: str) -> None:
        self._process = process
        self._speaker = speaker
        self._over = False

    async def hear(self, pcm: bytes, committed: str) -> Heard:
        """The words so far. Audio is taken even if this is cancelled. EngineError: it failed."""
        return Heard(await self._process.ask("hear", self._speaker, pcm), LANGUAGE)

    async def finish(self, pcm: bytes) -> Heard:
        """The words of the whole segment. EngineError: it failed."""
        self._over = True
        return Heard(await self._process.ask("finish", self._speaker, pcm), LANGUAGE)

    async def close(self) -> None:
        """Have the decoder forget the segment, unless it is finished."""
        if not self._over:
            self._process.post("cut", self._speaker)
        self._over = True
