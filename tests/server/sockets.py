"""A server in this process, and clients that speak its protocol as anybody's would."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from models.base import Recognizer
from models.detectors.energy import Energy
from models.registry import Engines as Built
from models.scripted import ScriptedRecognizer, ScriptedTranslator
from server.app import app, listening
from server.clock import Clock
from server.config import Config
from server.engines import started
from server.house import House
from server.metrics import Metrics
from streaming.glossary import Glossary
from streaming.messages import SUBPROTOCOL

SPEED = 10.0


@asynccontextmanager
async def serving(
    speed: float = SPEED, recognizer: Recognizer | None = None
) -> AsyncIterator[tuple[House, str]]:
    """A server with scripted engines; the house and its WebSocket address."""
    house = House(Config(), Metrics(), Glossary())
    hears = recognizer or ScriptedRecognizer()
    built = Built(Energy(), (hears,), (ScriptedTranslator(languages=("en", "es", "zh")),))
    async with (
        started(built, Clock(speed), house.translation_changed) as house.engines,
        listening(app(house), "127.0.0.1", 0) as url,
    ):
        time = asyncio.create_task(house.keep_time())
        yield house, url.replace("http", "ws")
        time.cancel()


def joined(url: str, room: str = "kitchen", subprotocol: str = SUBPROTOCOL) -> Any:
    return connect(
        f"{url}/v1/rooms/{room}",
        subprotocols=[Subprotocol(subprotocol)] if subprotocol else None,
        compression=None,
        proxy=None,
    )


def hello(**more: object) -> str:
    return json.dumps({"type": "hello", "name": "Ana"} | more)


SPEAKER = {"hears": ["en"], "reads": ["en", "es"], "audio": {"codec": "pcm16", "rate": 16_000}}


async def heard(link: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of this type."""
    async with asyncio.timeout(10):
        while (message := json.loads(await link.recv()))["type"] != kind:
            pass
    found: dict[str, Any] = message
    return found


async def rest(link: ClientConnection) -> list[dict[str, Any]]:
    """Everything until the server closes."""
    messages = []
    try:
        async with asyncio.timeout(20):
            while True:
                messages.append(json.loads(await link.recv()))
    except ConnectionClosed:
        return messages


async def refused(link: ClientConnection) -> tuple[int, str, int | None]:
    """The error's code and sentence, and the close code."""
    messages = await rest(link)
    errors = [one for one in messages if one["type"] == "error"]
    return errors[-1]["code"], errors[-1]["message"], link.close_code


def resuming(welcome: dict[str, Any], seq: int) -> dict[str, Any]:
    return {key: welcome[key] for key in ("epoch", "participant", "key")} | {"seq": seq}
