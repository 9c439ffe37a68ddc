"""A stand-in for SGLang: it replays what the real one was heard to answer, and breaks as it does.

The contract tests hold it against the real one, by `shape`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
from aiohttp import web

FRAMES = Path(__file__).with_name("frames")
Fault = Literal["", "loading", "full", "slow", "cut", "garbage", "page", "busy", "mute"]


def recorded(name: str) -> bytes:
    """A recorded body, as it came."""
    return (FRAMES / name).read_bytes()


def frames(body: bytes) -> list[Any]:
    """The JSON of every frame of a stream."""
    data = (event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event.strip())
    return [msgspec.json.decode(frame) for frame in data if frame != b"[DONE]"]


def shape(frame: Any) -> Any:
    """What kind of thing a frame is: its keys and the types of its values, all else forgotten.

    Numbers are one type; lists are as their first element; what is null says nothing, and is left
    out, as are figures of time, which come and go with the server's options.
    """
    if isinstance(frame, dict):
        shapes = {key: shape(value) for key, value in sorted(frame.items())}
        return {
            key: found
            for key, found in shapes.items()
            if found is not None and not key.endswith(("_ts", "_time", "_latency", "_wait"))
        }
    if isinstance(frame, list):
        return [found for value in frame if (found := shape(value)) is not None][:1]
    if frame is None or isinstance(frame, str):
        return frame if frame is None else "text"
    return "truth" if isinstance(frame, bool) else "number"


@dataclass
class Asked:
    """A question that came."""

    path: str
    body: Any
    headers: dict[str, str]


@dataclass
class Double:
    """The server. Set what it answers, and what is wrong with it, at any time."""

    model: str = "translator"
    adapters: tuple[str, ...] = ()
    tokenizer: str = ""
    speculation: str | None = None
    hears: bool = False
    key: str = ""
    priorities: bool = False
    running: int | None = None
    """Requests at a time, if it says."""
    fault: Fault = ""
    chop: int = 1 << 16
    """Bytes that are sent at a time."""
    answers: dict[str, bytes | Callable[[Any], bytes]] = field(default_factory=dict)
    """By path; a function is given the question."""
    asked: list[Asked] = field(default_factory=list)
    dropped: asyncio.Event = field(default_factory=asyncio.Event)
    """A stream was left before its end."""
    probed: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody asked whether it is ready."""
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; where it did before, if it has."""
        made = web.Application()
        made.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(made, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        port = int(self.url.rpartition(":")[2]) if self.url else 0
        await web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Go away."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    def questions(self, path: str) -> list[Asked]:
        """Those that came to `path`."""
        return [asked for asked in self.asked if asked.path == path]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        form = request.content_type.startswith("multipart")
        body = (
            dict(await request.post())
            if form
            else msgspec.json.decode(await request.read() or b"null")
        )
        if path == "/ready":
            self.probed.set()
        self.asked.append(Asked(path, body, dict(request.headers)))
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.json_response({"error": "Unauthorized"}, status=401)
        if self.fault == "mute":
            await asyncio.Event().wait()
        if self.fault == "loading":
            return web.Response(status=503)
        if path == "/ready":
            return web.Response()
        if path in self._facts():
            return web.json_response(self._facts()[path])
        return await self._said(request, path, body)

    def _facts(self) -> dict[str, object]:
        speculation = {"speculative_algorithm": self.speculation, "version": "0.5.23"}
        model = {"model_path": "tiny", "has_audio_understanding": self.hears}
        listed = {"id": self.model, "object": "model", "max_model_len": 1024}
        tuned = [{"id": name, "parent": self.model} for name in self.adapters]
        at_a_time = {} if self.running is None else {"max_running_requests": self.running}
        return {
            "/v1/models": {"object": "list", "data": [listed, *tuned]},
            "/model_info": {**model, "tokenizer_path": self.tokenizer},
            "/server_info": {
                **speculation,
                **at_a_time,
                "enable_priority_scheduling": self.priorities,
            },
        }

    async def _said(self, request: web.Request, path: str, body: Any) -> web.StreamResponse:
        answer = self.answers.get(path)
        if answer is None:
            return web.json_response({"detail": "Not Found"}, status=404)
        said = answer if isinstance(answer, bytes) else answer(body)
        match self.fault:
            case "busy":
                full = {"object": "error", "message": "The request queue is full.", "code": 503}
                return web.json_response(full, status=503)
            case "full":
                said = recorded("full.sse")
            case "garbage":
                said = b"data: {oops\n\n"
            case "page":
                return web.Response(text="<html>It works!</html>", content_type="text/html")
        if not said.startswith((b"data:", b":")):
            wrong = b'"object":"error"' in said
            return web.Response(
                body=said, status=400 if wrong else 200, content_type="application/json"
            )
        return await self._stream(request, said)

    async def _stream(self, request: web.Request, said: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        if self.fault in ("slow", "cut"):
            said = said[: len(said) // 2]
        try:
            for start in range(0, len(said), self.chop):
                await response.write(said[start : start + self.chop])
            if self.fault == "slow":
                await asyncio.Event().wait()
            if self.fault == "cut" and request.transport:
                request.transport.abort()
        except (asyncio.CancelledError, ConnectionError):
            self.dropped.set()
            raise
        return response


@asynccontextmanager
async def double(**given: Any) -> AsyncIterator[Double]:
    """A server on a free port."""
    made = Double(**given)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
