"""One connection to a room, against a server that says what the test tells it to."""

import asyncio
import socket

import pytest

from clients.link import Link
from clients.wire import LinkError, address, loopback
from streaming.messages import (
    End,
    Error,
    Gap,
    Hello,
    Mute,
    Ping,
    Pong,
    State,
)
from streaming.values import AudioFrame
from tests.clients.fakes import WELCOME, Peer, caption, server

HELLO = Hello("Ana", ["es"], source=True)


async def welcome(peer: Peer) -> None:
    assert await peer.hear() == HELLO
    await peer.tell(WELCOME)


async def broken(scene_url: str) -> LinkError:
    """What a link to this address fails with."""
    with pytest.raises(LinkError) as caught:
        async with Link(scene_url, "kitchen", HELLO, patience=0) as link:
            async for _ in link:
                pass
    return caught.value


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8765", "ws://127.0.0.1:8765/v1/rooms/kitchen"),
        ("https://example.org/", "wss://example.org/v1/rooms/kitchen"),
        ("ws://[::1]:1", "ws://[::1]:1/v1/rooms/kitchen"),
        ("wss://example.org/surtitle", "wss://example.org/surtitle/v1/rooms/kitchen"),
        ("localhost:8765", "ws://localhost:8765/v1/rooms/kitchen"),
    ],
)
def test_addresses(url: str, expected: str) -> None:
    assert address(url, "kitchen") == expected


@pytest.mark.parametrize("url", ["", "ftp://example.org", "http://", "http://a:port", "http://a:"])
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(LinkError, match="no server's address"):
        address(url, "kitchen")


def test_a_room_cannot_leave_its_path() -> None:
    assert address("h:1", "../x?y#z").endswith("/v1/rooms/..%2Fx%3Fy%23z")


def test_loopback_needs_no_proxy() -> None:
    assert (
        loopback("ws://127.0.0.1:1/") and loopback("ws://[::1]:1/") and loopback("ws://localhost")
    )
    assert not loopback("ws://example.org") and not loopback("ws://192.168.1.2")


@pytest.mark.socket
async def test_messages_come_until_the_server_closes() -> None:
    line = caption("hola", language="es", final=True)

    async def scene(peer: Peer) -> None:
        await welcome(peer)
        await peer.tell(line, State("connection", "drained"))

    async with server(scene) as url, Link(url, "kitchen", HELLO) as link:
        assert link.welcome == WELCOME
        assert [message async for message in link] == [line, State("connection", "drained")]


@pytest.mark.socket
async def test_what_it_does_not_know_is_skipped_but_tapped() -> None:
    async def scene(peer: Peer) -> None:
        await welcome(peer)
        await peer.socket.send('{"type":"weather","sun":true}')
        await peer.socket.send('{"type":"pong","t":1.0,"server_ms":2.0,"new":"field"}')

    tapped: list[str] = []
    async with server(scene) as url, Link(url, "kitchen", HELLO, tapped.append) as link:
        assert [message async for message in link] == [Pong(1.0, 2.0)]
    assert tapped[1] == '{"type":"weather","sun":true}'


@pytest.mark.socket
async def test_everything_a_participant_can_say() -> None:
    heard: list[object] = []

    async def scene(peer: Peer) -> None:
        await welcome(peer)
        heard.extend([await peer.hear() for _ in range(6)])

    async def frames(pcm: bytes) -> object:
        yield AudioFrame(0, pcm)

    async with server(scene) as url, Link(url, "kitchen", HELLO) as link:
        await link.mute(True)
        await link.gap(0, 160)
        await link.ping(7.0)
        await link.change(Hello("Ana", ["fr"]))
        async with link.speaking(frames(b"\1\0")):  # type: ignore[arg-type]
            assert [message async for message in link] == []
    assert heard == [Mute(True), Gap(0, 160), Ping(7.0), Hello("Ana", ["fr"]), b"\1\0", End()]


@pytest.mark.socket
async def test_an_error_is_told_with_its_code_and_words() -> None:
    async def scene(peer: Peer) -> None:
        await welcome(peer)
        await peer.tell(Error.of(4429, "slower, please", 1500))
        await peer.socket.close(4429)

    async with server(scene) as url:
        error = await broken(url)
    assert (error.code, error.message, error.retry) == (4429, "slower, please", True)
    assert error.retry_after_ms == 1500


@pytest.mark.socket
async def test_an_error_in_place_of_the_welcome() -> None:
    async def scene(peer: Peer) -> None:
        await peer.tell(Error.of(4404, "a room's name has letters"))
        await peer.socket.close(4404)

    async with server(scene) as url:
        error = await broken(url)
    assert (error.code, error.retry) == (4404, False)


@pytest.mark.socket
@pytest.mark.parametrize(("code", "retry"), [(4503, True), (4409, False), (1011, True)])
async def test_a_close_code_alone_is_put_in_words(code: int, retry: bool) -> None:
    async def scene(peer: Peer) -> None:
        await welcome(peer)
        await peer.socket.close(code)

    async with server(scene) as url:
        error = await broken(url)
    assert (error.code, error.retry) == (code, retry)
    assert "closed: " in error.message


@pytest.mark.socket
async def test_a_connection_cut_without_a_word() -> None:
    async def scene(peer: Peer) -> None:
        await welcome(peer)
        peer.socket.transport.abort()

    async with server(scene) as url:
        error = await broken(url)
    assert error.code is None and error.retry and "was lost" in error.message


@pytest.mark.socket
async def test_what_is_sent_after_the_end_goes_nowhere() -> None:
    async def scene(peer: Peer) -> None:
        await welcome(peer)

    async with server(scene) as url, Link(url, "kitchen", HELLO) as link:
        assert [message async for message in link] == []
        await link.send_audio(b"\0\0")


@pytest.mark.socket
async def test_nonsense_from_a_server_is_its_fault() -> None:
    async def scene(peer: Peer) -> None:
        await welcome(peer)
        await peer.socket.send('{"type":"caption","seq":"one"}')

    async with server(scene) as url:
        error = await broken(url)
    assert "sent caption:" in error.message and not error.retry


@pytest.mark.socket
async def test_another_kind_of_server() -> None:
    async def scene(peer: Peer) -> None:
        await peer.socket.wait_closed()

    async with server(scene, subprotocol=None) as url:
        error = await broken(url)
    assert "no Surtitle server" in error.message


@pytest.mark.socket
async def test_a_web_server_that_knows_no_rooms() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nnothing")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as web:
        error = await broken(f"http://127.0.0.1:{web.sockets[0].getsockname()[1]}")
    assert "404 Not Found: nothing" in error.message and not error.retry


@pytest.mark.socket
async def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = await broken(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert "no server answers" in error.message and "surtitle serve" in error.message
