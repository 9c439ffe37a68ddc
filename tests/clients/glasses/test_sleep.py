"""A device that sleeps and wakes, worn as people do it: by the command, in a process of its own."""

import asyncio
import signal
import wave
from pathlib import Path

import pytest

from clients import child
from clients.audio import opened, source
from clients.glasses.faces import Cells
from clients.glasses.layout import Layout
from clients.glasses.profiles import profile
from clients.link import Link
from streaming.messages import Caption, Hello
from streaming.values import SAMPLE_RATE

CLIP = Path(__file__).parents[3] / "loadtest" / "conversation" / "alan.flac"
SECONDS, SLEEPS_AT, SLEEPS = 22, 6.0, 12.0

pytestmark = [pytest.mark.socket, pytest.mark.slow]


async def spoken(path: Path) -> None:
    """The beginning of the conversation, as a file."""
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        async for frame in await opened(source(str(CLIP))):
            if frame.end > SECONDS * SAMPLE_RATE:
                return
            out.writeframesraw(frame.pcm)


async def test_who_sleeps_for_a_while_goes_on_and_is_shown_every_final(tmp_path: Path) -> None:
    talk, out = tmp_path / "talk.wav", tmp_path / "screens"
    await spoken(talk)
    finals: list[Caption] = []
    async with (
        asyncio.timeout(90),
        child.server("scripted") as ready,
        Link(ready.url, "lab", Hello("witness", ["es"])) as witness,
    ):
        words = child.surtitle("glasses", "lab", "--server", ready.url, "--driver", "svg")
        words += ["--out", str(out), "--hears", "en", "--reads", "es", "--audio", str(talk)]
        async with child.process(words) as worn:
            watching = asyncio.create_task(watched(witness, finals))
            await asyncio.sleep(SLEEPS_AT)
            worn.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(SLEEPS)
            worn.process.send_signal(signal.SIGCONT)
            assert await worn.process.wait() == 0
        await asyncio.sleep(0.5)
        watching.cancel()
    assert max(one.end for one in finals) > (SLEEPS_AT + 5) * SAMPLE_RATE
    screens = "\n".join(file.read_text() for file in out.glob("*.svg"))
    layout = Layout(profile("terminal"), Cells())
    for final in finals:
        for row in layout.caption(final):
            assert row.text in screens, f"{row.text!r} was never shown"


async def watched(witness: Link, finals: list[Caption]) -> None:
    async for message in witness:
        if isinstance(message, Caption) and message.final and message.text:
            finals.append(message)
