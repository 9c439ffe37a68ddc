"""A live server that strangers throw everything at: they are sent off, a neighbour goes on."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clients.opus import Encoder
from loadtest.websocket import BINARY, CLOSE, FIN, PING, TEXT, Incoming, frame, request
from server.house import House
from streaming.messages import MAX_AUDIO, SUBPROTOCOL, Error, Hello, Opus, Pcm16, encode
from tests.fuzz.inputs import DEEP, as_json, damaged, noise
from tests.fuzz.promise import said, tasks_are_as_before
from tests.fuzz.test_words import FROM_CLIENTS
from tests.server.sockets import SPEAKER, heard, hello, joined, serving
from tests.server.stage import loud, quiet

pytestmark = pytest.mark.socket

SOON_S = 20.0  # for what takes milliseconds on a machine that does nothing else
QUIET_S = 0.1  # without a word: it waits for the rest of something
GOODBYES = {1000, 1002, 1003, 1007, 1009, *Error.MEANINGS}  # RFC 6455, 7.4.1, and ours
GREETED = request("x", "/v1/rooms/kitchen", SUBPROTOCOL, {})
PCM = frame(TEXT, encode(Hello("Eve", ["es"], ["en"], Pcm16(44_100))))
OPUS = frame(TEXT, encode(Hello("Eve", ["es"], ["en"], Opus())))
READER = frame(TEXT, encode(Hello("Eve", ["es"])))
SAID = [loud(20), *Encoder().push(loud(100)), b"", b"\0", bytes(MAX_AUDIO), bytes(MAX_AUDIO + 2)]

words = as_json(FROM_CLIENTS).map(lambda data: frame(TEXT, data))
sound = (st.sampled_from(SAID) | damaged(SAID)).map(lambda data: frame(BINARY, data))
odd = st.builds(
    lambda head, data: bytes([head]) + frame(TEXT, data)[1:], st.integers(0, 255), noise
)
"""Frames of every kind, with bits set that nobody agreed on."""


@asynccontextmanager
async def neighbour(house: House, url: str) -> AsyncIterator[list[str]]:
    """Somebody who speaks all the time in the same room; the finals he reads, as they come."""
    finals: list[str] = []

    async def speak() -> None:
        while True:
            for pcm in (loud(800), quiet(800)):
                for start in range(0, len(pcm), 3_200):
                    await link.send(pcm[start : start + 3_200])
            await asyncio.sleep(0.2)  # at less than ten times the pace of speech

    async def read() -> None:
        while True:
            caption = await heard(link, "caption")
            finals.extend([caption["stable"]] if caption["final"] else [])

    async with joined(url) as link:
        await link.send(hello(**SPEAKER))
        await heard(link, "welcome")
        tasks = [asyncio.create_task(speak()), asyncio.create_task(read())]
        try:
            yield finals
            assert not any(task.done() for task in tasks), "he was disturbed"
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(SOON_S):
        while house.members() or any(room.sessions for room in house.rooms.values()):
            await asyncio.sleep(0.01)  # microphones that dropped are waited for a while


@asynccontextmanager
async def neighbourhood() -> AsyncIterator[tuple[str, list[str]]]:
    """A server's address, and what somebody there reads."""
    async with serving() as (house, url):
        with tasks_are_as_before():
            async with neighbour(house, url) as finals:
                yield url, finals


