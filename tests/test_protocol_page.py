"""docs/protocol.md is what the code says, and enough to write a client from."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
import websockets

from docs import protocol
from streaming import messages

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^([→←]) (\{.*\})$", PAGE, re.MULTILINE)


def test_the_page_is_what_its_generator_makes() -> None:
    assert protocol.page() == PAGE, "run: python docs/protocol.py > docs/protocol.md"


def test_the_generator_runs_as_a_program() -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "docs" / "protocol.py"],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONIOENCODING": "utf-8"},
    )
    assert made.stdout.decode() == PAGE


@pytest.mark.parametrize(("arrow", "text"), EXAMPLES)
def test_every_example_is_a_message(arrow: str, text: str) -> None:
    decode = messages.decode_client if arrow == "→" else messages.decode_server
    message = decode(text)
    assert message is not None
    assert json.loads(messages.encode(message)) == json.loads(text), "no field is unknown"


def test_the_example_keeps_the_promises_of_the_page() -> None:
    told = [messages.decode_server(text) for arrow, text in EXAMPLES if arrow == "←"]
    assert isinstance(told[0], messages.Welcome)
    captions = [message for message in told if isinstance(message, messages.Caption)]
    lines: dict[Any, messages.Caption] = {}
    for newer in captions:
        older = lines.get(newer.key)
        assert older is None or (not older.final and newer.seq > older.seq)
        assert older is None or newer.final or newer.stable.startswith(older.stable)
        assert not (newer.final and newer.draft)
        lines[newer.key] = newer
    assert all(line.final for line in lines.values())
    assert {line.stable for line in lines.values()} > {"", "good morning everyone"}
    assert [caption.seq for caption in captions] == sorted({caption.seq for caption in captions})


@pytest.mark.parametrize("kind", sorted(messages.CLIENT_TYPES | messages.SERVER_TYPES))
def test_every_message_has_its_section(kind: str) -> None:
    assert f"\n### {kind}\n" in PAGE


def test_every_close_code_is_explained() -> None:
    for code, (meaning, retry) in messages.Error.MEANINGS.items():
        assert f"| {code} | {meaning} | {'yes' if retry else 'no'} |" in PAGE


def test_no_meaning_is_left_over() -> None:
    """Every explanation of the generator is of a field that is there and lacks one."""
    for name, meaning in protocol.MEANINGS.items():
        owner, _, field = name.rpartition(".")
        section = PAGE.partition(f"\n### {owner}\n")[2].partition("\n#")[0]
        row = section.partition(f"| `{field}` |")[2].partition("\n")[0]
        assert row.endswith(f"| {meaning} |"), name


def test_every_link_leads_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w]", "", title.lower()) for title in re.findall(r"^#+ (.*)$", PAGE, re.M)
    }
    assert set(re.findall(r"\(#([\w.]+)\)", PAGE)) <= anchors


def test_how_to_call_and_who_may_not_is_in_the_page() -> None:
    calling = PAGE.partition("## Audio by WebRTC")[2].partition("\n## ")[0]
    assert "/whip" in calling and "Bearer" in calling and "4400" in calling


# A client written from the page alone. It knows JSON and WebSockets, and nothing of this project.


class Client:
    """Says what it is given and keeps what it is told."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, int, str, str], dict[str, Any]] = {}
        self.told: list[str] = []
        self.acknowledged = 0
        self.code: int | None = None

    async def converse(self, address: str, hello: dict[str, Any], pcm: bytes, rate: int) -> None:
        async with websockets.connect(
            address, subprotocols=[websockets.Subprotocol("surtitle.v1")], compression=None
        ) as socket:
            await socket.send(json.dumps({"type": "hello", **hello}))
            step = rate // 50 * 2
            for start in range(0, len(pcm), step):
                await socket.send(pcm[start : start + step])
            await socket.send(json.dumps({"type": "end"}))
            async for text in socket:
                self.take(json.loads(text))
        self.code = socket.close_code

    def take(self, message: dict[str, Any]) -> None:
        self.told.append(message["type"])
        if message["type"] == "caption":
            names = ("speaker", "segment", "language", "kind")
            speaker, segment, language, kind = (message[name] for name in names)
            self.lines[speaker, segment, language, kind] = message
        elif message["type"] == "audio.ack":
            self.acknowledged = message["samples"]
        elif message["type"] == "state" and message["level"] == "drained":
            self.told.append("drained")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a room on a server whose engines answer from a script."""
    reading, writing = os.pipe()
    ports = ["--port", "0", "--metrics-port", "0", "--ready-fd", str(writing)]
    command = [sys.executable, str(ROOT / "surtitle.py"), "serve", "--engine", "scripted", *ports]
    with subprocess.Popen(command, cwd=ROOT, pass_fds=[writing]) as process:
        os.close(writing)
        with os.fdopen(reading) as ready:
            url = json.loads(ready.readline())["url"]
        yield url.replace("http", "ws", 1) + "/v1/rooms/page"
        process.terminate()


def speech(rate: int) -> bytes:
    """Some seconds of somebody speaking: 16-bit samples."""
    found = b""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    with av.open(str(ROOT / "loadtest" / "conversation" / "alan.flac")) as file:
        for frame in file.decode(audio=0):
            for made in resampler.resample(frame):
                found += bytes(made.planes[0])[: made.samples * 2]
            if len(found) > 20 * rate * 2:
                break
    return found[: 20 * rate * 2]


@pytest.mark.engine
@pytest.mark.socket
def test_a_client_written_from_the_page_hears_all_it_said(server: str) -> None:
    rate = 48_000
    hello = {"name": "Ana", "hears": ["en"], "reads": ["es"], "source": True}
    client = Client()
    audio = {"codec": "pcm16", "rate": rate}
    asyncio.run(client.converse(server, {**hello, "audio": audio}, speech(rate), rate))
    assert client.told[0] == "welcome"
    assert client.told[-1] == "drained"
    assert client.code == 1000
    assert client.lines
    assert all(line["final"] and not line["draft"] for line in client.lines.values())
    said = {key[:2] for key, line in client.lines.items() if key[2:] == ("en", "transcript")}
    meant = {key[:2] for key, line in client.lines.items() if key[2:] == ("es", "translation")}
    assert said == meant


@pytest.mark.engine
@pytest.mark.socket
@pytest.mark.parametrize(
    "asked",
    [
        {"hears": ["en"], "audio": {"codec": "webrtc"}},
        {"colour": "blue"},
    ],
)
def test_what_is_not_offered_is_refused_by_name(server: str, asked: dict[str, Any]) -> None:
    async def refused() -> tuple[dict[str, Any], int | None]:
        spoken = [websockets.Subprotocol("surtitle.v1")]
        async with websockets.connect(server, subprotocols=spoken) as socket:
            await socket.send(json.dumps({"type": "hello", "name": "Ana", **asked}))
            error: dict[str, Any] = json.loads(await socket.recv())
            await socket.wait_closed()
            return error, socket.close_code

    error, code = asyncio.run(refused())
    assert (error["type"], error["code"], error["retry"], code) == ("error", 4400, False, 4400)
    words = error["message"].lower()
    assert any(name in words for name in [*asked, "webrtc"])
