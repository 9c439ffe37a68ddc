"""Questions to a real server: as the translator asks them, by token ids, or as bytes."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec
import pytest
from tokenizers import Tokenizer

from models.base import Spent
from models.sglang.frames import Event, Generate
from models.sglang.servers import Servers
from models.sglang.tokens import Ids
from models.sglang.ways import Question, Way
from streaming.languages import NAMES

ROOT = Path(__file__).parents[2]
TEENSY = ROOT / "bench" / "teensy"
EXACT = ("--dtype", "float32")
"""bf16 has ties, which a batch of another shape decides otherwise."""
LIMIT = 48  # tokens of an answer
DEADLINE_S = 300.0  # nothing here is about how fast it is

TOKENIZER = Tokenizer.from_file(str(TEENSY / "tokenizer.json"))
STOP = TOKENIZER.token_to_id("<|im_end|>") or 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, and the passes through the model it took."""

    text: str
    ids: Ids
    passes: int


def prompt(text: str, target: str) -> Ids:
    """The question for the translation of `text` into `target`, as the model was trained on."""
    asked = f"<|im_start|>user\n{NAMES[target]}: {text}<|im_end|>\n<|im_start|>assistant\n"
    return tuple(TOKENIZER.encode(asked, add_special_tokens=False).ids)


def sentences(target: str) -> list[str]:
    """Held-out sentences in the language that is not `target`."""
    pairs = msgspec.json.decode((TEENSY / "heldout.json").read_bytes(), type=list[tuple[str, str]])
    return [english if target == "zh" else chinese for english, chinese in pairs]


@asynccontextmanager
async def opened(url: str, **given: Any) -> AsyncIterator[Servers]:
    """One server, as our clients see it, but that they wait for a machine that is busy."""
    servers = Servers([url], deadline_s=DEADLINE_S, **given)
    with pytest.MonkeyPatch.context() as patient:
        patient.setattr("models.sglang.servers.CONNECT_S", DEADLINE_S)
        await servers.open()
    try:
        yield servers
    finally:
        await servers.close()


async def answer(
    servers: Servers,
    way: Way,
    question: Ids,
    hypothesis: Ids = (),
    limit: int = LIMIT,
    added: Mapping[str, object] | None = None,
) -> Answer:
    """Ask in this way; `added` is added to how it samples."""

    async def ask(
        ids: Ids, limit: int, sampling: Mapping[str, object], more: Mapping[str, object]
    ) -> AsyncGenerator[Event, None]:
        greedy = {"temperature": 0, "max_new_tokens": limit, **sampling, **(added or {})}
        body = {"input_ids": ids, "sampling_params": greedy, **more}
        async with aclosing(servers.stream("/generate", body, Generate)) as events:
            async for event in events:
                yield event

    text, passes = "", 0
    said: Ids = ()
    asked = Question(question, hypothesis, limit, frozenset({STOP}))
    async with aclosing(way.answer(asked, ask)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Spent):
                passes = piece.passes
            else:
                text, said = text + piece.text, said + piece.ids
    return Answer(text, said, passes)


A = TypeVar("A")
B = TypeVar("B")


async def together(most: int, work: Callable[[A], Awaitable[B]], given: Iterable[A]) -> list[B]:
    """`work` for each, `most` at a time."""
    room = asyncio.Semaphore(most)

    async def one(thing: A) -> B:
        async with room:
            return await work(thing)

    return list(await asyncio.gather(*map(one, given)))


async def posted(
    url: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """The status and the whole body of an answer, as it came."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=headers) as response,
    ):
        return response.status, await response.read()


async def page(url: str, key: str = "") -> str:
    """A page of the server's."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
        assert response.status == 200, await response.text()
        return await response.text()


async def running(url: str, key: str = "") -> int:
    """Requests that the server is at work on, or has in its queue."""
    loads = msgspec.json.decode(await page(f"{url}/v1/loads", key))["loads"]
    return sum(int(one["num_running_reqs"] + one["num_waiting_reqs"]) for one in loads)


def shuffled(things: Iterable[A], seed: int = 0) -> list[A]:
    """In an order that has nothing to do with where they came from, the same every time."""
    mixed = list(things)
    random.Random(seed).shuffle(mixed)
    return mixed
