"""Over real sockets: the conversation of the protocol page, and what bad input gets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from models.energy import Energy
from models.registry import Engines as Built
from models.scripted import ScriptedRecognizer, ScriptedTranslator
from server import connection
from server.app import app, listening
from server.clock import Clock
from server.config import Config, ConfigError
from server.engines import started
from server.house import House
from server.metrics import Metrics
from streaming.glossary import Glossary
from streaming.messages import SUBPROTOCOL, State
from tests.server.stage import loud, quiet

pytestmark = pytest.mark.socket
SPEED = 10.0


@asynccontextmanager
async def serving(speed: float = SPEED) -> AsyncIterator[tuple[House, str]]:
    """A server with scripted engines; the house and its WebSocket address."""
    house = House(Config(), Metrics(), Glossary())
    built = Built(
        Energy(), (ScriptedRecognizer(),), (ScriptedTranslator(languages=("en", "es", "zh")),)
    )
    async with (
        started(built, Clock(speed), house.translation_changed) as house.engines,
        listening(app(house), "127.0.0.1", 0) as url,
    ):
        time = asyncio.create_task(house.keep_time())
        yield house, url.replace("http", "ws")
        time.cancel()


def joined(url: str, room: str = "kitchen", subprotocol: str = SUBPROTOCOL) -> Any:
    return connect(
        f"{url}/v1/rooms/{room}",
        subprotocols=[Subprotocol(subprotocol)] if subprotocol else None,
        compression=None,
        proxy=None,
    )


def hello(**more: object) -> str:
    return json.dumps({"type": "hello", "name": "Ana"} | more)


SPEAKER = {"hears": ["en"], "reads": ["en", "es"], "audio": {"codec": "pcm16", "rate": 16_000}}


async def heard(link: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of this type."""
    async with asyncio.timeout(10):
        while (message := json.loads(await link.recv()))["type"] != kind:
            pass
    found: dict[str, Any] = message
    return found


async def rest(link: ClientConnection) -> list[dict[str, Any]]:
    """Everything until the server closes."""
    messages = []
    try:
        async with asyncio.timeout(20):
            while True:
                messages.append(json.loads(await link.recv()))
    except ConnectionClosed:
        return messages


async def refused(link: ClientConnection) -> tuple[int, str, int | None]:
    """The error's code and sentence, and the close code."""
    messages = await rest(link)
    errors = [one for one in messages if one["type"] == "error"]
    return errors[-1]["code"], errors[-1]["message"], link.close_code


async def test_a_conversation_is_welcomed_captioned_drained_and_closed() -> None:
    async with serving() as (_, url), joined(url) as link:
        await link.send(hello(**SPEAKER))
        welcome = json.loads(await link.recv())
        assert welcome["type"] == "welcome"
        assert (welcome["room"], welcome["audio_at"], welcome["gap"]) == ("kitchen", 0, False)
        assert ["en", "es", "scripted"] in welcome["pairs"]
        assert len(welcome["key"]) == 32
        pcm = loud(2_000) + quiet(1_200) + loud(1_000)
        for start in range(0, len(pcm), 3_200):
            await link.send(pcm[start : start + 3_200])
        await link.send('{"type": "end"}')
        messages = await rest(link)
        captions = [one for one in messages if one["type"] == "caption"]
        finals = [(one["language"], one["segment"]) for one in captions if one["final"]]
        assert sorted(finals) == [("en", 0), ("en", 1), ("es", 0), ("es", 1)]
        seqs = [one["seq"] for one in captions]
        assert seqs == sorted(set(seqs))
        assert messages[-1] == {"type": "state", "scope": "connection", "level": "drained"}
        assert link.close_code == 1000


async def test_audio_is_acknowledged_by_position() -> None:
    async with serving() as (_, url), joined(url) as link:
        await link.send(hello(**SPEAKER))
        await link.send(loud(100))
        assert (await heard(link, "audio.ack"))["samples"] == 1_600
        await link.send('{"type": "audio.gap", "from": 1600, "to": 50000}')
        await link.send(loud(100))
        while (await heard(link, "audio.ack"))["samples"] != 51_600:
            pass


@pytest.mark.parametrize(("rate", "count"), [(8_000, 800), (44_100, 2_048), (48_000, 2_048)])
async def test_other_rates_are_converted_and_positions_stay_true(rate: int, count: int) -> None:
    async with serving() as (_, url), joined(url) as link:
        await link.send(hello(**SPEAKER | {"audio": {"codec": "pcm16", "rate": rate}}))
        for _ in range(30):
            await link.send(bytes(2 * count))
        expected = round(30 * count * 16_000 / rate)
        await link.send('{"type": "ping", "t": 1}')
        await heard(link, "pong")
        samples = (await heard(link, "audio.ack"))["samples"]
        assert expected - 400 <= samples <= expected


