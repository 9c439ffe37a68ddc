"""Every way a server can fail is a sentence within the deadline, and its return is noticed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from models.sglang import errors
from models.sglang.frames import End, Generate, Piece
from models.sglang.servers import Servers
from tests.models.sglang.double import Double, Fault, double, recorded

pytestmark = pytest.mark.socket

ANSWER = recorded("generate_cumulative.sse")
SAID = "Would you please pass the check?"


@asynccontextmanager
async def asking(
    *doubles: Double, deadline_s: float = 5.0, key: str = ""
) -> AsyncIterator[Servers]:
    servers = Servers([one.url for one in doubles], key=key, deadline_s=deadline_s, most=4)
    await servers.open()
    try:
        yield servers
    finally:
        await servers.close()


async def asked(servers: Servers, room: str = "kitchen") -> str:
    text, ended = "", False
    async with aclosing(servers.stream("/generate", {}, Generate, room)) as events:
        async for event in events:
            text += event.text if isinstance(event, Piece) else ""
            ended = isinstance(event, End)
    assert ended
    return text


async def probed(server: Double) -> None:
    """Wait until somebody asks whether it is ready."""
    server.probed.clear()
    await server.probed.wait()


@pytest.mark.parametrize("chop", [1 << 16, 3])
async def test_an_answer_is_streamed(chop: int) -> None:
    async with double(answers={"/generate": ANSWER}, chop=chop) as one, asking(one) as servers:
        assert await asked(servers) == SAID
        question = one.questions("/generate")[0]
        assert question.body == {"stream": True}


async def test_the_key_goes_with_every_question_and_the_room_only_in_disguise() -> None:
    async with (
        double(answers={"/generate": ANSWER}, key="secret") as one,
        asking(one, key="secret") as servers,
    ):
        await servers.ready()
        assert await asked(servers, "the board") == SAID
        headers = one.questions("/generate")[0].headers
        assert headers["Authorization"] == "Bearer secret"
        assert headers["X-SMG-Routing-Key"] and "board" not in str(headers)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("loading", errors.Loading),
        ("busy", errors.Full),
        ("full", errors.Full),
        ("cut", errors.Cut),
        ("garbage", errors.Garbage),
        ("page", errors.Garbage),
    ],
)
async def test_a_fault_is_a_sentence(fault: Fault, error: type[errors.ServerError]) -> None:
    async with double(answers={"/generate": ANSWER}, fault=fault) as one, asking(one) as servers:
        with pytest.raises(error, match=rf"^{one.url} .*\.?$") as caught:
            await asked(servers)
        assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)


async def test_a_slow_server_gets_its_deadline_and_no_more() -> None:
    async with double(answers={"/generate": ANSWER}, fault="slow") as one:
        async with asking(one, deadline_s=0.2) as servers:
            started = asyncio.get_running_loop().time()
            with pytest.raises(errors.Slow):
                await asked(servers)
            assert asyncio.get_running_loop().time() - started < 2
        await one.dropped.wait()


async def test_a_wrong_key_is_not_tried_again() -> None:
    async with (
        double(answers={"/generate": ANSWER}, key="secret") as one,
        double(answers={"/generate": ANSWER}, key="secret") as other,
        asking(one, other, key="guess") as servers,
    ):
        with pytest.raises(errors.WrongKey):
            await asked(servers)
        assert len(one.asked) + len(other.asked) == 1


async def test_a_question_that_is_too_long_is_the_questions_fault() -> None:
    for said in ("refused.sse", "chat_too_long.json"):
        async with (
            double(answers={"/generate": recorded(said)}) as one,
            asking(one) as servers,
        ):
            for _ in range(5):
                with pytest.raises(errors.TooLong):
                    await asked(servers)
            one.answers["/generate"] = ANSWER
            assert await asked(servers) == SAID


async def test_closing_the_answer_drops_the_stream() -> None:
    async with double(answers={"/generate": ANSWER}, fault="slow") as one, asking(one) as servers:
        async with aclosing(servers.stream("/generate", {}, Generate)) as events:
            assert isinstance(await anext(events), Piece)
        await one.dropped.wait()


async def test_nothing_queues() -> None:
    async with double(answers={"/generate": ANSWER}, fault="slow") as one, asking(one) as servers:
        held = [servers.stream("/generate", {}, Generate) for _ in range(4)]
        for events in held:
            await anext(events)
        with pytest.raises(errors.Full):
            await asked(servers)
        for events in held:
            await events.aclose()
        one.fault = ""
        assert await asked(servers) == SAID


async def test_a_room_stays_with_its_server_and_moves_when_it_is_gone() -> None:
    async with (
        double(answers={"/generate": ANSWER}) as one,
        double(answers={"/generate": ANSWER}) as other,
        asking(one, other) as servers,
    ):
        for _ in range(4):
            await asked(servers, "kitchen")
        used, spare = (one, other) if one.asked else (other, one)
        assert not spare.asked
        await used.stop()
        assert await asked(servers, "kitchen") == SAID
        assert len(spare.questions("/generate")) == 1


async def test_a_server_that_breaks_off_in_the_middle_is_not_repeated_by_another() -> None:
    async with (
        double(answers={"/generate": ANSWER}, fault="cut", chop=700) as one,
        double(answers={"/generate": ANSWER}, fault="cut", chop=700) as other,
        asking(one, other) as servers,
    ):
        with pytest.raises(errors.Cut):
            await asked(servers)
        assert len(one.asked) + len(other.asked) == 1


async def test_a_server_that_comes_back_is_asked_again_within_a_second() -> None:
    async with double(answers={"/generate": ANSWER}) as one, asking(one) as servers:
        await one.stop()
        for _ in range(3):  # nobody waits for it meanwhile
            with pytest.raises(errors.Absent, match=f"Nobody answers at {one.url}"):
                await asked(servers)
        one.fault = "loading"
        await one.start()
        await probed(one)
        with pytest.raises(errors.Absent):
            await asked(servers)
        assert not one.questions("/generate")
        one.fault = ""
        async with asyncio.timeout(5):
            while servers.troubled:
                await asyncio.wait(servers.troubled)
        assert await asked(servers) == SAID


async def test_a_server_that_loads_is_waited_for_at_the_start() -> None:
    async with double(fault="loading") as one, asking(one) as servers:
        with pytest.raises(errors.Loading):
            await servers.ready()
        waiting = asyncio.create_task(servers.ready(patience_s=30))
        await probed(one)
        one.fault = ""
        await waiting


async def test_a_server_that_says_nothing_is_waited_for_like_one_that_loads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.sglang.transport.READY_S", 0.05)
    async with double(fault="mute") as one, asking(one) as servers:
        with pytest.raises(errors.Loading, match="does not say whether it is ready"):
            await servers.ready()


async def test_closing_leaves_no_probe_behind() -> None:
    async with double() as one:
        async with asking(one) as servers:
            await one.stop()
            with pytest.raises(errors.Absent):
                await asked(servers)
        assert len(asyncio.all_tasks()) == 1
