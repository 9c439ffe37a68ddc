"""JSON of clients as the server reads it, and of servers as clients read it."""

import io
import json
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clients.console import Problem
from clients.lobby import rooms
from loadtest.dialects import DIALECTS
from loadtest.load import Load, Seat
from loadtest.result import load as saved
from loadtest.websocket import BINARY, CLOSE, FIN, PING, TEXT, Incoming
from streaming.messages import WireError, decode_client, decode_server
from tests.fuzz.inputs import DEEP, NASTY, as_json, damaged, noise
from tests.fuzz.promise import kept
from tests.test_protocol_page import EXAMPLES

FROM_CLIENTS = [json.loads(text) for arrow, text in EXAMPLES if arrow == "→"] + [
    {
        "type": "hello", "name": "Ben", "reads": ["es", "zh-Hant"], "hears": ["en"],
        "audio": {"codec": "opus"}, "source": True, "stability": "steady", "trace": True,
        "display": {"columns": 40, "lines": 4}, "token": "a.b.c",
        "resume": {"epoch": "e7", "seq": 41, "participant": "p1", "key": "4Yx0"},
    },
    {"type": "audio.gap", "from": 320, "to": 4_800},
    {"type": "end"},
]  # fmt: skip
FROM_SERVERS = [json.loads(text) for arrow, text in EXAMPLES if arrow == "←"] + [
    {"type": "state", "scope": "room", "level": "draining", "reason": "it stops", "since": 4},
    {"type": "token.expiring", "in_ms": 60_000},
    {"type": "recording", "on": True},
    {"type": "error", "code": 4400, "message": "no", "retry": False, "retry_after_ms": None},
]
DEEP_BESIDE = b'{"type":"ping","t":1,"x":' + b"[" * DEEP
LONG_FIELD = b'{"type":"end","' + b"x" * 60_000 + b'":1}'


@given(as_json(FROM_CLIENTS))
@example(DEEP_BESIDE)
@example(b'{"x":' + b"[" * DEEP)
@example(LONG_FIELD)
@example(b'{"type":"end","\x1b[2J":1}')
@example('{"type":"ping","t":1,"\u202e":1}'.encode())
@example(b'{"type":"hello","name":"a","reads":["' + b"x" * 60_000 + b'"]}')
def test_what_clients_say_is_understood_or_refused_in_a_sentence(frame: bytes) -> None:
    kept(lambda: decode_client(frame), WireError)
    text = frame.decode(errors="surrogateescape")  # a text frame is text by then
    kept(lambda: decode_client(text), WireError)


@given(as_json(FROM_SERVERS))
@example(b'{"type":"pong","x":' + b"[" * DEEP)
@example(b'{"type":"welcome","room":{"' + b"x" * 60_000 + b'":1}}')
def test_what_servers_say_is_understood_or_refused_in_a_sentence(frame: bytes) -> None:
    kept(lambda: decode_server(frame), WireError)


THEIRS = {
    "surtitle": FROM_SERVERS,
    "vosk": [
        {"partial": "good mor"},
        {"text": "good morning", "result": [{"start": 0.4, "end": 0.8, "conf": 1.0, "word": "a"}]},
    ],
    "deepgram": [
        {
            "type": "Results", "start": 1.5, "duration": 0.7, "is_final": True,
            "channel": {"alternatives": [{"transcript": "good morning", "confidence": 0.9}]},
        },
        {"type": "Metadata", "channel": [0, 1]},
        {"type": "Error", "description": "no"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", DIALECTS)
@given(data=st.data())
def test_what_other_servers_say_is_a_caption_or_a_problem(name: str, data: st.DataObject) -> None:
    messages = data.draw(st.lists(as_json(THEIRS[name]), max_size=4))

    def hear() -> None:
        dialect = DIALECTS[name](Seat("room", "Ana", "en", ("es",)), Load(1))
        for message in messages:
            list(dialect.hear(message))

    kept(hear, Problem)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        *((name, b'{"x":' + b"[" * DEEP) for name in DIALECTS),
        ("vosk", b'{"text":"a","result":[{"start":1e308}]}'),
        ("deepgram", b'{"type":"Results","start":1e308,"duration":1e308,"channel":{}}'),
    ],
)
def test_figures_of_other_servers_may_be_beyond_everything(name: str, message: bytes) -> None:
    dialect = DIALECTS[name](Seat("room", "Ana", "en", ("es",)), Load(1))
    kept(lambda: list(dialect.hear(message)), Problem)


SHAKEN = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: surtitle.v1\r\n\r\n"
FRAMES = [
    SHAKEN + bytes([FIN | TEXT, 2]) + b"{}" + bytes([FIN | PING, 0, TEXT, 1]) + b"{",
    SHAKEN + bytes([FIN | CLOSE, 4, 0x0F, 0xA0]) + b"no" + bytes([FIN | BINARY, 126, 0, 3]),
    SHAKEN + bytes([FIN | TEXT, 127]) + (1 << 62).to_bytes(8, "big") + b"x",
    b"HTTP/1.1 403 Forbidden\r\n\r\nno",
]


@given(st.lists(damaged(FRAMES) | noise, max_size=6))
def test_what_is_no_websocket_is_refused_by_the_crowd(pieces: list[bytes]) -> None:
    def listen() -> None:
        incoming = Incoming("surtitle.v1")
        for piece in pieces:
            incoming.push(piece)

    kept(listen, Problem)


class Served:
    """An opener that finds this at every address."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def open(self, request: urllib.request.Request, timeout: float) -> io.BytesIO:
        return io.BytesIO(self.body)


LISTED = {
    "name": "kitchen", "participants": 2, "speakers": 1, "languages": ["en"], "since_ms": 4.5,
}  # fmt: skip


@given(as_json([{"rooms": [LISTED]}]))
@example(b'{"x":' + b"[" * DEEP)
def test_a_list_of_rooms_is_one_or_a_problem(body: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urllib.request, "build_opener", lambda *_: Served(body))
        kept(lambda: rooms("http://127.0.0.1:1"), Problem)


@given(as_json([{"format": "surtitle.loadtest/1", "when": "", "times": {}, "counts": {"a": 1}}]))
@example(b'{"x":' + b"[" * DEEP)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_result_is_one_or_a_problem(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "result.json"
    file.write_bytes(body)
    kept(lambda: saved(file), Problem)


@pytest.mark.parametrize("read", [decode_client, decode_server])
def test_what_breaks_parsers_breaks_none_here(read: Callable[[bytes], object]) -> None:
    for nasty in NASTY:
        for frame in (
            nasty,
            b'{"type":' + nasty + b"}",
            b'{"type":"ping","t":' + nasty + b"}",
            b'{"type":"pong","t":1,"server_ms":1,"' + nasty + b'":1}',
        ):
            kept(partial(read, frame), WireError)
