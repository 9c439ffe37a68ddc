"""What is asked of a real recognizer and what it answers, on the wire between it and us."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import msgspec
from aiohttp import web

from models.sglang.frames import Chat
from models.sglang.sse import Stream

ASKED = "/v1/chat/completions"
OPENING = "<asr_text>"


@dataclass(slots=True)
class Exchange:
    """A question and its answer."""

    forced: str | None
    """The language it must answer in, as the model calls it; None: it is asked which it is."""
    answer: str = ""


@asynccontextmanager
async def overheard(url: str) -> AsyncIterator[tuple[str, list[Exchange]]]:
    """Another address of the server, and what goes over it, in order."""
    exchanges: list[Exchange] = []
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def forward(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            exchange = Exchange(forced(body) if request.path == ASKED else None)
            if request.path == ASKED:
                exchanges.append(exchange)
            async with session.request(
                request.method,
                url + request.path,
                data=body or None,
                headers={"Content-Type": request.content_type},
            ) as answer:
                kind = answer.headers.get("Content-Type", "text/plain")
                told = web.StreamResponse(status=answer.status, headers={"Content-Type": kind})
                await told.prepare(request)
                stream = Stream(Chat())
                async for chunk in answer.content.iter_any():
                    if request.path == ASKED and answer.status == 200:
                        for event in stream.push(chunk):
                            exchange.answer += getattr(event, "text", "")
                    await told.write(chunk)
            return told

        made = web.Application(client_max_size=1 << 26)
        made.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(made, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}", exchanges
        finally:
            await runner.cleanup()


def forced(body: bytes) -> str | None:
    """The language that the answer is made to begin with, if any."""
    last = msgspec.json.decode(body)["messages"][-1]
    if last["role"] != "assistant":
        return None
    language: str = last["content"].partition(OPENING)[0].removeprefix("language ")
    return language
