"""How many questions model servers take is known, together, and followed when it changes."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from models.base import Bounded
from models.openai.transcriptions import Transcriptions
from models.openai.translator import OpenAI
from models.qwen_asr.recognizer import QwenAsr
from models.sglang.servers import Servers
from models.sglang.slots import Slots, running
from models.sglang.translator import SGLang
from tests.models.sglang.double import Double, double

SOON_S = 10.0


def said(**info: object) -> bytes:
    return msgspec.json.encode(info)


@pytest.mark.parametrize(
    ("answer", "slots"),
    [
        (said(max_running_requests=128), 128),
        (  # its cache holds less than was asked for; two replicas are two
            said(
                max_running_requests=128,
                internal_states=[{"effective_max_running_requests_per_dp": 40}] * 2,
            ),
            80,
        ),
        (said(max_running_requests=128, internal_states=[{}]), 128),
        (said(version="0.5.23"), None),
        (said(max_running_requests=None), None),
        (said(max_running_requests=0), None),
        (b'{"max_running_requests": 1%s}' % (b"0" * 400), None),
        (b'{"max_running_requests": "many"}', None),
        (b"<html>It works!</html>", None),
    ],
)
def test_a_server_says_how_many_requests_it_runs_or_nothing(
    answer: bytes, slots: int | None
) -> None:
    assert running(answer) == slots


def test_several_servers_take_together_what_those_take_that_are_here() -> None:
    slots = Slots()
    assert slots.total(["a"]) is None
    slots.push("a", 128)
    assert slots.total(["a", "b"]) is None, "who has not been asked may take any number"
    slots.push("b", 64)
    assert slots.total(["a", "b"]) == 192
    assert slots.total(["b"]) == 64
    assert slots.total([]) == 192, "all are away: what they said last"
    slots.push("b", None)
    assert slots.total(["a", "b"]) is None


@pytest.mark.parametrize("kind", [SGLang, QwenAsr, OpenAI, Transcriptions])
def test_every_engine_on_servers_has_a_bound_that_is_unknown_before_it_starts(
    kind: Callable[[], object],
) -> None:
    engine = kind()
    assert isinstance(engine, Bounded) and engine.slots is None


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.sglang.servers.ASK_EVERY_S", 0.01)


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not seen():
            await asyncio.sleep(0.005)


@pytest.mark.socket
@pytest.mark.usefixtures("often")
async def test_a_server_that_comes_back_with_less_or_more_is_followed() -> None:
    async with double(running=128) as one, double(running=64) as two:
        servers = Servers([one.url, two.url])
        async with servers.starting("translator", "sglang", 0.0):
            assert servers.slots == 192
            one.running = 16
            await until(lambda: servers.slots == 80)
            one.running = 256
            await until(lambda: servers.slots == 320)
        await servers.close()


@pytest.mark.socket
@pytest.mark.usefixtures("often")
async def test_what_does_not_answer_is_asked_again_and_hurts_nobody() -> None:
    async with double(running=128) as one:
        servers = Servers([one.url])
        async with servers.starting("translator", "sglang", 0.0):
            one.fault = "loading"  # every page of it is a 503 now
            before = len(one.questions("/server_info"))
            await until(lambda: len(one.questions("/server_info")) > before + 3)
            assert servers.slots == 128 and not servers.troubled
            one.fault, one.running = "", 32
            await until(lambda: servers.slots == 32)
        await servers.close()


@pytest.mark.socket
@pytest.mark.usefixtures("often")
async def test_after_it_is_closed_nobody_asks_any_more() -> None:
    one = Double(running=8)
    await one.start()
    servers = Servers([one.url])
    async with servers.starting("translator", "sglang", 0.0):
        pass
    await servers.close()
    asked = len(one.questions("/server_info"))
    for _ in range(5):
        await asyncio.sleep(0.01)
    assert len(one.questions("/server_info")) == asked
    await one.stop()
