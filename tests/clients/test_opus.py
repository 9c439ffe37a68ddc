"""Sound goes up as Opus packets, and no position is lost by it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from clients.opus import OpusLink
from clients.ring import packet_samples
from streaming.messages import End, Gap, Hello, Opus, State
from tests.clients.fakes import WELCOME, Peer, server

pytestmark = pytest.mark.socket

HELLO = Hello("glasses", hears=["en"], audio=Opus())


async def heard(said: Callable[[OpusLink], Awaitable[None]]) -> list[object]:
    """What a server gets: samples of each packet, and messages."""
    found: list[object] = []

    async def scene(peer: Peer) -> None:
        await peer.hear()
        await peer.tell(WELCOME)
        while not isinstance(message := await peer.hear(), End):
            found.append(packet_samples(message) if isinstance(message, bytes) else message)
        await peer.tell(State("connection", "drained"))
        await peer.socket.close()

    async with server(scene) as url, asyncio.timeout(10), OpusLink(url, "lab", HELLO) as link:
        await said(link)
        await link.end()
        async for _ in link:
            pass
    return found


def silence(samples: int) -> bytes:
    return bytes(2 * samples)


async def test_samples_of_any_number_become_packets_of_20_ms() -> None:
    async def said(link: OpusLink) -> None:
        for count in (100, 540, 320, 1000):
            await link.send_audio(silence(count))

    assert await heard(said) == [320] * 7  # the last is filled with silence


async def test_a_gap_begins_where_the_last_packet_ended() -> None:
    async def said(link: OpusLink) -> None:
        await link.send_audio(silence(480))
        await link.gap(480, 4800)
        await link.send_audio(silence(320))

    assert await heard(said) == [320, 320, Gap(640, 4800), 320]


async def test_a_gap_within_a_packet_is_silence() -> None:
    async def said(link: OpusLink) -> None:
        await link.send_audio(silence(480))
        await link.gap(480, 500)
        await link.send_audio(silence(140))

    assert await heard(said) == [320, 320]


async def test_a_gap_between_packets_is_only_a_gap() -> None:
    async def said(link: OpusLink) -> None:
        await link.gap(0, 16_000)
        await link.send_audio(silence(320))

    assert await heard(said) == [Gap(0, 16_000), 320]
