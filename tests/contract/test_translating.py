"""The translator, whole, on a sentence that grows: each server is used in the way that it has."""

import asyncio
from dataclasses import dataclass

import pytest

from models.base import Request, Spent
from models.sglang.translator import SGLang
from tests.contract.asking import DEADLINE_S, EXACT, TEENSY, sentences
from tests.contract.conftest import Serving

WAYS = {"hypothesis": "plugin", "ngram": "ngram", "none": "logprobs"}
LINES = 6
HELD = 2  # words of the last answer, of all but the first updates, that the next begins with


@dataclass(frozen=True, slots=True)
class Told:
    """What came of all updates."""

    way: str
    answers: tuple[str, ...]
    spent: tuple[Spent, ...]


async def translated(url: str, way: str = "") -> Told:
    """Sentences into Chinese and English as a room asks for them: with prefix and hypothesis."""
    engine = SGLang(urls=[url], way=way, deadline_s=DEADLINE_S)
    spent: list[Spent] = []
    answers: list[str] = []
    await engine.start()
    engine.on_spent = spent.append
    try:
        for source, target in engine.pairs:
            for text in sentences(target)[300 : 300 + LINES]:
                parts = list(text) if source == "zh" else [f"{word} " for word in text.split()]
                prefix = said = ""
                for at in range(1, len(parts) + 1):
                    grown = "".join(parts[:at]).strip()
                    final = at == len(parts)
                    asked = Request(
                        source, target, grown, prefix=prefix, hypothesis=said, final=final
                    )
                    said = "".join([piece async for piece in engine.translate(asked)])
                    answers.append(prefix + "|" + said)
                    if not prefix and len(words := said.split(" ")) > HELD:
                        prefix = " ".join(words[:HELD])
                        said = " ".join(words[HELD:])
    finally:
        await engine.close()
    return Told(engine.way.name, tuple(answers), tuple(spent))


@pytest.fixture(scope="module")
def plain(serving: Serving) -> Told:
    """Without hypotheses."""
    return asyncio.run(translated(serving(str(TEENSY), "none", *EXACT).url, way="none"))


@pytest.mark.parametrize("algorithm", WAYS)
def test_it_uses_hypotheses_as_the_server_can_and_says_the_same(
    algorithm: str, plain: Told, serving: Serving
) -> None:
    told = asyncio.run(translated(serving(str(TEENSY), algorithm, *EXACT).url))
    assert told.way == WAYS[algorithm] and plain.way == "none"
    assert told.answers == plain.answers
    took, took_plainly = (sum(one.passes for one in found.spent) for found in (told, plain))
    assert 0 < took < took_plainly
    if algorithm != "ngram":
        assert any(one.accepted for one in told.spent)
    assert any(one.cached for one in told.spent)
