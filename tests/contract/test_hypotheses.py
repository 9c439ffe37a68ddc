"""No hypothesis, however wrong, changes an answer or disturbs the server: many at once."""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from models.sglang.servers import Servers
from models.sglang.tokens import Ids
from models.sglang.ways import Plain, Plugin
from tests.contract.asking import (
    EXACT,
    STOP,
    TEENSY,
    Answer,
    answer,
    opened,
    page,
    prompt,
    sentences,
    shuffled,
    together,
)
from tests.contract.conftest import Server, Serving

LINES = 8  # into each language, of several sentences each
SENTENCES = 3
VOCABULARY = 6016
HARMLESS: dict[str, Any] = {
    "range": [5, VOCABULARY, 6],
    "negative": [5, -1],
    "huge": [1 << 70],
    "long": list(range(10_000)),
    "text": "hello",
    "texts": ["a", "b"],
    "fractions": [1.5, 2.0],
    "truths": [True, False],
    "nested": [[1, 2], [3]],
    "object": {"a": 1},
    "number": 7,
    "nothing": None,
    "empty": [],
}
REFUSED = {"range", "length", "type"}
CHUNKS = ("--chunked-prefill-size", "32")
CRAMPED = (
    *("--max-total-tokens", "640", "--schedule-conservativeness", "0.01"),
    *("--max-running-requests", "24", "--max-queued-requests", "48"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what is said to be its answer."""

    line: Ids
    limit: int
    stop: str | None
    hypothesis: Any = ()


def plainly() -> list[Asked]:
    """Questions without hypotheses."""
    found = []
    for target in ("zh", "en"):
        said = sentences(target)[200 : 200 + LINES * SENTENCES]
        between = " " if target == "zh" else ""
        stop = "，" if target == "zh" else " the"
        for start in range(0, len(said), SENTENCES):
            line = prompt(between.join(said[start : start + SENTENCES]), target)
            found += [Asked(line, limit, None) for limit in (1, 3, 7, 48)]
            found.append(Asked(line, 48, stop))
    return found


def mutated(ids: Ids, draw: random.Random) -> Iterator[Ids]:
    """What the last answer may be, before its source went on."""
    yield ids
    if not ids:
        return
    at, other = draw.randrange(len(ids)), draw.randrange(8, VOCABULARY)
    yield (*ids[:at], other, *ids[at + 1 :])
    yield (*ids[:at], other, *ids[at:])
    yield (*ids[:at], *ids[at + 1 :])
    yield (*ids[at:], *ids[:at])
    yield ids * 6
    yield tuple(draw.randrange(VOCABULARY) for _ in ids)
    yield (*ids[:at], STOP, *ids[at:])
    yield (STOP,) * 20


@pytest.fixture(scope="module")
def greedy(serving: Serving) -> dict[Asked, Answer]:
    """What a server without speculation says."""
    server = serving(str(TEENSY), "none", *EXACT)
    questions = plainly()
    return dict(zip(questions, asyncio.run(asked(server, questions, 8)), strict=True))


def hypotheses(greedy: dict[Asked, Answer]) -> list[Asked]:
    """Every question with the right hypothesis, and some with many that are not."""
    draw = random.Random(1)
    found = []
    for number, question in enumerate(greedy):
        whole = greedy[replace(question, limit=48, stop=None)].ids
        guesses: list[Any] = [list(ids) for ids in mutated(whole, draw)]
        found += [replace(question, hypothesis=guess) for guess in guesses[number % 3 :: 3]]
        if number % 10 == 0:
            found += [replace(question, hypothesis=guess) for guess in HARMLESS.values()]
    return shuffled(found)


async def asked(server: Server, questions: list[Asked], most: int) -> list[Answer]:
    async with opened(server.url, most=most) as servers:
        return await together(most, partial(ask, servers), questions)


async def ask(servers: Servers, question: Asked) -> Answer:
    way = Plain("none") if question.hypothesis == () else Plugin()
    more: dict[str, object] = {"stop": [question.stop]} if question.stop else {}
    if question.hypothesis != ():
        more["custom_params"] = {"draft_token_ids": question.hypothesis}
    return await answer(servers, way, question.line, (), question.limit, more)


@pytest.mark.parametrize(
    ("flags", "most"), [((), 8), (CHUNKS, 8), (CRAMPED, 24)], ids=["roomy", "chunked", "cramped"]
)
def test_no_hypothesis_changes_an_answer(
    flags: tuple[str, ...],
    most: int,
    greedy: dict[Asked, Answer],
    serving: Serving,
    count: Callable[[str], None],
) -> None:
    server = serving(str(TEENSY), "hypothesis", *EXACT, *flags)
    questions = hypotheses(greedy)
    answers = asyncio.run(asked(server, questions, most))
    wrong = [
        (question, found, plain)
        for question, found in zip(questions, answers, strict=True)
        if (plain := greedy[replace(question, hypothesis=())]).ids != found.ids
        or plain.text != found.text
    ]
    retracted = server.log.read_text(errors="replace").count("Retract requests")
    count(f"{len(questions)} hypotheses, {len(wrong)} wrong answers, {retracted} times retracted")
    assert not wrong
    assert bool(retracted) == (flags == CRAMPED)
    asyncio.run(is_whole(server))


async def is_whole(server: Server) -> None:
    """It is idle, all its memory is free, and it answers."""
    assert "Cache flushed" in await page(f"{server.url}/flush_cache?timeout=30")
    async with opened(server.url) as servers:
        assert (await answer(servers, Plugin(), prompt("好", "en"), limit=3)).ids
    log = server.log.read_text(errors="replace")
    assert "leak" not in log.replace("nanobind: leaked", "") and "Traceback" not in log


def test_the_server_counts_hypotheses(greedy: dict[Asked, Answer], serving: Serving) -> None:
    server = serving(str(TEENSY), "hypothesis", *EXACT)
    line = next(iter(greedy)).line
    before = asyncio.run(counted(server))
    for given in HARMLESS.values():
        asyncio.run(asked(server, [Asked(line, 7, None, given)], 1))
    between = asyncio.run(counted(server))
    refused = {name for name, value in between.items() if value > before.get(name, 0.0)}
    assert {f'surtitle_hypothesis_refused_total{{why="{why}"}}' for why in REFUSED} <= refused
    right = list(greedy[Asked(line, 48, None)].ids)
    asyncio.run(asked(server, [Asked(line, 48, None, [right[0] + 1, *right[1:]])], 1))
    after = asyncio.run(counted(server))
    gained = {name: value - between.get(name, 0.0) for name, value in after.items()}
    assert gained["surtitle_hypothesis_offered_total"] == len(right)
    for name in ("accepted", "verified", "passes"):
        assert gained[f"surtitle_hypothesis_{name}_total"] > 0


async def counted(server: Server) -> dict[str, float]:
    """The plugin's own figures on /metrics."""
    found = await page(f"{server.url}/metrics")
    lines = (line.rpartition(" ") for line in found.splitlines() if line[:1] != "#")
    return {name: float(value) for name, _, value in lines if name.startswith("surtitle_")}
