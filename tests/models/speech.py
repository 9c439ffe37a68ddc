"""Speech for the engines' tests, made by flite from text; and how to see a process end."""

import os
import select
import shutil
import subprocess
import wave
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from streaming.values import SAMPLE_RATE


@cache
def spoken(text: str, voice: str = "rms") -> bytes:
    """`text` as 16 kHz int16; the test is skipped where flite is not installed."""
    if shutil.which("flite") is None:
        pytest.skip("no speech to hear: `apt-get install flite`")
    with TemporaryDirectory() as folder:
        path = Path(folder, "speech.wav")
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", path], check=True)
        with wave.open(str(path)) as file:
            assert file.getframerate() == SAMPLE_RATE
            pcm: bytes = file.readframes(file.getnframes())
            return pcm


class Watch:
    """Sees a process end, whoever its parent is by then."""

    def __init__(self, pid: int) -> None:
        self._descriptor = os.pidfd_open(pid)

    def ended(self, within_s: float = 10.0) -> bool:
        """Wait until the process is dead; False if it lives on."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(within_s * 1000))

    def __del__(self) -> None:
        os.close(self._descriptor)
