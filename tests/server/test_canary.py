"""What is said stays among those who listen: in no log, in no metric, in no error, on no disk."""

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed

from models.detectors.energy import Energy
from models.registry import Engines as Built
from models.scripted import Faults, ScriptedRecognizer, ScriptedTranslator
from server.app import app, metrics_app
from server.clock import Clock
from server.config import Config
from server.engines import started
from server.house import House
from server.listening import listening
from server.metrics import Metrics
from streaming.glossary import Glossary
from tests.server.sockets import SPEAKER, heard, hello, joined, rest
from tests.server.stage import loud, quiet

CANARY = "the yellow canary sings in the coal mine at midnight"
SECRETS = ("canary", "coal mine", "midnight", "Zebulon", "attic", "hunter2-token")


@pytest.mark.socket
async def test_a_spoken_sentence_is_in_no_log_metric_or_error(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Engines fail, frames are nonsense, a session crashes: all that is ever logged about."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "websockets")  # the client's, which may know
    monkeypatch.chdir(tmp_path)
    house = House(Config(), Metrics(), Glossary())
    built = Built(
        Energy(),
        (ScriptedRecognizer([[CANARY]] * 50, faults=Faults(fail=range(9, 13), crash=[20])),),
        (ScriptedTranslator(faults=Faults(fail=range(5, 9), nonsense=[12])),),
    )
    errors: list[dict[str, Any]] = []
    async with (
        started(built, Clock(10.0), house.translation_changed) as house.engines,
        listening(app(house), "127.0.0.1", 0) as http,
        listening(metrics_app(house), "127.0.0.1", 0) as operators,
    ):
        url = http.replace("http", "ws")
        heard_it = False
        for last in (
            f'{{"type": "shout", "text": "{CANARY}"}}',
            f'{{"type": "ping", "t": "{CANARY}"}}',
            CANARY,
            b"\0" * 5_000,
            '{"type": "end"}',
        ):
            async with joined(url, "attic") as link:
                said = SPEAKER | {"name": "Zebulon", "token": "hunter2-token"}
                await link.send(hello(**said))
                await heard(link, "welcome")
                for _ in range(2):
                    for _ in range(12):
                        await link.send(loud(100))
                    for _ in range(12):
                        await link.send(quiet(100))
                if not heard_it:
                    while "canary" not in json.dumps(await heard(link, "caption")):
                        pass
                    heard_it = True
                with suppress(ConnectionClosed):
                    await link.send(last)
                errors += [one for one in await rest(link) if one["type"] == "error"]
        for session in [one for room in house.rooms.values() for one in room.sessions.values()]:
            session.segmenter = None  # type: ignore[assignment]
            session.push(loud(500))
        async with aiohttp.ClientSession() as client, client.get(f"{operators}/metrics") as page:
            metrics = await page.text()
        await house.tick(roster=True)
        await house.drain(5.0)
    assert len(errors) == 4
    printed = "".join(capfd.readouterr())
    logged = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    for secret in SECRETS:
        assert secret not in logged
        assert secret not in printed
        assert secret not in metrics
        assert secret not in json.dumps(errors)
    assert list(tmp_path.iterdir()) == []
