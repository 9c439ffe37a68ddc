"""A participant calls: who may, where the audio goes, and how a call ends."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.member import Member
from server.session import Session
from server.webrtc.calls import BEGUN, Call, Calls, dying_away
from server.webrtc.offer import CANDIDATES, LONGEST, Reach
from server.webrtc.whip import SDP, routes
from streaming.jitter import Frame
from streaming.messages import Hello, Pcm16, WebRtc
from streaming.pace import Pace
from tests.server.stage import Stage, loud, settle
from tests.server.webrtc.browser import HERE, Browser, browser, encoded
from tests.server.webrtc.test_offer import candidate, offer

pytestmark = pytest.mark.socket

SOON_S = 20
SAID = encoded(loud(2_000))
MOSTLY = 24_000  # samples: the first packets may come before anybody listens


def caller(stage: Stage, name: str = "Ana") -> Member:
    member = stage.room.join(Hello(name, ["es"], ["en"], WebRtc()))
    stage.told[member.id] = []
    member.pace = Pace(stage.clock.now())
    return member


@dataclass
class Door:
    """A room, and the way into it for calls."""

    stage: Stage
    calls: Calls
    http: Any

    async def post(self, member: Member | None, body: bytes, **headers: str) -> tuple[int, str]:
        key = {"Authorization": f"Bearer {member.key}"} if member else {}
        sent = {"Content-Type": SDP, **key, **headers}
        async with self.http.post("/v1/rooms/kitchen/whip", data=body, headers=sent) as answer:
            self.location = answer.headers.get("Location", "")
            return answer.status, await answer.text()

    async def call(self, member: Member, one: Browser) -> None:
        status, answer = await self.post(member, (await one.offer()).encode())
        assert status == 201, answer
        await one.accept(answer)


async def until(happened: Callable[[], bool]) -> None:
    """The network's own pace decides when."""
    async with asyncio.timeout(SOON_S):
        while not happened():
            await asyncio.sleep(0)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    stage = Stage()
    calls = Calls(stage.clock, stage.house.metrics, Reach(loopback=True), [HERE])
    app = web.Application()
    app.add_routes(routes(stage.house, calls))
    async with TestClient(TestServer(app)) as http:
        yield Door(stage, calls, http)
        await calls.close()
    await settle()


async def test_what_is_said_in_a_call_is_heard_at_its_position(door: Door) -> None:
    member = caller(door.stage)
    session = member.session
    assert session is not None
    async with browser(SAID) as one:
        await door.call(member, one)
        await until(lambda: session.position >= MOSTLY)
    assert session.position <= 32_000
    member.hang_up()


async def test_hanging_up_ends_the_call_and_not_the_participant(door: Door) -> None:
    member = caller(door.stage)
    async with browser(SAID) as one:
        await door.call(member, one)
        await until(lambda: bool(door.calls._speaks))
        async with door.http.delete(door.location) as answer:
            assert answer.status == 200
        await until(lambda: not door.calls._calls)
        async with door.http.delete(door.location) as answer:
            assert answer.status == 404
    assert member.session is not None and not member.session.ended
    member.hang_up()


async def test_a_second_call_takes_the_place_of_the_first_once_it_speaks(door: Door) -> None:
    member = caller(door.stage)
    session = member.session
    assert session is not None
    async with browser(SAID) as one, browser(SAID) as other:
        await door.call(member, one)
        await until(lambda: session.position >= 31_900)  # all of it, before time passes
        (first,) = door.calls._calls.values()
        before = session.position
        door.stage.clock.advance(2.0)  # on the way from one network to the next
        await door.call(member, other)
        await until(lambda: first.token not in door.calls._calls)
        away = before + 2 * 16_000
        await until(lambda: session.position >= away + MOSTLY)
    assert session.position <= away + 2 * 32_000
    member.hang_up()


async def test_the_call_of_somebody_who_left_ends(door: Door) -> None:
    member = caller(door.stage)
    async with browser(SAID) as one:
        await door.call(member, one)
        await until(lambda: bool(door.calls._speaks))
        member.hang_up()
        await until(lambda: not door.calls._calls)


@pytest.mark.parametrize(
    "body, status, says",
    [
        (b"", 400, "no session description"),
        (b"v=0\r\n" + b"a=x\r\n" * 9_000, 413, f"at most {LONGEST}"),
        (offer(*[candidate(f"10.0.0.{n}") for n in range(200)]), 400, f"at most {CANDIDATES}"),
        (offer("m=video 9 UDP/TLS/RTP/SAVPF 96"), 400, "one section, of audio"),
        (offer(sections=["m=video 9 UDP/TLS/RTP/SAVPF 96"]), 400, "this one has video"),
        (offer(without="opus"), 406, "no Opus"),
        (offer("a=rtpmap:x opus"), 400, "cannot be understood"),
    ],
)
async def test_a_bad_offer_gets_a_sentence_and_leaves_nothing(
    door: Door, body: bytes, status: int, says: str
) -> None:
    member = caller(door.stage)
    got, text = await door.post(member, body)
    assert (got, says in text) == (status, True), text
    assert door.calls._calls == {}
    member.hang_up()


