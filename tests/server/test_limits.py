"""Everything has a bound, and new ones are refused before those who are in suffer."""

import asyncio
import contextlib
import socket
from dataclasses import replace
from functools import partial

import pytest
from websockets.asyncio.client import ClientConnection

from server import connection
from server.admission import Admission, Limits
from server.app import app
from server.config import Config, ConfigError
from server.house import House
from server.listening import listening
from server.metrics import Metrics
from server.refused import Refused
from streaming.allowance import Allowance
from streaming.glossary import Glossary
from streaming.messages import Hello, Pcm16, Resume
from tests.server.sockets import SPEAKER, heard, hello, joined, refused, resuming, serving
from tests.server.stage import Stage

SPEAKS = Hello("Ben", hears=["en"], audio=Pcm16(16_000))
READS = Hello("Ben", ["en"])


def stage(**limits: int) -> Stage:
    """A server with these limits where Ana speaks in the kitchen."""
    found = Stage()
    found.house.admission = Admission(replace(Limits(), **limits))
    found.join(hears="en")
    return found


@pytest.mark.parametrize(
    ("limits", "room", "who", "named"),
    [
        ({"rooms": 1}, "garden", READS, "1 rooms open"),
        ({"speakers": 1}, "kitchen", SPEAKS, "hears 1 speakers"),
        ({"readers": 1}, "kitchen", READS, "1 connections"),
    ],
)
async def test_who_is_one_too_many_is_refused_and_may_ask_again(
    limits: dict[str, int], room: str, who: Hello, named: str
) -> None:
    with pytest.raises(Refused, match=named) as full:
        stage(**limits).house.admit(room, who)
    assert (full.value.error.code, full.value.error.retry) == (4429, True)
    assert full.value.error.retry_after_ms


async def test_who_only_comes_back_is_let_in_however_full_it_is() -> None:
    full = stage(rooms=1, speakers=1, readers=1)
    (ana,) = full.room.members.values()
    full.room.leave(ana, dropped=True)
    full.join("Ben", reads="en")
    full.house.admit("kitchen", replace_resume(SPEAKS, full, ana.id))
    with pytest.raises(Refused):
        full.house.admit("kitchen", replace_resume(SPEAKS, full, "p99"))


def replace_resume(hello: Hello, stage: Stage, participant: str) -> Hello:
    resume = Resume(stage.room.epoch, 0, participant, "key")
    return Hello(hello.name, hello.reads, hello.hears, hello.audio, resume=resume)


def test_an_address_has_so_many_connections_and_this_machine_any_number() -> None:
    admission = Admission(Limits(address=2))
    here = partial(admission.connected, now=0.0)
    with here("192.0.2.1"), here("192.0.2.1"):
        with pytest.raises(Refused, match="has 2 connections"), here("192.0.2.1"):
            pass
        with here("192.0.2.2"):
            pass
        with here("127.0.0.1"), here("127.0.0.1"), here("127.0.0.1"):
            assert admission.addresses["127.0.0.1"] == 3
    with here("192.0.2.1"):
        pass
    assert not admission.addresses


def test_an_address_that_comes_and_goes_has_to_wait() -> None:
    admission = Admission(Limits(address=2))
    for _ in range(4):
        with admission.connected("192.0.2.1", now=0.0):
            pass
    with pytest.raises(Refused, match="too often"), admission.connected("192.0.2.1", now=0.0):
        pass
    with admission.connected("192.0.2.1", now=60.0):
        pass


def test_limits_below_one_are_no_limits() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        Config(limits=Limits(rooms=0))


def test_a_bucket_lets_a_burst_through_and_then_so_many_a_second() -> None:
    bucket = Allowance(3, 2.0, now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    bucket = Allowance(3, 2.0, now=0.0)
    assert all(bucket.take(second / 2) for second in range(100))


async def flooded(link: ClientConnection, frame: str | bytes, many: int) -> None:
    """Send the same again and again, until nobody listens."""
    for _ in range(many):
        await link.send(frame)


@pytest.mark.socket
@pytest.mark.parametrize(
    ("frame", "named"),
    [
        (hello(reads=["es"]), "languages were changed too often"),
        ('{"type": "ping", "t": 1}', "messages came too fast"),
        (b"\0\0", "audio frames came too fast"),
    ],
)
async def test_floods_are_closed_and_disturb_nobody_else(
    frame: str | bytes, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "FRAMES", (50, 1.0))
    monkeypatch.setattr(connection, "MESSAGES", (50, 1.0))
    async with serving() as (_, url), joined(url) as ben, joined(url) as link:
        await ben.send(hello(name="Ben"))
        await heard(ben, "welcome")
        await link.send(hello(**SPEAKER))
        flood = asyncio.create_task(flooded(link, frame, 1_000))
        code, message, closed = await refused(link)
        assert (code, closed) == (4429, 4429) and named in message
        await asyncio.gather(flood, return_exceptions=True)
        await ben.send('{"type": "ping", "t": 1}')
        await heard(ben, "pong")


@pytest.mark.socket
async def test_a_full_house_says_so_and_lets_back_in_who_was_in() -> None:
    async with serving() as (house, url), joined(url) as ana:
        house.admission = Admission(Limits(readers=1))
        await ana.send(hello(**SPEAKER))
        welcome = await heard(ana, "welcome")
        async with joined(url) as ben:
            await ben.send(hello(name="Ben"))
            code, message, closed = await refused(ben)
            assert (code, closed) == (4429, 4429) and "1 connections" in message
        ana.transport.abort()
        async with joined(url) as ana:
            await ana.send(hello(**SPEAKER, resume=resuming(welcome, 0)))
            again = await heard(ana, "welcome")
            assert again["participant"] == welcome["participant"]


@pytest.mark.socket
@pytest.mark.parametrize("sent", [b"", b"GET /v1/rooms HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_who_connects_and_asks_for_nothing_is_closed(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.listening.ASKING_S", 0.1)
    house = House(Config(), Metrics(), Glossary())
    async with listening(app(house), "127.0.0.1", 0) as url:
        port = int(url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()


@pytest.mark.socket
@pytest.mark.parametrize("next_", [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_who_has_asked_once_and_asks_no_more_is_closed(
    next_: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.listening.KEPT_S", 0.1)
    house = House(Config(), Metrics(), Glossary())
    async with listening(app(house), "127.0.0.1", 0) as url:
        port = int(url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" + next_)
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            with contextlib.suppress(ConnectionResetError):
                await reader.read()  # to the end, which comes
        writer.close()


@pytest.mark.socket
async def test_what_is_compressed_is_not_accepted() -> None:
    async with serving() as (_, url):
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.setblocking(False)
            loop = asyncio.get_running_loop()
            lines = [
                "GET /v1/rooms/kitchen HTTP/1.1",
                "Host: x",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
                "Sec-WebSocket-Extensions: permessage-deflate",
                "Sec-WebSocket-Protocol: surtitle.v1",
            ]
            await loop.sock_sendall(raw, ("\r\n".join(lines) + "\r\n\r\n").encode())
            answer = await loop.sock_recv(raw, 4_096)
            assert b"101" in answer and b"deflate" not in answer
