"""Sound is taken as it comes, and nothing overtakes what came before it."""

import asyncio
import json
from unittest.mock import Mock

import pytest
from aiohttp import WSMessage, WSMsgType, web
from websockets.exceptions import ConnectionClosed

from server.connection import Connection
from server.inlet import Inlet, inlet
from server.refused import Refused
from tests.server.sockets import SPEAKER, hello, joined, refused, serving
from tests.server.stage import loud

SOUND = WSMessage(WSMsgType.BINARY, b"sound", None)
WORDS = WSMessage(WSMsgType.TEXT, "words", None)


async def queue() -> Inlet:
    protocol = Mock(_reading_paused=False)
    return Inlet(protocol, 65_536, loop=asyncio.get_running_loop())


async def test_sound_is_taken_before_anybody_reads_and_words_are_left_to_who_reads() -> None:
    one, taken = await queue(), list[bytes]()
    one.take = taken.append
    one.feed_data(SOUND, 5)
    assert taken == [b"sound"]
    one.feed_data(WORDS, 5)
    assert (await one.read(), taken) == (WORDS, [b"sound"])


async def test_sound_behind_words_waits_until_they_are_read() -> None:
    one, taken = await queue(), list[bytes]()
    one.take = taken.append
    for message in (WORDS, SOUND):
        one.feed_data(message, 5)
    assert [await one.read(), await one.read(), taken] == [WORDS, SOUND, []]
    one.feed_data(SOUND, 5)
    assert taken == [b"sound"]


async def test_whoever_reads_learns_that_sound_was_refused_and_no_more_is_taken() -> None:
    one, refusal = await queue(), Refused(4400, "no")
    one.take = Mock(side_effect=refusal)
    one.feed_data(SOUND, 5)
    assert (await one.read()).type is WSMsgType.ERROR
    assert one.failed is refusal
    one.feed_data(SOUND, 5)
    assert await one.read() == SOUND


@pytest.mark.socket
async def test_this_aiohttp_has_the_queue_that_we_know(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Inlet | None] = []

    async def seen(self: Connection) -> None:
        found.append(inlet(self.socket))

    monkeypatch.setattr(Connection, "_read", seen)
    async with serving() as (_, url), joined(url) as link:
        await link.send(hello(**SPEAKER))
        with pytest.raises(ConnectionClosed):
            while True:
                await link.recv()
    assert isinstance(found[0], Inlet)


@pytest.mark.socket
async def test_where_it_has_another_sound_is_read_like_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def another(socket: web.WebSocketResponse) -> None:
        return None

    monkeypatch.setattr("server.connection.inlet", another)
    async with serving() as (_, url), joined(url) as link:
        await link.send(hello(**SPEAKER))
        await link.send(loud(100))
        async with asyncio.timeout(10):
            while (message := json.loads(await link.recv()))["type"] != "audio.ack":
                pass
        assert message["samples"] == 1_600
        await link.send(b"odd")
        assert (await refused(link))[0] == 4400


@pytest.mark.socket
async def test_sound_that_is_none_is_refused_in_a_sentence_as_it_comes() -> None:
    async with serving() as (_, url), joined(url) as link:
        await link.send(hello(**SPEAKER))
        await link.send(b"odd")
        code, sentence, _ = await refused(link)
        assert code == 4400 and "sample" in sentence
