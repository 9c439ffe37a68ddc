"""What is said is encrypted by nothing older than TLS 1.2."""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from server.listening import listening
from server.secret import encryption
from server.tls import own


@pytest.mark.socket
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_who_speaks_only_what_is_broken_is_not_spoken_to(tmp_path: Path) -> None:
    mine = own(["127.0.0.1"], tmp_path)
    async with listening(web.Application(), "127.0.0.1", 0, encryption(mine.cert, mine.key)) as url:
        port = int(url.rpartition(":")[2])
        for newest, speaks in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
            client = ssl.create_default_context(cafile=str(mine.cert))
            client.set_ciphers("ALL:@SECLEVEL=0")
            client.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            client.maximum_version = newest
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
            except (ssl.SSLError, ConnectionError):
                assert not speaks
            else:
                assert speaks
                writer.close()
                await writer.wait_closed()


@pytest.mark.socket
@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"])
async def test_who_begins_a_handshake_and_does_not_go_on_is_closed(
    said: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.listening.ASKING_S", 0.2)
    mine = own(["127.0.0.1"], tmp_path)
    async with listening(web.Application(), "127.0.0.1", 0, encryption(mine.cert, mine.key)) as url:
        port = int(url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        async with asyncio.timeout(5):
            with suppress(ConnectionResetError):
                await reader.read()  # to the end, which comes
        writer.close()
