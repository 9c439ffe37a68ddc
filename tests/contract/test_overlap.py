"""Overlap scheduling: the next pass is prepared before the last one's result is written down.

That is how SGLang works on a GPU. On this CPU it is asked for (models/sglang/cpu/README.md).
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from models.sglang.servers import Servers
from models.sglang.tokens import Ids
from models.sglang.ways import Plain, Plugin
from tests.contract.asking import EXACT, TEENSY, answer, opened, page, prompt, sentences, together
from tests.contract.conftest import Server, Serving, start

TOGETHER = 6
SENTENCES = 10  # into each language


@pytest.fixture
def overlapping(sglang: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of its own, told by its environment."""
    monkeypatch.setenv("SURTITLE_CPU_OVERLAP", "1")
    server, launcher = start(sglang, str(TEENSY), "hypothesis", EXACT, tmp_path / "log")
    yield server
    launcher.terminate()
    launcher.wait()


def grown(target: str) -> list[list[Ids]]:
    """Questions about sentences, each asked as it grows."""
    found = []
    for said in sentences(target)[300 : 300 + SENTENCES]:
        words = [f"{word} " for word in said.split()] if target == "zh" else list(said)
        states = ("".join(words[: count + 1]).strip() for count in range(len(words)))
        found.append([prompt(state, target) for state in states])
    return found


async def follow(servers: Servers, states: list[Ids]) -> list[tuple[Ids, int]]:
    """Each answer is the next one's hypothesis."""
    told: list[tuple[Ids, int]] = []
    for state in states:
        last = told[-1][0] if told else ()
        found = await answer(servers, Plugin(), state, last)
        told.append((found.ids, found.passes))
    return told


async def plainly(servers: Servers, states: list[Ids]) -> list[Ids]:
    """What is written token by token."""
    return [(await answer(servers, Plain(), state)).ids for state in states]


async def test_answers_are_the_same_when_results_are_known_a_step_late(
    overlapping: Server, serving: Serving
) -> None:
    assert '"disable_overlap_schedule":false' in await page(f"{overlapping.url}/server_info")
    lines = grown("zh") + grown("en")
    reference = serving(str(TEENSY), "none", *EXACT)
    async with opened(reference.url) as servers:
        wanted = await together(TOGETHER, partial(plainly, servers), lines)
    async with opened(overlapping.url) as servers:
        told = await together(TOGETHER, partial(follow, servers), lines)
    assert [[ids for ids, _ in line] for line in told] == wanted
    passes = sum(count for line in told for _, count in line)
    assert passes < sum(len(ids) for line in wanted for ids in line)