async def test_a_ping_is_answered_with_its_own_time() -> None:
    async with serving() as (_, url), joined(url) as link:
        await link.send(hello())
        await link.send('{"type": "ping", "t": 12.5}')
        pong = await heard(link, "pong")
        assert pong["t"] == 12.5
        assert pong["server_ms"] >= 0


async def test_a_variety_of_a_language_that_is_heard_is_welcome() -> None:
    async with serving() as (_, url), joined(url) as link:
        spoken = {"hears": ["en-US"], "audio": {"codec": "pcm16", "rate": 16_000}}
        await link.send(hello(**spoken))
        roster = await heard(link, "roster")
        assert roster["participants"][0]["hears"] == ["en"]
        await link.send(hello(**spoken, reads=["es"]))
        while (await heard(link, "roster"))["participants"][0]["reads"] != ["es"]:
            pass


async def test_who_is_muted_is_not_heard() -> None:
    async with serving() as (_, url), joined(url) as link:
        await link.send(hello(**SPEAKER))
        await link.send('{"type": "mute", "on": true}')
        while not (await heard(link, "roster"))["participants"][0]["muted"]:
            pass
        pcm = loud(2_000) + quiet(1_200)
        for start in range(0, len(pcm), 3_200):
            await link.send(pcm[start : start + 3_200])
        await link.send('{"type": "end"}')
        messages = await rest(link)
        assert not [one for one in messages if one["type"] == "caption"]


@pytest.mark.parametrize(
    ("sent", "code", "named"),
    [
        (["x"], 4400, "not JSON"),
        (['{"type": "mute", "on": true}'], 4400, "first message is `hello`"),
        ([b"\0\0"], 4400, "audio came before `hello`"),
        ([hello(speed=2)], 4400, "unknown field `speed`"),
        ([hello(reads=["klingon"])], 4400, "unknown language 'klingon'"),
        ([hello(hears=["sv"], audio={"codec": "opus"})], 4400, "does not hear 'sv'"),
        ([hello(hears=["en"])], 4400, "`hears` and `audio`"),
        ([hello(hears=["en"], audio={"codec": "webrtc"})], 4400, "WebRTC"),
        ([hello(), '{"type": "shout"}'], 4400, "unknown message type 'shout'"),
        ([hello(), b"\0\0"], 4400, "no microphone"),
        ([hello(), '{"type": "mute", "on": true}'], 4400, "no microphone"),
        ([hello(), '{"type": "audio.gap", "from": 0, "to": 1}'], 4400, "no microphone"),
        ([hello(**SPEAKER), b"\0\0\0"], 4400, "16-bit samples"),
        ([hello(**SPEAKER), bytes(4_098)], 4413, "4096 bytes"),
        ([hello(**SPEAKER), '{"type": "audio.gap", "from": 7, "to": 9}'], 4400, "position is 0"),
        ([hello(**SPEAKER), hello(hears=["zh"])], 4400, "`hears` cannot be changed"),
        ([hello(**SPEAKER), '{"type": "end"}', b"\0\0"], 4400, "after `end`"),
        (
            [hello(**SPEAKER), '{"type": "end"}', '{"type": "audio.gap", "from": 0, "to": 9}'],
            4400,
            "after `end`",
        ),
        ([hello(), json.dumps({"type": "x", "x": "y" * 70_000})], 4413, "65536 bytes"),
        (
            [hello(**SPEAKER | {"audio": {"codec": "opus"}}), b"\xff" * 40],
            4400,
            "not an Opus packet",
        ),
        ([hello(**SPEAKER), *[bytes(4_096)] * 300], 4429, "30 s ahead"),
    ],
)
async def test_bad_input_is_named_and_disturbs_nobody_else(
    sent: list[str | bytes], code: int, named: str
) -> None:
    async with serving() as (_, url), joined(url) as ben, joined(url) as link:
        await ben.send(hello(name="Ben"))
        await heard(ben, "welcome")
        for one in sent:
            try:
                await link.send(one)
            except ConnectionClosed:
                break
        said, message, closed = await refused(link)
        assert (said, closed) == (code, code)
        assert named in message
        await ben.send('{"type": "ping", "t": 1}')
        await heard(ben, "pong")


def resuming(welcome: dict[str, Any], seq: int) -> dict[str, Any]:
    return {key: welcome[key] for key in ("epoch", "participant", "key")} | {"seq": seq}


async def test_a_broken_connection_is_gone_on_with() -> None:
    async with serving() as (_, url):
        async with joined(url) as link:
            await link.send(hello(**SPEAKER))
            welcome = await heard(link, "welcome")
            for _ in range(10):
                await link.send(loud(100))
            caption = await heard(link, "caption")
            await heard(link, "audio.ack")
            link.transport.abort()
        async with joined(url) as link:
            await link.send(hello(**SPEAKER, resume=resuming(welcome, caption["seq"])))
            again = await heard(link, "welcome")
            assert (again["participant"], again["key"]) == (welcome["participant"], welcome["key"])
            assert (again["audio_at"], again["gap"]) == (16_000, False)
            for _ in range(5):
                await link.send(loud(100))
            await link.send('{"type": "end"}')
            messages = await rest(link)
            captions = [one for one in messages if one["type"] == "caption"]
            finals = [(one["segment"], one["language"]) for one in captions if one["final"]]
            assert len(finals) == len(set(finals)) > 0
            assert all(one["seq"] > caption["seq"] for one in captions)
            assert max(one["end"] for one in captions) > 22_000
            assert messages[-1]["level"] == "drained"