async def test_only_a_participant_who_said_so_may_call(door: Door) -> None:
    member = caller(door.stage)
    typing = door.stage.join("Ben", reads="es")
    assert (await door.post(None, offer()))[0] == 401
    assert (await door.post(None, offer(), Authorization="Basic abc"))[0] == 401
    assert (await door.post(None, offer(), Authorization="Bearer " + "0" * 32))[0] == 403
    assert (await door.post(typing, offer()))[0] == 409
    assert (await door.post(member, offer(), **{"Content-Type": "text/plain"}))[0] == 415
    async with door.http.post(
        "/v1/rooms/attic/whip",
        data=offer(),
        headers={"Content-Type": SDP, "Authorization": f"Bearer {member.key}"},
    ) as answer:
        assert answer.status == 403  # whether there is such a room is nobody's business
    member.hang_up()


async def test_a_call_that_never_brings_a_packet_is_ended(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.webrtc.calls.CONNECTS_S", 0.05)
    member = caller(door.stage)
    async with browser([]) as one:
        status, _ = await door.post(member, (await one.offer()).encode())
        assert status == 201
        await until(lambda: not door.calls._calls)
    member.hang_up()


async def test_calls_are_limited(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.webrtc.calls.MOST", 0)
    member = caller(door.stage)
    status, says = await door.post(member, offer())
    assert status == 503 and "use pcm16 or opus" in says
    member.hang_up()


async def test_an_offer_that_drips_in_is_not_waited_for(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.webrtc.whip.COMES_S", 0.05)
    member = caller(door.stage)
    never = asyncio.Event()

    async def drips() -> AsyncIterator[bytes]:
        yield b"v=0"
        await never.wait()

    headers = {"Content-Type": SDP, "Authorization": f"Bearer {member.key}"}
    async with door.http.post("/v1/rooms/kitchen/whip", data=drips(), headers=headers) as answer:
        assert answer.status == 408
    never.set()
    member.hang_up()


async def test_one_participant_cannot_take_the_calls_of_all(door: Door) -> None:
    member = caller(door.stage)
    async with browser([]) as one:
        asked = (await one.offer()).encode()
        answers = await asyncio.gather(*(door.post(member, asked) for _ in range(12)))
        assert {status for status, _ in answers} <= {201, 429}
        assert len(door.calls._calls) <= BEGUN + 1
        await until(lambda: len(door.calls._calls) <= 1)
    member.hang_up()


async def test_who_is_muted_is_not_heard_and_his_time_passes() -> None:
    stage = Stage()
    member = caller(stage)
    session = member.session
    assert session is not None
    member.muted = True
    call = Call(member, stage.clock, stage.house.metrics, {})
    for number, packet in enumerate(SAID):
        call.hear(Frame(number * 320, packet))
    assert session.position >= 15_000
    assert session.recording.read(0, session.position).strip(b"\0") == b""
    member.hang_up()
    await settle()


async def test_a_call_outlasts_the_websocket_of_its_participant() -> None:
    stage = Stage()
    member = caller(stage)
    session = member.session
    assert session is not None
    call = Call(member, stage.clock, stage.house.metrics, {})
    call.hear(Frame(0, SAID[0]))
    member.again(member.hello, 0)
    call.hear(Frame(320, SAID[1]))
    assert session.position > 320 and not call.over.is_set()
    call.member.again(Hello("Ana", ["es"], ["en"], Pcm16(16_000)), 0)  # it fell back
    before = session.position
    call.hear(Frame(640, SAID[2]))
    assert session.position == before and call.over.is_set()
    call.member.hang_up()
    await settle()


async def test_time_between_two_calls_is_a_gap_even_if_the_first_was_hung_up() -> None:
    stage = Stage()
    member = caller(stage)
    session = member.session
    assert session is not None
    heard: dict[Session, float] = {}
    Call(member, stage.clock, stage.house.metrics, heard).hear(Frame(0, SAID[0]))
    stage.clock.advance(3.0)
    Call(member, stage.clock, stage.house.metrics, heard).hear(Frame(0, SAID[1]))
    assert abs(session.position - 3 * 16_000) <= 640
    member.hang_up()
    await settle()


async def test_packets_that_are_no_opus_end_the_call() -> None:
    stage = Stage()
    member = caller(stage)
    call = Call(member, stage.clock, stage.house.metrics, {})
    for number in range(100):
        call.hear(Frame(number * 320, b"\xff\xff\xff"))
    assert call.over.is_set()
    assert member.session is not None and not member.session.ended
    member.hang_up()
    await settle()


@pytest.mark.parametrize("lost, bridged", [(1, True), (3, True), (4, False), (20, False)])
async def test_a_hole_of_a_few_packets_is_bridged_and_a_longer_one_is_a_gap(
    lost: int, bridged: bool
) -> None:
    stage = Stage()
    member = caller(stage)
    session = member.session
    assert session is not None
    call = Call(member, stage.clock, stage.house.metrics, {})
    for number in range(5):
        call.hear(Frame(number * 320, SAID[number]))
    before = session.position
    call.hear(Frame((5 + lost) * 320, SAID[5]))
    after = (5 + lost) * 320
    assert abs(session.position - after - 320) <= 32  # true either way, but for a resampler's rest
    missing = session.recording.read(before + 32, after)
    assert (missing.strip(b"\0") != b"") is bridged
    member.hang_up()
    await settle()


def test_what_is_made_up_dies_away_without_a_step() -> None:
    said = array("h", [8_000, -8_000] * 160)
    made = array("h", dying_away(said.tobytes(), 1_200))
    assert len(made) == 1_200
    assert abs(made[0]) == 8_000 and not any(made[960:])
    assert all(abs(later) <= abs(sooner) for sooner, later in pairwise(made))
