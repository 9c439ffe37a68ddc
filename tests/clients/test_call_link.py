"""Sound that is to go by WebRTC goes there, and by the WebSocket where that comes to nothing."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from clients import call_link
from clients.backoff import Backoff
from clients.call_link import SILENCE, CallLink
from clients.opus import PACKET
from clients.wire import LinkError
from streaming.messages import Ack, End, Error, Gap, Hello, Opus, State, WebRtc
from tests.clients.fakes import WELCOME, Peer, server
from tests.clients.test_link_again import House, Reading

pytestmark = pytest.mark.socket

HELLO = Hello("Ana", ["es"], ["en"], WebRtc())
SPOKEN = b"\1\0" * PACKET


class Call:
    """Takes what it is given; `gone` and `fails` are for the test."""

    def __init__(self, fails: LinkError | None = None, slow: asyncio.Event | None = None) -> None:
        self.fails, self.slow = fails, slow
        self.positions: list[int] = []
        self.payloads: list[bytes] = []
        self.gone, self.over = asyncio.Event(), asyncio.Event()

    async def __aenter__(self) -> "Call":
        if self.slow is not None:
            await self.slow.wait()
        if self.fails is not None:
            raise self.fails
        return self

    async def __aexit__(self, *_: object) -> None:
        self.over.set()

    def put(self, position: int, payload: bytes) -> None:
        self.positions.append(position)
        self.payloads.append(payload)

    async def put_all(self, position: int, payload: bytes) -> None:
        self.put(position, payload)

    async def flushed(self) -> None:
        pass


def link(url: str, call: Call, say: Callable[[str], None] = lambda sentence: None) -> CallLink:
    def made(url: str, room: str, key: str) -> Any:
        return call

    backoff = Backoff(first=0.001, longest=0.001)
    return CallLink(url, "lab", HELLO, say=say, calls=made, patience=10.0, backoff=backoff)


async def test_sound_goes_by_the_call_and_nothing_of_it_by_the_websocket() -> None:
    house, call = House(WELCOME), Call()
    async with server(house) as url, link(url, call) as one:
        reading = Reading(one)
        await one._settled.wait()
        for _ in range(3):
            await one.send_audio(SPOKEN)
        await one.gap(3 * PACKET, 10 * PACKET)
        await one.send_audio(SPOKEN)
        ending = asyncio.create_task(one.end())
        await house.peers[0].tell(Ack(11 * PACKET))
        assert await house.has(0, 2) == [HELLO, End()]
        await ending
        await reading.task
    assert call.payloads[0] == SILENCE  # nothing had been said yet, and position 0 is the first
    assert call.positions == [0, 0, PACKET, 2 * PACKET, 10 * PACKET]
    assert call.over.is_set()


async def test_what_is_said_while_it_calls_is_said_when_they_answer() -> None:
    answered = asyncio.Event()
    house, call = House(WELCOME), Call(slow=answered)
    async with server(house) as url, link(url, call) as one:
        Reading(one)
        await house.has(0, 1)
        assert not one.connected
        for _ in range(3):
            await one.send_audio(SPOKEN)
        answered.set()
        await one._settled.wait()
        assert one.connected
        await one.send_audio(SPOKEN)
    assert call.positions == [0, PACKET, 2 * PACKET, 3 * PACKET]


async def test_a_call_that_comes_to_nothing_goes_on_in_the_websocket_from_the_beginning() -> None:
    said = list[str]()
    answered = asyncio.Event()
    house = House(WELCOME)
    call = Call(LinkError(None, "no packets get through: is UDP blocked?", False), answered)
    async with server(house) as url, link(url, call, said.append) as one:
        reading = Reading(one)
        await house.has(0, 1)
        await one.send_audio(SPOKEN)
        answered.set()
        hello, first = await house.has(1, 2)
        assert isinstance(hello, Hello) and hello.audio == Opus() and hello.resume is not None
        assert isinstance(first, bytes)
        await one.send_audio(SPOKEN)
        await one.end()
        await reading.task
    assert [type(one) for one in await house.has(1, 4)] == [Hello, bytes, bytes, End]
    (why,) = said
    assert why == (
        "sound goes by the WebSocket, not by WebRTC: no packets get through: is UDP blocked?"
    )


async def test_what_a_broken_call_did_not_bring_follows() -> None:
    house, call = House(WELCOME, replace(WELCOME, audio_at=2 * PACKET)), Call()
    async with server(house) as url, link(url, call) as one:
        Reading(one)
        await one._settled.wait()
        for _ in range(4):
            await one.send_audio(SPOKEN)
        call.gone.set()
        _, *sent = await house.has(1, 3)
        assert sent == call.payloads[-2:]


async def test_positions_are_true_again_where_the_call_lost_its_beginning() -> None:
    house, call = House(WELCOME, replace(WELCOME, audio_at=PACKET + 100)), Call()
    async with server(house) as url, link(url, call) as one:
        Reading(one)
        await one._settled.wait()
        for _ in range(4):
            await one.send_audio(SPOKEN)
        call.gone.set()
        _, gap, *sent = await house.has(1, 4)
        assert gap == Gap(PACKET + 100, 2 * PACKET)
        assert sent == call.payloads[-2:]


async def test_a_call_of_which_nothing_is_heard_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(call_link, "GONE", 0.05)
    monkeypatch.setattr(call_link, "QUIET", 0.0)
    said = list[str]()
    house, call = House(WELCOME, replace(WELCOME, audio_at=0)), Call()
    async with server(house) as url, link(url, call, said.append) as one:
        Reading(one)
        await one._settled.wait()
        await one.send_audio(SPOKEN)
        hello, _ = await house.has(1, 2)
        assert isinstance(hello, Hello) and hello.audio == Opus()
    assert said[0].endswith("the server heard nothing of it")
    assert call.over.is_set()


async def test_with_the_websocket_the_call_ends_too_and_all_goes_by_the_next() -> None:
    house, call = House(WELCOME, replace(WELCOME, audio_at=0)), Call()
    async with server(house) as url, link(url, call) as one:
        Reading(one)
        await one._settled.wait()
        await one.send_audio(SPOKEN)
        house.cut(0)
        hello, sent = await house.has(1, 2)
        assert isinstance(hello, Hello) and hello.audio == Opus()
        assert sent == call.payloads[-1]
        await call.over.wait()


async def test_a_server_that_takes_no_calls_is_sent_opus_by_the_websocket() -> None:
    hellos, said = list[object](), list[str]()

    async def scene(peer: Peer) -> None:
        hello = await peer.hear()
        hellos.append(hello)
        if isinstance(hello, Hello) and isinstance(hello.audio, WebRtc):
            await peer.tell(Error(4400, "hello: WebRTC is not offered by this server", False))
            return
        await peer.tell(WELCOME)
        while not isinstance(heard := await peer.hear(), End):
            hellos.append(heard)
        await peer.tell(State("connection", "drained"))

    async with server(scene) as url, link(url, Call(), said.append) as one:
        reading = Reading(one)
        await one.send_audio(SPOKEN)
        await one.end()
        await reading.task
    assert len(hellos) == 3 and isinstance(hellos[2], bytes)
    assert "WebRTC is not offered by this server" in said[0]


async def test_who_leaves_while_it_calls_leaves() -> None:
    house, call = House(WELCOME), Call(slow=asyncio.Event())
    async with server(house) as url, asyncio.timeout(5), link(url, call):
        await house.has(0, 1)
