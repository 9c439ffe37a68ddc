"""Faults 11, 12, 13 and 18: the network loses, delays, holds back and forgets."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from clients.link import Link, LinkError
from server.house import House
from streaming.messages import Hello, State
from tests.faults.relay import Relay, relay
from tests.impairment import Weather, networked
from tests.server.sockets import SPEAKER, heard, hello, joined
from tests.server.sockets import serving as in_process
from tests.server.stage import loud, quiet
from tests.server.test_restart import LINE, Person, person, say, serving

pytestmark = pytest.mark.socket


@pytest.mark.slow
@pytest.mark.parametrize(
    "weather",
    [Weather(loss=0.02, delay_ms=5), Weather(jitter_ms=100)],
    ids=["11_two_percent_lost", "12_up_to_100_ms_late_and_out_of_order"],
)
async def test_over_a_bad_network_every_line_comes_once_and_in_order(
    weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with networked(weather) as net:
        with net.far:
            there = serving(0, "--host", net.far.address, "--insecure")
            server = await there.__aenter__()
        try:
            with net.near:
                async with person(server.url, "en") as ana:
                    await say(ana, 3 * LINE)
                    await ana.has(finals=6)
                    assert len(ana.finals) == len(set(ana.finals)) == 6
                    assert [one[2] for one in ana.finals] == [0, 0, 1, 1, 2, 2]
                    assert len(ana.welcomes) == 1, "a bad network is no broken one"
        finally:
            await there.__aexit__(None, None, None)


@asynccontextmanager
async def far_away() -> AsyncIterator[tuple[House, Relay, Person]]:
    """A server, the way to it, and Ana, who speaks and reads there."""
    async with (
        in_process(speed=1.0) as (house, url),
        relay(int(url.rpartition(":")[2])) as way,
        person(way.url, "en") as ana,
    ):
        yield house, way, ana


def assert_same_person(person: Person) -> None:
    """He is who he was, in the room as it was, and nothing was lost."""
    welcomes = [welcome for _, welcome in person.welcomes]
    assert len({(one.participant, one.epoch) for one in welcomes}) == 1
    assert not any(one.gap for one in welcomes)


async def test_13_in_a_blackout_nobody_is_lost_and_what_was_said_is_captioned() -> None:
    async with far_away() as (house, way, ana):
        await say(ana, LINE)
        await ana.has(finals=2)
        way.hold()
        await say(ana, LINE + loud(500))
        assert len(ana.finals) == 2
        way.release()
        await say(ana, loud(500) + quiet(1_000))
        await ana.has(finals=6)
        assert len(ana.finals) == len(set(ana.finals)) == 6
        assert_same_person(ana)
        assert [member.id for member in house.members()] == [ana.link.welcome.participant]


async def test_13_with_another_address_one_is_still_who_one_was() -> None:
    async with far_away() as (house, way, ana):
        await say(ana, LINE + loud(600))
        way.source = "127.0.0.2"
        way.cut()
        await ana.has(welcomes=2)
        await say(ana, loud(600) + quiet(1_000))
        await ana.has(finals=4)
        assert_same_person(ana)
        assert [one[2] for one in ana.finals] == [0, 0, 1, 1], "it went on in the same line"
        assert house.admission.addresses == {"127.0.0.2": 1}


async def test_18_who_is_gone_without_a_word_is_missed_at_both_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for what in ("server.connection.HEARTBEAT_S", "clients.wire.ASKED", "clients.wire.SILENT"):
        monkeypatch.setattr(what, 0.2)
    async with far_away() as (house, way, ana):
        participant = ana.link.welcome.participant
        way.hold()
        async with asyncio.timeout(20):
            while house.members():
                await asyncio.sleep(0)
            while State not in map(type, ana.states):
                await asyncio.sleep(0)
        assert ana.states[0].level == "down" and not ana.link.connected
        way.release()
        await ana.has(welcomes=2)
        assert ana.link.welcome.participant == participant


async def test_18_a_server_that_hangs_up_before_it_has_answered_is_tried_again() -> None:
    """As one does that is just being stopped, or a router whose server is away."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(LinkError, match="hung up before it answered") as error:
            await Link(url, "kitchen", Hello("Ana", ["en"])).__aenter__()
    assert error.value.retry


async def test_18_who_is_gone_before_he_was_answered_costs_nothing_and_no_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    prepare = web.WebSocketResponse.prepare

    async def gone(self: web.WebSocketResponse, request: web.BaseRequest) -> object:
        if "gone" not in request.path:
            return await prepare(self, request)
        assert request.transport is not None
        request.transport.abort()
        raise ConnectionResetError("Cannot write to closing transport")

    monkeypatch.setattr(web.WebSocketResponse, "prepare", gone)
    async with in_process() as (house, url):
        with pytest.raises(Exception, match="did not receive"):
            await joined(url, "gone")
        async with joined(url) as ben:
            await ben.send(hello(**SPEAKER))
            await heard(ben, "welcome")
        assert set(house.rooms) == {"kitchen"}
    assert not caplog.records
