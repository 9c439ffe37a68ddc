"""Whichever way the last answer is used, the next one is the same: 200 sentences that grow.

Each is translated anew with every two words (or characters, from Chinese), by a small model trained
for it, with its last answer as the hypothesis. The prefix cache is left as it comes.
"""

import asyncio
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from models.sglang.tokens import Ids, Local
from models.sglang.ways import Logprobs, Plain, Plugin, Way
from tests.contract.asking import (
    EXACT,
    TEENSY,
    Answer,
    answer,
    opened,
    prompt,
    sentences,
    together,
)
from tests.contract.conftest import Serving

SENTENCES = 100  # into each language
HOP = 2  # words: every one of them would take twice as long, and say the same
TOGETHER = 8
ALGORITHM = {"none": "none", "logprobs": "none", "ngram": "ngram", "plugin": "hypothesis"}

Line = tuple[Ids, ...]
"""The prompts of a sentence that grows."""
Said = Callable[[str], list[list[Answer]]]
"""said(way): for every line, the answers to its prompts."""


def lines() -> Iterator[Line]:
    """Both ways."""
    for target in ("zh", "en"):
        for text in sentences(target)[:SENTENCES]:
            parts = [f"{word} " for word in text.split()] if target == "zh" else list(text)
            sizes = [*range(HOP, len(parts), HOP), len(parts)]
            states = ("".join(parts[:size]).strip() for size in sizes)
            yield tuple(prompt(state, target) for state in states)


def way(name: str) -> Way:
    if name == "logprobs":
        return Logprobs(Local((TEENSY / "tokenizer.json").read_bytes()))
    return Plugin() if name == "plugin" else Plain(name)


@pytest.fixture(scope="module")
def said(serving: Serving) -> Said:
    """Each way is asked once, several lines at a time."""

    @cache
    def ask(name: str) -> list[list[Answer]]:
        server = serving(str(TEENSY), ALGORITHM[name], *EXACT)
        return asyncio.run(asked(server.url, name))

    return ask


async def asked(url: str, name: str) -> list[list[Answer]]:
    async with opened(url) as servers:

        async def one(line: Line) -> list[Answer]:
            answers: list[Answer] = []
            for question in line:
                last = answers[-1].ids[:-1] if answers else ()  # without what ended it
                answers.append(await answer(servers, way(name), question, last))
            return answers

        return await together(TOGETHER, one, lines())


def passes(answers: list[list[Answer]]) -> int:
    return sum(one.passes for line in answers for one in line)


@pytest.mark.parametrize("name", ["logprobs", "ngram", "plugin"])
def test_every_way_says_what_greedy_decoding_says(
    name: str, said: Said, count: Callable[[str], None]
) -> None:
    plain, found = said("none"), said(name)
    updates = sum(map(len, plain))
    assert updates > 600
    pairs = [
        (ours, theirs)
        for line, plainly in zip(found, plain, strict=True)
        for ours, theirs in zip(line, plainly, strict=True)
    ]
    different = [pair for pair in pairs if pair[0].ids != pair[1].ids]
    count(
        f"{name:8} {updates} updates, {len(different)} different,"
        f" {passes(found) / updates:.2f} passes each; none {passes(plain) / updates:.2f}"
    )
    assert not different
    assert [ours.text for ours, _ in pairs] == [theirs.text for _, theirs in pairs]


def test_a_hypothesis_saves_passes_and_our_algorithm_the_most(said: Said) -> None:
    took = {name: passes(said(name)) for name in ALGORITHM}
    assert took["none"] > took["ngram"] > took["plugin"]
    assert took["none"] > took["logprobs"] > took["plugin"]
