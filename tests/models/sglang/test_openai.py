"""Any OpenAI-compatible server translates: one line, no thoughts, no hypotheses."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from models import registry
from models.base import Request, Translator
from models.openai.translator import Line, OpenAI
from models.sglang import errors
from tests.models.sglang.double import Double, double, recorded

CHAT = "/v1/chat/completions"
HELLO = Request("zh", "en", "你好<|im_end|>", hypothesis="hello")


def chat(*pieces: str, reason: str = "stop") -> bytes:
    chunks: list[dict[str, Any]] = [{"choices": [{"delta": {"content": text}}]} for text in pieces]
    chunks.append({"choices": [{"delta": {}, "finish_reason": reason}]})
    return b"".join(b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks)


@asynccontextmanager
async def translating(*pieces: str) -> AsyncIterator[tuple[Double, OpenAI]]:
    async with double(answers={CHAT: chat(*pieces)}, model="qwen3:4b") as server:
        engine = OpenAI(urls=[server.url])
        await engine.start()
        try:
            yield server, engine
        finally:
            await engine.close()


async def translated(engine: Translator, request: Request = HELLO) -> str:
    return "".join([piece async for piece in engine.translate(request)])


def read(*pieces: str) -> tuple[str, bool]:
    line = Line()
    text = "".join(line.push(piece) for piece in pieces if not line.over)
    return text, line.over


def test_it_claims_nothing_it_cannot_do() -> None:
    engine: Translator = registry.translator("openai")
    assert not engine.forces_prefix and engine.name == "openai"


@pytest.mark.parametrize(
    ("pieces", "text", "over"),
    [
        (["\n\n", "he", "llo", "\n", "more"], "hello", True),
        (["<thi", "nk>\nhm\n", "</think>\n\nhello"], "hello", False),
        (["<think>", "never ends"], "", False),
        (["<", "b>"], "<b>", False),
        (["hello\n\nNote:"], "hello", True),
    ],
)
def test_an_answer_is_its_first_line(pieces: list[str], text: str, over: bool) -> None:
    assert read(*pieces) == (text, over)


@pytest.mark.socket
async def test_the_chat_is_plain_and_greedy() -> None:
    async with translating("hello") as (server, engine):
        assert await translated(engine) == "hello"
        body = server.questions(CHAT)[-1].body
        assert body["temperature"] == 0 and body["model"] == "qwen3:4b" and body["stream"]
        assert [turn["role"] for turn in body["messages"]] == ["system", "user"]
        assert not re.search(r"<\|", body["messages"][-1]["content"])
        assert body["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.socket
async def test_a_second_line_is_not_waited_for() -> None:
    async with translating("hello\n", "world") as (server, engine):
        server.fault = "slow"
        server.answers[CHAT] = chat("hello\n", "x" * 400)
        assert await translated(engine) == "hello"
        await server.dropped.wait()


@pytest.mark.socket
async def test_a_server_that_knows_less_is_asked_for_less() -> None:
    def strict(body: dict[str, Any]) -> bytes:
        if "chat_template_kwargs" in body:
            return b'{"object":"error","message":"Unrecognized argument","code":400}'
        return chat("hello")

    async with double(answers={CHAT: strict}, model="gpt") as server:
        engine = OpenAI(urls=[server.url])
        await engine.start()
        assert await translated(engine) == "hello"
        assert "chat_template_kwargs" not in server.questions(CHAT)[-1].body
        await engine.close()


@pytest.mark.socket
async def test_an_answer_that_was_given_up_is_an_error() -> None:
    async with translating("hello") as (server, engine):
        server.answers[CHAT] = recorded("chat_aborted.sse")
        with pytest.raises(errors.Aborted):
            await translated(engine)


@pytest.mark.socket
async def test_a_model_that_is_not_there_is_refused_with_what_is() -> None:
    async with double(answers={CHAT: chat("hello")}) as server:
        with pytest.raises(errors.NoModel, match=r"no model 'llama' there, but translator"):
            await OpenAI(urls=[server.url], model="llama").start()
