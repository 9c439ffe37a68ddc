"""A stream that is dropped gives its place on the server to somebody else at once."""

import asyncio
from contextlib import aclosing

import pytest

from models.sglang.frames import Generate
from tests.contract.asking import EXACT, TEENSY, opened, prompt, running, sentences
from tests.contract.conftest import Serving

FREED_WITHIN_S = 3.0  # 0.06 is usual; a question that was not streamed would hold its slot for 4
LOOKED_EVERY_S = 0.02
SEEN_WITHIN_S = 10.0  # a server at work says so now and then, an idle one at once
LONG = {"temperature": 0, "max_new_tokens": 900, "ignore_eos": True}


@pytest.mark.parametrize("algorithm", ["none", "hypothesis"])
def test_a_dropped_stream_frees_its_slot(algorithm: str, serving: Serving) -> None:
    server = serving(str(TEENSY), algorithm, *EXACT)
    asyncio.run(dropped(server.url))


async def dropped(url: str) -> None:
    questions = [prompt(text, "zh") for text in sentences("zh")[:3]]
    async with opened(url) as servers:
        for question in questions:
            body = {"input_ids": question, "sampling_params": LONG}
            async with aclosing(servers.stream("/generate", body, Generate)) as events:
                await anext(events)
                async with asyncio.timeout(SEEN_WITHIN_S):
                    while await running(url) != 1:
                        await asyncio.sleep(LOOKED_EVERY_S)
            async with asyncio.timeout(FREED_WITHIN_S):
                while await running(url):
                    await asyncio.sleep(LOOKED_EVERY_S)
