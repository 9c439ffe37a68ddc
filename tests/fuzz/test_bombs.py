"""300 kB that unpack to 300 MB: a server neither unpacks them nor keeps them."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import cache
from itertools import product

import psutil
import pytest

from loadtest.host import Host, ours
from loadtest.websocket import TEXT, frame, request
from streaming.messages import SUBPROTOCOL

pytestmark = pytest.mark.socket

SIZE = 300 << 20
GROWTH_MB = 5.0
LOOK_S = 0.002  # between two looks at the server's memory
SOON_S = 20.0
RAW, ZLIB, GZIP = -15, 15, 31  # zlib's names of its containers
COMPRESSED = 0x40  # RSV1, RFC 7692
QUICK_CPU_S = 0.25  # of the processor; unpacking takes three times as much
DOORS = ["POST /v1/rooms/kitchen/whip", "PUT /v1/rooms/kitchen/glossary", "GET /v1/rooms", "POST /"]


@cache
def bomb(container: int) -> bytes:
    """Zeros, packed a megabyte at a time; its checksum is missing, which is noticed at the end."""
    packer, zeros = zlib.compressobj(9, zlib.DEFLATED, container), bytes(1 << 20)
    first, more = (packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + more * ((SIZE >> 20) - 1)


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with ours("scripted", options=("--webrtc",)) as host:
        await sent(host, b"GET /v1/rooms HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        yield host


async def sent(host: Host, data: bytes) -> bytes:
    """What the server answers before it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(host.url.rpartition(":")[2]))
    answer = b""
    try:
        async with asyncio.timeout(SOON_S):
            with suppress(ConnectionError):
                writer.write(data)
                await writer.drain()
            with suppress(ConnectionError):
                while more := await reader.read(65_536):
                    answer += more
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return answer


async def unharmed(host: Host, data: bytes) -> bytes:
    """The answer, if the server takes neither memory nor time for the question."""
    server: psutil.Process = host.alive()
    before, busy = server.memory_info().rss, _cpu(server)
    asked, most = asyncio.create_task(sent(host, data)), before
    while not asked.done():
        most = max(most, server.memory_info().rss)
        await asyncio.sleep(LOOK_S)
    assert (most - before) / 1e6 < GROWTH_MB
    assert _cpu(server) - busy < QUICK_CPU_S
    return asked.result()


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def test_a_compressed_frame_is_no_frame_here(host: Host) -> None:
    """Though the client offered permessage-deflate: the server has not agreed."""
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    packed = bytearray(frame(TEXT, bomb(RAW)))
    packed[0] |= COMPRESSED
    shaken = request("x", "/v1/rooms/kitchen", SUBPROTOCOL, offer)
    answer = await unharmed(host, shaken + bytes(packed))
    assert b"101" in answer and b"deflate" not in answer
    assert b"\x03\xea" in answer.rpartition(b"\r\n\r\n")[2], "1002, a protocol error"


async def test_a_packed_body_is_not_unpacked(host: Host) -> None:
    kinds = {"gzip": GZIP, "deflate": ZLIB, "br": GZIP, "zstd": GZIP}
    for door, (name, container) in product(DOORS, kinds.items()):
        body = bomb(container)
        head = (
            f"{door} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/sdp\r\n"
            f"Content-Encoding: {name}\r\n"
        ).encode()
        counted = b"Content-Length: %d\r\n\r\n" % len(body) + body
        chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
        for rest in (counted, chunked):
            answer = await unharmed(host, head + rest)
            assert not answer or answer.startswith(b"HTTP/1.1 "), answer[:80]
