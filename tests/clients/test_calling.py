"""A client speaks by WebRTC, to a room that is really there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from clients import calling
from clients.calling import Caller
from clients.opus import Encoder
from clients.wire import LinkError
from server.webrtc.calls import Calls
from server.webrtc.inside import bind
from server.webrtc.offer import Reach
from server.webrtc.whip import routes
from streaming.values import AudioFrame
from tests.server.stage import Stage, loud, settle
from tests.server.webrtc.browser import HERE
from tests.server.webrtc.test_whip import caller, until

pytestmark = pytest.mark.socket


def here(connection: Any) -> None:
    """Calls from this machine to itself, which aiortc does not make."""
    bind(connection.getTransceivers()[0].receiver, [HERE])


async def frames(*said: tuple[int, bytes]) -> AsyncIterator[AudioFrame]:
    for start, pcm in said:
        yield AudioFrame(start, pcm)


@asynccontextmanager
async def serving(stage: Stage) -> AsyncIterator[str]:
    calls = Calls(stage.clock, stage.house.metrics, Reach(loopback=True), [HERE])
    app = web.Application()
    app.add_routes(routes(stage.house, calls))
    async with TestServer(app) as server:
        yield str(server.make_url(""))
        await calls.close()


async def test_what_a_client_says_is_heard_with_its_gaps() -> None:
    stage = Stage()
    member = caller(stage)
    session = member.session
    assert session is not None
    said = (0, loud(500)), (24_000, loud(500))  # a second of it is missing
    async with serving(stage) as url, Caller(url, "kitchen", member.key, prepare=here) as call:
        await call.speak(frames(*said))
        await until(lambda: session.position >= 31_000)
    assert session.position <= 32_000
    assert call.dropped == 0
    member.hang_up()
    await settle()


async def test_who_may_not_call_is_told_why() -> None:
    stage = Stage()
    async with serving(stage) as url:
        with pytest.raises(LinkError, match="refused the call: nobody in this room has that key"):
            async with Caller(url, "kitchen", "0" * 32, prepare=here):
                pass
        with pytest.raises(LinkError, match="takes no calls"):
            async with Caller(url + "/elsewhere", "kitchen", "0" * 32, prepare=here):
                pass


async def test_where_nobody_answers_it_is_said() -> None:
    with pytest.raises(LinkError, match="no answer to the call"):
        async with Caller("http://127.0.0.1:1", "kitchen", "0" * 32, prepare=here):
            pass


async def test_where_packets_do_not_get_through_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "CONNECTS_S", 0.2)
    monkeypatch.setattr("server.webrtc.offer._reached", lambda line, reach: False)
    stage = Stage()
    member = caller(stage)

    def nowhere(connection: Any) -> None:
        bind(connection.getTransceivers()[0].receiver, [])

    async with serving(stage) as url:
        with pytest.raises(LinkError, match="is UDP blocked"):
            async with Caller(url, "kitchen", member.key, prepare=nowhere):
                pass
    member.hang_up()
    await settle()


def test_packets_are_20_ms_of_about_24_kilobits() -> None:
    encoder = Encoder()
    packets = [packet for _ in range(10) for packet in encoder.push(loud(110))]
    assert len(packets) == 55
    assert sum(map(len, packets)) * 8 / 1.1 < 40_000


async def test_a_network_that_stalls_costs_packets_and_no_memory() -> None:
    call = Caller("http://127.0.0.1:1", "kitchen", "0" * 32)
    call.send(AudioFrame(0, loud(3_000)))
    assert call.dropped == 100
    assert call.position == 48_000
    await call._connection.close()
