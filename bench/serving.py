"""The servers of a benchmark: models on the real SGLang, and ours in front of them."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from models.registry import Engines
from server.config import Config
from server.main import serve

ROOT = Path(__file__).parents[1]
STARTS_WITHIN_S, LOADS_WITHIN_S = 60.0, 400.0


@asynccontextmanager
async def sglang(
    role: str, model: Path, algorithm: str, environment: Path, logs: Path
) -> AsyncIterator[str]:
    """The URL of a model, started by our launcher, in float32: lesser numbers have ties."""
    words = [
        *("models", "serve", role, "--gpu", "cpu", "--model", str(model)),
        *("--algorithm", algorithm, "--environment", str(environment), "--port", "0"),
    ]
    more = ("--", "--dtype", "float32", "--sleep-on-idle")
    async with _started(words, more, logs / f"{role}.log", LOADS_WITHIN_S) as told:
        yield told["url"]


@asynccontextmanager
async def child(options: Sequence[str], log: Path) -> AsyncIterator[dict[str, Any]]:
    """`surtitle serve` with these options; what it says of itself."""
    words = ["serve", "--port", "0", "--metrics-port", "0", *options]
    async with _started(words, (), log, STARTS_WITHIN_S) as told:
        yield told


@asynccontextmanager
async def _started(
    words: Sequence[str], more: Sequence[str], log: Path, within: float
) -> AsyncIterator[dict[str, Any]]:
    told, ready = os.pipe()
    parent, held = os.pipe()  # `held` closes when this process ends, however it does
    command = [sys.executable, str(ROOT / "surtitle.py"), *words]
    command += ["--ready-fd", str(ready), "--parent-fd", str(parent), *more]
    with open(log, "wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=out, stderr=out, pass_fds=(ready, parent), start_new_session=True
        )
    os.close(ready)
    os.close(parent)
    try:
        async with asyncio.timeout(within):
            said = await asyncio.to_thread(os.read, told, 65_536)
        if not said:
            raise RuntimeError(f"{' '.join(words[:3])} did not start: {_end(log)}")
        yield json.loads(said)
    finally:
        os.close(told)
        os.close(held)
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def inside(engines: Engines, speed: float) -> AsyncIterator[dict[str, Any]]:
    """A server in this process, with engines that no command line can name."""
    told, ready = os.pipe()
    parent, held = os.pipe()
    config = Config(port=0, metrics_port=0, speed=speed, ready_fd=ready, parent_fd=parent)
    serving = asyncio.create_task(serve(config, engines))
    try:
        reading = asyncio.create_task(asyncio.to_thread(os.read, told, 65_536))
        await asyncio.wait([reading, serving], return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            os.close(ready)
            await serving
        yield json.loads(await reading)
    finally:
        os.close(held)  # as if its parent had gone
        await serving
        asyncio.get_running_loop().remove_reader(parent)
        os.close(parent)
        os.close(told)


def complaints(log: Path) -> list[str]:
    """What a server had to say to its operator."""
    return log.read_text("utf-8", errors="replace").splitlines()


def _end(log: Path) -> str:
    return " / ".join(complaints(log)[-5:])[-500:]


async def exported(url: str) -> dict[str, float]:
    """The figures of a server's /metrics."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        text = await answer.text()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            found[f"{sample.name} {labels}".strip()] = sample.value
    return found


def spent(page: Mapping[str, float]) -> dict[str, Any]:
    """What the translations took."""
    answers = page.get("surtitle_translation_answers_total", 0.0)
    offered = page.get("surtitle_hypothesis_tokens_total offered", 0.0)
    accepted = page.get("surtitle_hypothesis_tokens_total accepted", 0.0)
    tokens = page.get("surtitle_translation_tokens_total answer", 0.0)
    passes = page.get("surtitle_translation_passes_total", 0.0)
    refused = {
        name.split()[1]: value
        for name, value in page.items()
        if name.startswith("surtitle_translation_refused_total ")
    }
    return {
        "answers": answers,
        "passes_per_answer": round(passes / answers, 3) if answers else None,
        "tokens_per_answer": round(tokens / answers, 3) if answers else None,
        "acceptance": round(accepted / offered, 3) if offered else None,
        "refused": refused,
    }
