"""Whatever goes wrong on a real server is one kind of error here, with a sentence."""

import asyncio
import re
from contextlib import aclosing

import pytest

from models.base import Request
from models.qwen_asr.recognizer import QwenAsr
from models.sglang import errors
from models.sglang.frames import Chat, Event, Generate
from models.sglang.translator import SGLang
from tests.contract.asking import EXACT, TEENSY, opened, posted, prompt, running
from tests.contract.conftest import Serving
from tests.contract.stock import KEY, Stock
from tests.models.sglang.double import frames, recorded, shape

CHAT = "/v1/chat/completions"
QUESTION = prompt("你好", "en")
ENDLESS = {"temperature": 0, "max_new_tokens": 900, "ignore_eos": True}
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
QUICKLY_S = 20.0


def test_a_server_that_loads_is_absent_then_loading_then_ready(stock: Stock) -> None:
    kinds = [type(trouble) for trouble in stock.troubles]
    assert kinds[:1] == [errors.Absent] and set(kinds) <= {errors.Absent, errors.Loading}
    if errors.Loading not in kinds:
        pytest.skip("it listened and was ready between two looks")
    assert "is not ready" in str(stock.troubles[kinds.index(errors.Loading)])


@pytest.mark.parametrize("key", ["", "another"])
def test_a_wrong_key_is_refused_at_the_start(key: str, stock: Stock) -> None:
    for engine in (
        SGLang(urls=[stock.url], key=key, start_s=QUICKLY_S),
        QwenAsr(urls=[stock.url], key=key, start_s=QUICKLY_S),
    ):
        with pytest.raises(errors.WrongKey, match="refuses the key"):
            asyncio.run(engine.start())


def test_an_unknown_model_is_named_with_those_there_are(stock: Stock) -> None:
    engine = SGLang(urls=[stock.url], key=KEY, model="qwen9", start_s=QUICKLY_S)
    with pytest.raises(errors.NoModel, match=r"no model 'qwen9' there, but translator"):
        asyncio.run(engine.start())


async def said(
    url: str, path: str, body: dict[str, object], reader: type[Generate] | type[Chat], key: str = ""
) -> list[Event]:
    async with (
        opened(url, key=key) as servers,
        aclosing(servers.stream(path, body, reader)) as events,
    ):
        return [event async for event in events]


def test_a_question_that_is_too_long_is_refused(serving: Serving) -> None:
    server = serving(str(TEENSY), "none", *EXACT)
    long = {"input_ids": [7] * 5_000, "sampling_params": {"max_new_tokens": 1}}
    with pytest.raises(errors.TooLong, match="cannot read so much"):
        asyncio.run(said(server.url, "/generate", dict(long), Generate))
    chat: dict[str, object] = {
        "model": "translator",
        "messages": [{"role": "user", "content": "好的" * 4_000}],
    }
    with pytest.raises(errors.TooLong, match="cannot read so much"):
        asyncio.run(said(server.url, CHAT, chat, Chat))
    status, refused = asyncio.run(posted(f"{server.url}/generate", {**long, "stream": True}))
    assert status == 200 and shape(frames(refused)) == shape(frames(recorded("refused.sse")))
    status, refused = asyncio.run(posted(server.url + CHAT, {**chat, "stream": True}))
    assert status == 400 and refused_alike(refused, "chat_too_long.json")


def refused_alike(body: bytes, name: str) -> bool:
    found, before = (re.sub(rb"\d+", b"0", one) for one in (body, recorded(name)))
    return found == before


def test_a_full_server_says_so_within_a_stream_and_without(stock: Stock) -> None:
    asyncio.run(full(stock.url))


async def full(url: str) -> None:
    body: dict[str, object] = {"input_ids": QUESTION, "sampling_params": ENDLESS}
    chat: dict[str, object] = {
        "model": "translator",
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 5,
    }
    async with (
        opened(url, key=KEY) as servers,
        aclosing(servers.stream("/generate", body, Generate)) as working,
    ):
        await anext(working)
        waiting = asyncio.create_task(said(url, "/generate", body, Generate, KEY))
        while await running(url, KEY) < 2:
            pass
        for path, asked, reader in (("/generate", body, Generate), (CHAT, chat, Chat)):
            with pytest.raises(errors.Full, match="is full"):
                await said(url, path, asked, reader, KEY)
        status, frame = await posted(url + CHAT, {**chat, "stream": True}, AUTHORIZED)
        assert status == 200 and shape(frames(frame)) == shape(frames(recorded("full.sse")))
        status, frame = await posted(f"{url}/generate", body, AUTHORIZED)
        assert status == 503 and b"queue is full" in frame
        with pytest.raises(errors.Full):
            await servers.ask("/generate", lambda: body)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    engine = SGLang(urls=[url], key=KEY, start_s=QUICKLY_S, deadline_s=QUICKLY_S)
    await engine.start()  # there is room again
    assert [piece async for piece in engine.translate(Request("zh", "en", "你好"))]
    await engine.close()
