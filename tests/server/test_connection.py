"""Over real sockets: the conversation of the protocol page, and what bad input gets."""

import asyncio
import json
import socket

import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from server import connection, outlet
from streaming.messages import SUBPROTOCOL, Caption, Message, State
from tests.server.sockets import SPEAKER, heard, hello, joined, refused, rest, serving
from tests.server.stage import loud, quiet

GONE_S, MARGIN, GROWTH_MB = 5.0, 4, 5

pytestmark = pytest.mark.socket


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


async def test_a_ping_of_the_websocket_itself_is_answered_before_and_after_hello() -> None:
    async with serving() as (_, url), joined(url) as link, asyncio.timeout(10):
        await (await link.ping())
        await link.send(hello())
        await (await link.ping(b"still there?"))


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


async def test_a_caption_that_cannot_be_written_costs_its_reader_and_not_its_speaker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving() as (house, url):
        encoded = house.encoded

        def broken(message: Message) -> bytes:
            assert not isinstance(message, Caption), "a bug"
            return encoded(message)

        monkeypatch.setattr(house, "encoded", broken)
        async with joined(url) as ben, joined(url) as ana:
            await ben.send(hello(name="Ben", source=True))
            await heard(ben, "welcome")
            await ana.send(hello(**SPEAKER | {"reads": [], "source": False}))
            pcm = loud(1_000) + quiet(1_200)
            for start in range(0, len(pcm), 3_200):
                await ana.send(pcm[start : start + 3_200])
            assert (await refused(ben))[0] == 4500
            await ana.send('{"type": "end"}')
            assert (await rest(ana))[-1]["level"] == "drained"


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


async def test_who_never_reads_is_let_go_in_seconds_and_costs_no_memory_meanwhile() -> None:
    assert outlet.SEND_S < GONE_S
    server = psutil.Process()
    async with serving() as (house, url), joined(url) as ana:
        await ana.send(hello())
        await heard(ana, "welcome")
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
            while len(house.members()) < 2:
                await asyncio.sleep(0.01)
        stuck = most = 0
        member = next(one for one in house.members() if one.hello.name == "Deaf")
        async with asyncio.timeout(MARGIN * GONE_S):
            while member in house.members():
                most = max(most, server.memory_info().rss)
                if len(member.news) < 10:  # there is always something to tell
                    member.news.append(State("room", "ok", "x" * 50_000))
                    member.wake.set()
                else:  # what the network takes is full
                    stuck = stuck or most
                await asyncio.sleep(0.002)
        deaf.close()
        assert stuck and most - stuck < GROWTH_MB * (1 << 20)
        assert [one.hello.name for one in house.members()] == ["Ana"]


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
