"""What the tester measures is what a client measures that was written from the protocol's page."""

import ast
import asyncio
import sys
from pathlib import Path

import pytest

from tests.loadtest import stranger
from tests.loadtest.fake_server import Known, known
from tests.loadtest.stranger import Stranger, percentile
from tests.loadtest.test_measuring import FRAME_MS, put, short, sound

__all__ = ["sound"]
pytestmark = pytest.mark.socket
WITHIN = 0.1
DELAY_S = 0.2


async def test_both_see_the_same_delay_and_the_same_age(sound: Path) -> None:
    """In one run, of a server whose delay is known."""
    other = Stranger(FRAME_MS)
    async with known(Known(delay_s=DELAY_S)) as url:
        there = f"{url.replace('http', 'ws')}/v1/rooms/stranger"
        said = (sound / "sound.wav").read_bytes()[44:]
        crowd, _ = await asyncio.gather(put(url, short(sound)), other.speak(there, said, 1.1))
    shown, ages = crowd.tally["chunk_to_caption"], crowd.tally["caption_age"]
    theirs, old = other.chunk_to_caption(0.2), other.ages(0.3)
    assert percentile(theirs, 50) == pytest.approx(1000 * DELAY_S, rel=WITHIN)
    assert shown.percentile(50) == pytest.approx(percentile(theirs, 50), rel=WITHIN)
    assert ages.percentile(50) == pytest.approx(percentile(old, 50), rel=WITHIN)


async def test_neither_counts_what_changed_nothing(sound: Path) -> None:
    """Finals that repeat what is seen are no updates, and make no words younger."""
    other = Stranger(FRAME_MS)
    async with known(Known(twice=range(10**6))) as url:
        there = f"{url.replace('http', 'ws')}/v1/rooms/stranger"
        await other.speak(there, bytes(32_000), 0.5)
    assert len(other.chunk_to_caption()) == 500 / FRAME_MS
    assert len(other.came) > len(other.chunk_to_caption())


def test_it_knows_nothing_of_ours() -> None:
    tree = ast.parse(Path(stranger.__file__).read_text("utf-8"))
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert names - sys.stdlib_module_names == {"websockets"}
