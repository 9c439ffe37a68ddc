"""What model servers and hubs answer: garbage is an event or an error of theirs, never a crash."""

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models.base import EngineError
from models.local import families
from models.local.hub import Hub
from models.openai.transcriptions import Transcriptions
from models.openai.translator import Line
from models.sglang.errors import ServerError, of_status
from models.sglang.facts import facts
from models.sglang.frames import Chat, End, Failed, Generate
from models.sglang.launch.checks import CannotLaunch
from models.sglang.launch.checks import model as checked_model
from models.sglang.slots import MOST, running
from models.sglang.sse import LONGEST_LINE, Reader, Stream, failure
from models.sglang.tokens import Local, Remote
from tests.fuzz.inputs import DEEP, NASTY, as_json, damaged, noise, values
from tests.fuzz.promise import kept, said
from tests.models.sglang.double import FRAMES, recorded

STREAMS = sorted(path.name for path in FRAMES.glob("*.sse"))
GENERATED = {
    "text": "buenos días", "output_ids": [5, 6],
    "meta_info": {
        "finish_reason": {"type": "stop", "matched": 7}, "prompt_tokens": 9, "cached_tokens": 4,
        "completion_tokens": 2, "spec_verify_ct": 1,
        "input_top_logprobs": [None, [[-0.1, 5, None]], [[-0.2, 6, "x"]]],
    },
}  # fmt: skip
CHATTED = {
    "choices": [{"delta": {"content": "hola"}, "finish_reason": "stop", "matched_stop": 7}],
    "usage": {
        "prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4},
    },
    "sglext": {"spec_tokens_details": {"spec_verify_ct": 2}},
}  # fmt: skip
FAILED = {"error": {"message": "the queue is full", "code": 503}, "object": "error"}


def read(make: Callable[[], Reader], pieces: list[bytes]) -> None:
    """All of an answer, whose last event is its only end."""
    stream = Stream(make())
    found = [event for piece in pieces for event in stream.push(piece)] + stream.close()
    assert sum(isinstance(event, End | Failed) for event in found) <= 1
    assert stream.over


def told(frame: bytes) -> bytes:
    """As a server-sent event."""
    return b"data: " + frame.replace(b"\n", b" ") + b"\n\n"


@pytest.mark.parametrize("make", [Generate, Chat])
@given(data=st.data())
def test_frames_that_are_none_end_an_answer(
    make: Callable[[], Reader], data: st.DataObject
) -> None:
    frame = as_json([GENERATED if make is Generate else CHATTED, FAILED]).map(told)
    pieces = data.draw(st.lists(frame | noise, max_size=5))
    kept(lambda: read(make, pieces))


@pytest.mark.parametrize("name", STREAMS)
@given(data=st.data())
def test_streams_that_were_damaged_on_the_way(name: str, data: st.DataObject) -> None:
    body = data.draw(damaged([recorded(name)]))
    cut = data.draw(st.integers(0, len(body)))
    make = Chat if name.startswith(("chat", "audio")) else Generate
    kept(lambda: read(make, [body[:cut], body[cut:]]))


@pytest.mark.parametrize("make", [Generate, Chat])
def test_what_breaks_parsers_breaks_no_answer(make: Callable[[], Reader]) -> None:
    for nasty in NASTY:
        for frame in (nasty, b'{"x":' + nasty + b"}", b'{"error":{"code":"' + nasty + b'"}}'):
            kept(partial(read, make, [told(frame)]))


