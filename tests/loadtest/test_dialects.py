"""Other people's protocols, as their own servers speak them."""

import asyncio
import json
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from clients.console import Problem
from loadtest.crowd import Crowd
from loadtest.dialects import DIALECTS, Deepgram, Surtitle, Vosk
from loadtest.load import Load, Seat, seats
from loadtest.speech import frames
from streaming.messages import Caption, Error
from tests.loadtest.test_measuring import near, sound

__all__ = ["sound"]

LOAD = Load(1, frame_ms=100)
SEAT = Seat("load-0", "voice 1", "en", ())


def heard(it: Vosk | Deepgram | Surtitle, *messages: object) -> list[object]:
    return [said for message in messages for said in it.hear(json.dumps(message).encode())]


def seen(said: list[object]) -> list[tuple[str, int, bool, int]]:
    """Text, ms heard, whether final, and the line's number."""
    return [
        (one.text, one.heard // 16, one.final, one.segment)
        for one in said
        if isinstance(one, Caption)
    ]


def test_vosk_answers_frame_by_frame() -> None:
    it = Vosk(SEAT, LOAD)
    word = {"conf": 1.0, "start": 0.12, "end": 0.35, "word": "hello"}
    said = heard(
        it,
        {"partial": ""},
        {"partial": "hello"},
        {"result": [word], "text": "hello"},
        {"partial": "bye"},
    )
    assert seen(said) == [
        ("", 100, False, 0),
        ("hello", 200, False, 0),
        ("hello", 300, True, 0),
        ("bye", 400, False, 1),
    ]
    it.ending()
    assert seen(heard(it, {"text": "bye"})) == [("bye", 400, True, 1)]  # no frame was sent for it


def test_vosks_silence_is_no_line() -> None:
    assert seen(heard(Vosk(SEAT, LOAD), {"text": ""})) == []


def test_deepgram_says_which_stretch_of_sound_it_is_about() -> None:
    def result(text: str, start: float, duration: float, final: bool) -> dict[str, object]:
        channel = {"alternatives": [{"transcript": text, "confidence": 0.9, "words": []}]}
        return {
            "type": "Results", "channel_index": [0, 1], "start": start, "duration": duration,
            "is_final": final, "speech_final": final, "channel": channel, "metadata": {},
        }  # fmt: skip

    it = Deepgram(SEAT, LOAD)
    said = heard(
        it,
        result("", 0, 1, False),
        result("another", 0, 1.5, False),
        {"type": "SpeechStarted", "channel": [0], "timestamp": 9.54},
        result("another big", 0, 2.5, True),
        result("", 2.5, 1, True),
        {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 2.395},
    )
    assert seen(said) == [("another", 1500, False, 0), ("another big", 2500, True, 0)]
    (drained,) = heard(it, {"type": "Metadata", "request_id": "x", "duration": 3.5})
    assert drained is not None
    (error,) = heard(it, {"type": "Error", "description": "no sound for 10 s"})
    assert error == Error(4500, "no sound for 10 s", False)


@pytest.mark.parametrize("protocol", DIALECTS)
@pytest.mark.parametrize("message", [b"{", b"[]", b'"text"'])
def test_what_is_none_of_the_protocol_is_said(protocol: str, message: bytes) -> None:
    with pytest.raises(Problem, match=r"no message of|the server sent"):
        list(DIALECTS[protocol](SEAT, LOAD).hear(message))


def test_deepgrams_key_goes_where_deepgram_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPGRAM_API_KEY", "k")
    it = Deepgram(SEAT, LOAD)
    assert it.headers() == {"Authorization": "Token k"}
    assert it.path().startswith("/v1/listen?encoding=linear16&sample_rate=16000")


Scene = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def theirs(scene: Scene, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async with serve(scene, "127.0.0.1", 0, ssl=tls) as running:
        port = next(iter(running.sockets)).getsockname()[1]
        yield f"{'wss' if tls else 'ws'}://127.0.0.1:{port}"


async def vosk(socket: ServerConnection) -> None:
    """As vosk-server's asr_server.py: a reply to each frame, and to the end."""
    assert "config" in json.loads(await socket.recv())
    count = 0
    while isinstance(frame := await socket.recv(), bytes):
        count += 1
        await socket.send(json.dumps({"partial": " ".join(["word"] * (count // 4))}))
    assert frame == '{"eof" : 1}'
    await socket.send(json.dumps({"text": " ".join(["word"] * (count // 4))}))


async def deepgram(socket: ServerConnection) -> None:
    """Interim results 150 ms after their sound; a final every fifth frame."""
    assert socket.request is not None and "interim_results=true" in socket.request.path
    loop, count = asyncio.get_running_loop(), 0

    def say(n: int) -> None:
        start, final = n // 5 * 5 * 0.025, n % 5 == 4
        alternative = {"transcript": " ".join(["word"] * (n % 5 + 1))}
        result = {
            "type": "Results", "start": start, "duration": (n + 1) * 0.025 - start,
            "is_final": final, "channel": {"alternatives": [alternative]},
        }  # fmt: skip
        told.append(asyncio.ensure_future(socket.send(json.dumps(result))))

    told: list[asyncio.Future[None]] = []
    while isinstance(last := await socket.recv(), bytes):
        loop.call_later(0.15, say, count)
        count += 1
    assert json.loads(last) == {"type": "CloseStream"}
    done = loop.create_future()
    loop.call_later(0.16, done.set_result, None)
    await done
    await asyncio.gather(*told)
    await socket.send('{"type": "Metadata"}')


async def put(url: str, protocol: str, folder: Path) -> Crowd:
    load = Load(3, 0.8, warm=0.2, cool=0.1, frame_ms=25, audio=folder)
    crowd = Crowd(url, load, seats(load), frames(folder, ms=25), protocol)

    def work() -> None:
        crowd.join()
        crowd.run(time.monotonic() + 0.05)
        crowd.end(within=2.0)

    await asyncio.to_thread(work)
    return crowd


@pytest.mark.socket
async def test_a_vosk_server_is_measured(sound: Path) -> None:
    async with theirs(vosk) as url:
        crowd = await put(url, "vosk", sound)
    counts = crowd.tally.counts
    assert counts["undrained"] == counts["finals_lost"] == 0 and counts["finals"] == 3
    # Every frame was answered; what changed nothing visible answered, too.
    assert crowd.tally["answer"].histogram.total_count == 3 * 32
    assert crowd.tally["chunk_to_caption"].histogram.total_count == 3 * 8


@pytest.mark.socket
async def test_a_deepgram_server_is_measured(sound: Path) -> None:
    async with theirs(deepgram) as url:
        crowd = await put(url, "deepgram", sound)
    counts = crowd.tally.counts
    assert counts["undrained"] == 0 and counts["finals"] >= 3 * 8
    assert crowd.tally["chunk_to_caption"].percentile(50) == near(150)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of this machine, with its key in the same file."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {cert} -subj /CN=x"
    try:
        subprocess.run(
            ["openssl", *words.split(), "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    cert.write_text(cert.read_text() + key.read_text())
    return cert


@pytest.mark.socket
async def test_a_server_behind_tls_is_measured(
    sound: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    async with theirs(vosk, tls) as url:
        with pytest.raises(
            Problem, match=r"no secure connection to wss:.*certificate verify failed"
        ):
            await put(url, "vosk", sound)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        crowd = await put(url, "vosk", sound)
    assert crowd.tally.counts["finals"] == 3 and crowd.tally.counts["undrained"] == 0
