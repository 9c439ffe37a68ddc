"""What can be had of a server without a conversation: pages, transcripts, the open rooms."""

import json
from typing import Any

import aiohttp
import pytest

from server.app import app, listening
from server.config import Config, ConfigError
from streaming.messages import SUBPROTOCOL
from tests.server.sockets import SPEAKER, heard, hello, joined, rest, serving
from tests.server.stage import loud, quiet

pytestmark = pytest.mark.socket


async def test_a_port_in_use_is_a_sentence() -> None:
    async with serving() as (house, url):
        port = int(url.rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"port {port}.*choose another port"):
            async with listening(app(house), "127.0.0.1", port):
                pass


@pytest.mark.parametrize(
    ("set_up", "named"),
    [
        ({"port": 70_000}, "no port"),
        ({"speed": 0.0}, "0.1 to 100"),
        ({"host": "0.0.0.0"}, "--insecure"),
        ({"host": "0.0.0.0", "insecure": True, "speed": 2.0}, "loopback"),
    ],
)
def test_a_server_that_cannot_be_set_up_says_why(set_up: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Config(**set_up)


@pytest.mark.parametrize(("origin", "status"), [("https://evil.example", 403), ("", 101)])
async def test_a_page_from_elsewhere_may_not_join_for_whoever_opened_it(
    origin: str, status: int
) -> None:
    async with serving() as (_, url), aiohttp.ClientSession() as client:
        http = url.replace("ws", "http", 1)
        try:
            socket = await client.ws_connect(
                f"{http}/v1/rooms/kitchen", origin=origin or http, protocols=(SUBPROTOCOL,)
            )
        except aiohttp.WSServerHandshakeError as error:
            assert error.status == status
        else:
            await socket.close()
            assert status == 101


async def fetched(url: str) -> tuple[int, str, str]:
    """Status, content type and text of a page."""
    async with aiohttp.ClientSession() as client, client.get(url) as answer:
        return answer.status, answer.content_type, await answer.text()


async def test_the_transcript_can_be_had_while_the_room_is_live_and_after() -> None:
    async with serving() as (_, url), joined(url) as link:
        http = url.replace("ws", "http", 1)
        await link.send(hello(**SPEAKER))
        pcm = loud(1_500) + quiet(1_200)
        for start in range(0, len(pcm), 3_200):
            await link.send(pcm[start : start + 3_200])
        while not (await heard(link, "caption"))["final"]:
            pass
        status, kind, text = await fetched(f"{http}/v1/rooms/kitchen/transcript.srt")
        assert (status, kind) == (200, "application/x-subrip")
        assert "Ana: " in text
        await link.send('{"type": "end"}')
        await rest(link)
        for form in ("srt", "vtt", "txt", "json"):
            status, _, text = await fetched(
                f"{http}/v1/rooms/kitchen/transcript.{form}?language=es"
            )
            assert status == 200
            assert "-es" in text


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("nowhere/transcript.srt", 404, "no such room"),
        ("kitchen/transcript.pdf", 404, "transcript.vtt"),
        ("kitchen/transcript.srt?language=klingon", 400, "unknown language 'klingon'"),
        ("kitchen", 426, "WebSocket"),
    ],
)
async def test_a_page_that_cannot_be_had_says_why(path: str, status: int, named: str) -> None:
    async with serving() as (_, url), joined(url) as link:
        await link.send(hello())
        await heard(link, "welcome")
        found, _, text = await fetched(f"{url.replace('ws', 'http', 1)}/v1/rooms/{path}")
        assert found == status
        assert named in text


async def test_open_rooms_are_listed_without_who_is_in_them() -> None:
    async with serving() as (_, url), joined(url) as link:
        http = url.replace("ws", "http", 1)
        assert json.loads((await fetched(f"{http}/v1/rooms"))[2]) == {"rooms": []}
        await link.send(hello(**SPEAKER))
        await heard(link, "welcome")
        (room,) = json.loads((await fetched(f"{http}/v1/rooms"))[2])["rooms"]
        assert (room["name"], room["participants"], room["speakers"]) == ("kitchen", 1, 1)
        assert room["languages"] == ["en"]
        assert "Ana" not in json.dumps(room)