def test_a_line_without_end_costs_no_more_than_it_is_long() -> None:
    """And neither does an event without end: each piece is looked at once."""
    for filler in (b"x" * 65_536, b"data: x\n" * 8_192):
        stream = Stream(Chat())
        for _ in range(2 * LONGEST_LINE // len(filler)):
            kept(partial(stream.push, filler))
        assert stream.over


@given(as_json([FAILED, {"object": "error", "message": "no", "code": 400}, {"error": "no"}]))
@example(b'{"error":{"code":"' + b"9" * 5_000 + b'"}}')
@example(b'{"error":' + b'{"a":' * DEEP)
def test_a_failure_is_told_in_a_sentence(body: bytes) -> None:
    failed = kept(lambda: failure(body))
    if failed is not None:
        said(of_status("http://gpu:30000", failed.code, failed.message))


@given(st.lists(st.text(max_size=12) | st.sampled_from(["<think>", "</think>", "\n"])))
def test_the_first_line_of_an_answer_is_one_line(pieces: list[str]) -> None:
    def read_line() -> str:
        line = Line()
        return "".join(line.push(piece) for piece in pieces)

    assert "\n" not in (kept(read_line) or "")


class Answering:
    """Servers that answer every question with the same bodies."""

    def __init__(self, bodies: Mapping[str, bytes]) -> None:
        self.bodies = bodies

    async def ask(self, path: str, body: object = None, room: str = "") -> bytes:
        return self.bodies[path]


MODELS = {"data": [{"id": "translator", "max_model_len": 4096}, {"id": "a", "parent": "t"}]}
INFO = {"model_path": "/models/qwen", "has_audio_understanding": True}
SERVER = {
    "version": "0.5.23", "speculative_algorithm": "NGRAM", "max_running_requests": 48,
    "internal_states": [{"effective_max_running_requests_per_dp": 40}],
}  # fmt: skip


def run(work: Any) -> Any:
    """A coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waited")


@given(as_json([MODELS]), as_json([INFO]), as_json([SERVER]), st.sampled_from(["", "translator"]))
@example(b'{"x":' + b"[" * DEEP, b"{}", b"{}", "")
@example(json.dumps({"data": [{"id": "x" * 9_000}, {"id": "\x1b[2J"}]}).encode(), b"{}", b"{}", "")
def test_what_a_server_says_of_itself(models: bytes, info: bytes, server: bytes, name: str) -> None:
    servers: Any = Answering({"/v1/models": models, "/model_info": info, "/server_info": server})
    kept(lambda: run(facts(servers, name)), ServerError)
    slots = kept(lambda: running(server))
    assert slots is None or 0 < slots <= MOST


@given(as_json([{"text": "good morning"}, FAILED]))
@example(b'{"x":' + b"[" * DEEP)
def test_what_a_recognizer_wrote_down(body: bytes) -> None:
    engine = Transcriptions(urls=["http://x"])
    answering: Any = Answering({"/v1/audio/transcriptions": body})
    engine._servers = answering
    kept(lambda: run(engine._say(b"", "en", "")), EngineError)


@given(as_json([{"tokens": [[1, 2]], "text": "a"}]))
@example(b'{"x":' + b"[" * DEEP)
def test_tokens_that_a_server_counts_for_us(body: bytes) -> None:
    async def post(path: str, asked: Mapping[str, object]) -> bytes:
        return body

    kept(lambda: run(Remote(post).encode(["a"])), EngineError)
    kept(lambda: run(Remote(post).mark("<|im_end|>")), EngineError)
    kept(lambda: run(Remote(post).decode([1])), EngineError)


TOKENIZER = {"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": {"a": 0}}}


@given(as_json([TOKENIZER]))
@example(b'{"x":' + b"[" * DEEP)
def test_a_tokenizers_file(definition: bytes) -> None:
    kept(lambda: Local(definition), EngineError)


ENTRY = {"type": "file", "path": "model.bin", "size": 4, "oid": "0" * 40}
LARGE = ENTRY | {"path": "a/model.onnx", "lfs": {"oid": "0" * 64, "size": 4}}


class Listed(Hub):
    """A hub that says this."""

    def __init__(self, about: bytes, files: bytes) -> None:
        self._url = "https://hub"
        self.said = {"": about, "tree": files}

    async def _text(self, path: str, name: str) -> bytes:
        return self.said["tree" if "/tree/" in path else ""]

    async def _bring(self, *_: object) -> None:
        pass


@given(
    values | st.just({"sha": "c0ffee"}),
    values | st.lists(st.sampled_from([ENTRY, LARGE]) | values, max_size=4),
    st.sampled_from(["../x.bin", "/x.bin", "a\0.bin", ".bin", "x" * 300 + ".bin", "a.bin", ""]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_hub_lists(tmp_path: Path, about: Any, files: Any, name: str) -> None:
    if isinstance(files, list):
        files = [*files, ENTRY | {"path": name}]
    hub = Listed(json.dumps(about).encode(), json.dumps(files).encode())

    async def got() -> int:
        return await hub.get("somebody/model", tmp_path / "model", lambda *_: None)

    with asyncio.Runner() as runner:
        kept(lambda: runner.run(got()), EngineError)


@given(as_json([{"architectures": ["Qwen3ForCausalLM"], "max_position_embeddings": 4096}]))
@example(b'{"x":' + b"[" * 200_000)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_folder_that_sglang_is_to_serve(tmp_path: Path, config: bytes) -> None:
    (tmp_path / "tokenizer.json").touch()
    (tmp_path / "config.json").write_bytes(config)
    for role in ("translator", "recognizer"):
        kept(partial(checked_model, str(tmp_path), role), CannotLaunch)


@given(noise | as_json([{"a": 1}]) | st.just(b'["<s>", ">>es<<"]'), noise)
@example(b"[" * 200_000, b"")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_folder_of_a_small_translator(tmp_path: Path, vocabulary: bytes, pieces: bytes) -> None:
    folder = tmp_path / "opus-mt-en-es"
    folder.mkdir(exist_ok=True)
    (folder / "model.bin").touch()
    (folder / "shared_vocabulary.json").write_bytes(vocabulary)
    (folder / "source.spm").write_bytes(pieces)
    kept(lambda: families.Wording(families.inspect(folder)), EngineError)
