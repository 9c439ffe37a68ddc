"""A room whose models lie in folders: two people, two languages, by the real protocol."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from models import registry
from models.detectors.energy import Energy
from server.app import app, listening
from server.clock import Clock
from server.config import Config
from server.engines import started
from server.house import House
from server.main import _config, parser
from server.metrics import Metrics
from streaming.glossary import Glossary
from tests.models.local.tiny import translator
from tests.models.local.tiny_sherpa import recognizer, tone
from tests.server.sockets import hello, joined, rest
from tests.server.stage import quiet

pytestmark = [pytest.mark.engine, pytest.mark.socket]

TONES = {"▁HELLO": 500.0, "▁WORLD": 1000.0, "你": 2000.0, "好": 3000.0}
MEANINGS = {"hello": "你好", "world": "世界", "你好": "hello", "世界": "world"}
LANGUAGES = ("eng_Latn", "zho_Hans")


def config(tmp_path: Path) -> Config:
    folders = (
        recognizer(tmp_path / "tones-zh-en", TONES),
        translator(tmp_path / "tiny-nllb", MEANINGS, LANGUAGES),
    )
    words = [word for folder in folders for word in ("--models", str(folder))]
    return _config(parser().parse_args(["--engine", "local", *words]))


@asynccontextmanager
async def serving(
    config: Config, monkeypatch: pytest.MonkeyPatch, glossary: Glossary | None = None
) -> AsyncIterator[str]:
    """Its speech is tones, which silero rightly takes for none: loudness decides."""
    monkeypatch.setattr(registry, "detector", lambda name: Energy())
    house = House(config, Metrics(), glossary or Glossary())
    built = registry.build(config.engine, config.hears, config.translates, config.folders)
    assert built.missing == ()
    async with (
        started(built, Clock(), house.translation_changed) as house.engines,
        listening(app(house), "127.0.0.1", 0) as url,
    ):
        time = asyncio.create_task(house.keep_time())
        yield url.replace("http", "ws")
        time.cancel()


async def talk(url: str, name: str, hears: str, reads: str, *hertz: float) -> list[dict[str, Any]]:
    """Somebody says tones and reads until the last final."""
    speaks = {"hears": [hears], "audio": {"codec": "pcm16", "rate": 16_000}}
    pcm = b"".join(map(tone, hertz)) + quiet(1_000)
    async with joined(url) as link:
        await link.send(hello(name=name, reads=[reads], source=True, **speaks))
        for start in range(0, len(pcm), 3_200):
            await link.send(pcm[start : start + 3_200])
        await link.send(json.dumps({"type": "end"}))
        return await rest(link)


def finals(messages: list[dict[str, Any]], language: str) -> list[tuple[str, str]]:
    me = next(one["participant"] for one in messages if one["type"] == "welcome")
    return [
        (one["stable"].strip(), one["engine"])
        for one in messages
        if one["type"] == "caption" and one["final"] and one["language"] == language
        if one["speaker"] == me
    ]


async def test_two_people_read_each_other_by_models_in_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(config(tmp_path), monkeypatch) as url:
        ana, wei = await asyncio.gather(
            talk(url, "Ana", "en", "zh", 500, 1000), talk(url, "Wei", "zh", "en", 2000, 3000)
        )
    assert finals(ana, "en") == [("hello world", "sherpa")]
    assert finals(ana, "zh") == [("你好 世界", "ctranslate2")]
    assert finals(wei, "zh") == [("你好", "sherpa")]
    assert finals(wei, "en") == [("hello", "ctranslate2")]
    welcome = next(one for one in ana if one["type"] == "welcome")
    assert ["zh", "en", "ctranslate2"] in welcome["pairs"]


async def test_a_name_of_the_rooms_glossary_is_heard_for_what_sounds_like_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer(tmp_path / "tones-zh-en", {**TONES, "号": 3000.0}, likelier={"好": 0.3})
    translator(tmp_path / "tiny-nllb", {**MEANINGS, "你号": "Nihao"}, LANGUAGES)
    folders = ["--models", str(tmp_path / "tones-zh-en"), "--models", str(tmp_path / "tiny-nllb")]
    local = _config(parser().parse_args(["--engine", "local", *folders]))
    for glossary, heard in ((None, "你好"), (Glossary([{"zh": "你号", "en": "Nihao"}]), "你号")):
        async with serving(local, monkeypatch, glossary) as url:
            wei = await talk(url, "Wei", "zh", "en", 2000, 3000)
        assert finals(wei, "zh") == [(heard, "sherpa")]
