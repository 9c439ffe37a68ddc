"""What the real server streams: our client reads it, and the double has it recorded like that."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from models.sglang.frames import Chat, End, Event, Generate, Judged, Piece
from models.sglang.launch.warmup import heard
from models.sglang.sse import Stream
from tests.contract.asking import EXACT, STOP, TEENSY, posted, prompt
from tests.contract.conftest import Serving
from tests.contract.stock import KEY, Stock
from tests.models.sglang.double import frames, recorded, shape

CHAT = "/v1/chat/completions"
GREEDY = {"temperature": 0, "max_new_tokens": 40}
QUESTION = prompt("你明天会成功。", "en")
SAYING: dict[str, object] = {
    "model": "translator",
    "messages": [{"role": "user", "content": "English: 你明天会成功。"}],
    "temperature": 0,
    "max_tokens": 40,
    "stream": True,
    "stream_options": {"include_usage": True, "continuous_usage_stats": True},
}
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


def generate(**more: object) -> dict[str, object]:
    return {"input_ids": QUESTION, "sampling_params": GREEDY, "stream": True, **more}


def body(url: str, asked: Mapping[str, object], key: bool = False) -> bytes:
    status, said = asyncio.run(posted(url, asked, AUTHORIZED if key else None))
    assert status == 200, said
    return said


def events(said: bytes, kind: type[Generate] | type[Chat]) -> list[Event]:
    stream = Stream(kind())
    return stream.push(said) + stream.close()


def said_in(name: str) -> set[str]:
    """What the double's recording of that name tells."""
    return told(frames(recorded(name)))


def told(found: Any, at: str = "") -> set[str]:
    """Everything that some frames tell: where it is, and what kind of thing. Options of a server
    add to it, so what was recorded is to be a part of what is told now."""
    if isinstance(found, list):
        return set().union(*(told(one, f"{at}[]") for one in found)) if found else set()
    kind = shape(found)
    if not isinstance(kind, dict):
        return {f"{at}: {kind}"}
    return set().union(*(told(found[key], f"{at}.{key}") for key in kind))


def ids(found: list[Event]) -> list[int]:
    return [token for event in found if isinstance(event, Piece) for token in event.ids]


def text(found: list[Event]) -> str:
    return "".join(event.text for event in found if isinstance(event, Piece))


def end(found: list[Event]) -> End:
    assert isinstance(found[-1], End)
    return found[-1]


def test_what_is_new_in_an_answer_is_read_as_the_answer(serving: Serving) -> None:
    server = serving(str(TEENSY), "ngram", *EXACT)
    asked = generate(sampling_params={**GREEDY, "max_new_tokens": 10, "ignore_eos": True})
    body(f"{server.url}/generate", asked)  # so that the n-grams know what to guess
    said = body(f"{server.url}/generate", asked)
    found = events(said, Generate)
    assert any(len(event.ids) > 1 for event in found if isinstance(event, Piece))
    assert end(found).reason == "length" and end(found).counts.completion == len(ids(found)) == 10
    assert 0 < end(found).counts.verified < 9  # passes after the first token
    plain = serving(str(TEENSY), "none", *EXACT)
    assert ids(found) == ids(events(body(f"{plain.url}/generate", asked), Generate))
    assert said_in("generate_incremental.sse") <= told(frames(said))


def test_whole_answers_are_read_as_the_answer(stock: Stock) -> None:
    said = body(f"{stock.url}/generate", generate(), key=True)
    found = events(said, Generate)
    lengths = [len(frame["output_ids"]) for frame in frames(said)]
    assert lengths == sorted(lengths) and lengths[-1] == len(ids(found)) > 3
    assert end(found).reason == "stop" and end(found).matched == STOP
    assert end(found).counts.completion == lengths[-1]
    assert said_in("generate_cumulative.sse") <= told(frames(said))


def test_what_the_server_thinks_of_a_hypothesis_is_read(serving: Serving) -> None:
    server = serving(str(TEENSY), "none", *EXACT)
    answer = ids(events(body(f"{server.url}/generate", generate()), Generate))
    for right, name in ((len(answer) - 1, "verify_accepted"), (2, "verify_partly")):
        guess = [*answer[:right], *([5] if right == 2 else [])]
        judging = {
            "input_ids": [*QUESTION, *guess],
            "logprob_start_len": len(QUESTION) - 1,
            "return_logprob": True,
            "top_logprobs_num": 1,
        }
        said = body(f"{server.url}/generate", generate(**judging))
        found = events(said, Generate)
        assert isinstance(found[0], Judged) and len(found[0].greedy) == len(guess)
        assert list(found[0].greedy)[: right + 1] == answer[: right + 1][: len(guess)]
        assert said_in(f"{name}.sse") <= told(frames(said))


@pytest.mark.parametrize(("algorithm", "name"), [("none", "chat"), ("ngram", "chat_speculative")])
def test_a_chat_is_read(algorithm: str, name: str, serving: Serving) -> None:
    server = serving(str(TEENSY), algorithm, *EXACT)
    said = body(f"{server.url}{CHAT}", {**SAYING, "return_spec_tokens_details": True})
    found = events(said, Chat)
    native = events(body(f"{server.url}/generate", generate()), Generate)
    assert text(found) == text(native)
    assert end(found).reason == "stop" and end(found).counts.completion == len(ids(native))
    assert said_in(f"{name}.sse") <= told(frames(said))


def test_a_chat_with_sound_is_read(serving: Serving) -> None:
    server = serving("qwen3-asr", "none")
    said = body(f"{server.url}{CHAT}", listening())
    assert end(events(said, Chat)).counts.audio > 0
    assert said_in("audio_chat.sse") <= told(frames(said))


def listening() -> dict[str, object]:
    """Two seconds of faint noise, to be continued."""
    return {
        **heard(),
        "max_tokens": 26,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_an_answer_that_is_given_up_says_so(serving: Serving) -> None:
    server = serving(str(TEENSY), "none", *EXACT)
    for path, kind, name, asked in (
        ("/generate", Generate, "generate_aborted", generate(sampling_params=ENDLESS)),
        (CHAT, Chat, "chat_aborted", {**SAYING, "max_tokens": 900, "ignore_eos": True}),
    ):
        said = asyncio.run(aborted(server.url, path, {**asked, "rid": name}))
        assert end(events(said, kind)).reason == "abort"
        assert said_in(f"{name}.sse") <= told(frames(said))


ENDLESS: dict[str, Any] = {"temperature": 0, "max_new_tokens": 900, "ignore_eos": True}


async def aborted(url: str, path: str, asked: Mapping[str, object]) -> bytes:
    """Everything that is said until somebody has it stopped after the first frame."""
    said = b""
    async with (
        aiohttp.ClientSession() as session,
        session.post(url + path, json=asked) as response,
    ):
        said = await response.content.readany()
        async with session.post(f"{url}/abort_request", json={"rid": asked["rid"]}):
            pass
        return said + await response.read()