async def answered(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> AsyncIterator[bytes]:
    """What the server sends until it closes. One that waits for more is told that there is none."""
    ended = False
    while True:
        try:
            async with asyncio.timeout(SOON_S if ended else QUIET_S):
                data = await reader.read(65_536)
        except TimeoutError:
            assert not ended, "the server keeps a connection that has ended"
            ended = True
            writer.write_eof()
            continue
        if not data:
            return
        yield data


async def thrown(url: str, pieces: Sequence[bytes]) -> tuple[int, str] | None:
    """Send it all; the server's goodbye, None if it had nobody to say it to."""
    host, _, port = url.removeprefix("ws://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    incoming, told = Incoming(), []
    try:
        with suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            writer.write(frame(CLOSE, b"\x03\xe8"))
        with suppress(ConnectionError):
            async for data in answered(reader, writer):
                if pieces[0] == GREETED:
                    told += incoming.push(data)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    errors = [one for one in map(json.loads, told) if one["type"] == "error"]
    for one in errors:
        said(one["message"])
    if incoming.closed is not None and incoming.closed[0] in Error.MEANINGS:
        assert errors and errors[-1]["code"] == incoming.closed[0]
    return incoming.closed


async def two_more(finals: list[str]) -> None:
    """Wait until the neighbour has read two more lines."""
    wanted = len(finals) + 2
    async with asyncio.timeout(SOON_S):
        while len(finals) < wanted:
            await asyncio.sleep(0.01)


def disturbed(everything: st.SearchStrategy[list[bytes]], *known: list[bytes]) -> None:
    """Throw it all at a server, one connection after the other; the neighbour must not care."""
    with asyncio.Runner() as runner:
        there = neighbourhood()
        url, finals = runner.run(there.__aenter__())

        @given(everything)
        def one(pieces: list[bytes]) -> None:
            closed = runner.run(thrown(url, pieces))
            assert closed is None or closed[0] in GOODBYES, closed

        for pieces in known:
            one = example(pieces)(one)
        try:
            one()
            runner.run(two_more(finals))
        finally:
            runner.run(there.__aexit__(None, None, None))


def test_whatever_frames_strangers_send_a_neighbour_is_captioned() -> None:
    begun = st.sampled_from([[GREETED], [GREETED, READER], [GREETED, PCM], [GREETED, OPUS]])
    sent = st.lists(words | sound | odd | noise, max_size=5)
    disturbed(
        st.builds(lambda head, rest: head + rest, begun, sent),
        [GREETED, PCM, frame(BINARY, b"")],
        [GREETED, OPUS, frame(BINARY, b""), frame(BINARY, SAID[1])],
        [GREETED, frame(TEXT, b'{"type":"ping","t":1,"x":' + b"[" * DEEP)],
        [GREETED, READER, frame(TEXT, b'{"x":' + b"[" * DEEP)],
        [GREETED, READER, frame(TEXT, b"\xff")],
        [GREETED, READER, bytes([FIN | 0x40]) + frame(TEXT, b"{}")[1:]],
        [GREETED, READER, b"\x81\xff" + (1 << 62).to_bytes(8, "big")],
        [GREETED, READER, frame(PING, bytes(126)), frame(CLOSE, b"\x00")],
    )


def test_whatever_bytes_strangers_send_a_neighbour_is_captioned() -> None:
    bearer = b"Authorization: Bearer \xff\xfe"
    asked = [GREETED, GREETED + READER, GREETED.replace(b"Upgrade: w", b"X: w")]
    asked += [b"GET /v1/rooms/kitchen/transcript.srt?language=en HTTP/1.1\r\nHost: x\r\n\r\n"]
    asked += [b"POST /v1/rooms/kitchen/whip HTTP/1.1\r\nHost: x\r\n" + bearer + b"\r\n\r\n"]
    asked += [b"GET /page/%2e%2e/%00 HTTP/1.1\r\nHost: \xff\r\nOrigin: http://[\r\n\r\n"]
    disturbed(
        st.lists(damaged(asked) | noise, min_size=1, max_size=3),
        *([one] for one in asked),
        [GREETED.replace(b"Upgrade: w", b"Origin: http://[\r\nUpgrade: w")],
        [GREETED.replace(b"Upgrade: w", b"Origin: \xff\r\nUpgrade: w")],
        [GREETED.replace(b"Upgrade: w", bearer + b"\r\nUpgrade: w"), READER],
        [GREETED.replace(b"kitchen", b"\xff%ff%00")],
        [GREETED.replace(b"Upgrade: websocket", b"Upgrade: \xff\xfe")],
        [GREETED.replace(b"Version: 13", b"Version: \xff\xfe")],
        [GREETED.replace(b"-Key: ", "-Key: \u0664".encode())],
        [GREETED.replace(b"surtitle.v1", b"\x1b[2J.v1")],
    )