async def test_the_last_words_are_told_to_who_lost_the_connection_after_them() -> None:
    async with serving() as (_, url):
        async with joined(url) as link:
            await link.send(hello(**SPEAKER))
            welcome = await heard(link, "welcome")
            for _ in range(10):
                await link.send(loud(100))
            await link.send('{"type": "end"}')
            link.transport.abort()
        async with joined(url) as link:
            await link.send(hello(**SPEAKER, resume=resuming(welcome, 0)))
            await link.send('{"type": "end"}')
            messages = await rest(link)
            assert messages[-1]["level"] == "drained"


async def test_the_newer_connection_replaces_the_older() -> None:
    async with serving() as (_, url), joined(url) as old, joined(url) as new:
        await old.send(hello(**SPEAKER))
        welcome = await heard(old, "welcome")
        await new.send(hello(**SPEAKER, resume=resuming(welcome, 0)))
        assert (await heard(new, "welcome"))["participant"] == welcome["participant"]
        code, message, closed = await refused(old)
        assert (code, closed) == (4409, 4409) and "newer connection" in message
        await new.send('{"type": "end"}')
        assert (await rest(new))[-1]["level"] == "drained"


async def test_nobody_takes_the_place_of_another_without_the_key() -> None:
    async with serving() as (_, url), joined(url) as ana, joined(url) as eve:
        await ana.send(hello(**SPEAKER))
        welcome = await heard(ana, "welcome")
        await eve.send(hello(resume=resuming(welcome | {"key": "guessed"}, 0)))
        assert (await refused(eve))[::2] == (4403, 4403)
        await ana.send('{"type": "ping", "t": 1}')
        await heard(ana, "pong")


async def test_a_bug_of_ours_is_said_and_costs_one_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving() as (_, url), joined(url) as ben, joined(url) as link:
        await ben.send(hello(name="Ben"))
        await heard(ben, "welcome")
        monkeypatch.setattr(connection, "Pong", None)
        await link.send(hello())
        await link.send('{"type": "ping", "t": 1}')
        code, message, closed = await refused(link)
        assert (code, closed) == (4500, 4500)
        assert "join again" in message
        await ben.send('{"type": "mute", "on": true}')
        assert (await refused(ben))[0] == 4400


async def test_without_the_subprotocol_nobody_gets_in() -> None:
    async with serving() as (_, url), joined(url, subprotocol="") as link:
        code, message, closed = await refused(link)
        assert (code, closed) == (4400, 4400)
        assert SUBPROTOCOL in message


@pytest.mark.parametrize("room", ["-x", "a.b", "a%20b", "x" * 65, "%2e%2e"])
async def test_a_room_has_a_plain_name(room: str) -> None:
    async with serving() as (_, url), joined(url, room) as link:
        await link.send(hello())
        code, message, _ = await refused(link)
        assert code == 4404
        assert "1 to 64 letters" in message


async def test_who_never_says_hello_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HELLO_S", 0.05)
    async with serving() as (_, url), joined(url) as link:
        code, message, _ = await refused(link)
        assert code == 4408
        assert "hello" in message


async def test_who_never_reads_is_let_go_and_nobody_else_notices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "SEND_S", 0.2)
    async with serving() as (house, url):
        deaf = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        lines = [
            "GET /v1/rooms/kitchen HTTP/1.1",
            "Host: x",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        ]
        deaf.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        greeting = hello(name="Deaf").encode()
        mask = bytes(4)
        deaf.sendall(bytes([0x81, 0x80 | len(greeting)]) + mask + greeting)
        async with asyncio.timeout(10):
            while not house.members():
                await asyncio.sleep(0.01)
            (member,) = house.members()
            while house.members():
                member.news.append(State("room", "ok", "x" * 50_000))
                member.wake.set()
                await asyncio.sleep(0)
        deaf.close()


async def test_a_stopping_server_says_so_after_the_last_finals() -> None:
    async with serving() as (house, url), joined(url) as link:
        await link.send(hello(**SPEAKER))
        for _ in range(15):
            await link.send(loud(100))
        first = await heard(link, "caption")
        await house.drain(5.0)
        messages = [first, *await rest(link)]
        finals = [one for one in messages if one["type"] == "caption" and one["final"]]
        assert {one["language"] for one in finals} == {"en", "es"}
        assert messages[-1]["type"] == "error"
        assert (messages[-1]["code"], messages[-1]["retry"], link.close_code) == (4503, True, 4503)


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
