"""One room, several tiers: a language model on a server translates one direction, a folder another;
the server goes and comes. By the real protocol, with tiny models."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from models.embedded import apertium
from server import starting
from server.config import Config
from server.main import _config, parser
from tests.models.local.test_room import TONES, finals, serving, talk
from tests.models.local.tiny import translator
from tests.models.local.tiny_sherpa import recognizer
from tests.models.sglang.double import Double, double
from tests.models.sglang.oracle import definition
from tests.models.sglang.test_openai import CHAT, chat
from tests.models.sglang.test_translator import pages

pytestmark = [pytest.mark.engine, pytest.mark.socket]

NO_APERTIUM = not apertium.installed()
SOON_S = 20.0
HELLO, NI_HAO = (500.0, 1000.0), (2000.0, 3000.0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who is waited for is asked for often; no models lie about."""
    monkeypatch.setattr(starting, "AGAIN_S", 0.05)
    monkeypatch.setattr("server.interpreter.REST_S", 0.05)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@asynccontextmanager
async def on_a_card(tmp_path: Path) -> AsyncIterator[Double]:
    """A server with a language model, which says "Hello there"."""
    (tmp_path / "tokenizer.json").write_bytes(definition())
    async with double(
        answers=pages("Hello there"), tokenizer=str(tmp_path), speculation="NGRAM"
    ) as server:
        yield server


def config(tmp_path: Path, url: str, *folders: Path) -> Config:
    """`--engine auto`, with a server for Mandarin into English, and a recognizer of both."""
    ears = recognizer(tmp_path / "tones-zh-en", TONES)
    models = [word for folder in (ears, *folders) for word in ("--models", str(folder))]
    asked = ["--translator-url", url, "--pairs", "zh-en", *models]
    return _config(parser().parse_args(["--engine", "auto", *asked]))


def pairs(messages: list[dict[str, Any]]) -> list[list[str]]:
    """Of the welcome."""
    found: list[list[str]] = messages[0]["pairs"]
    return found


def states(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """How well what was translated, in the order in which it was told."""
    told = [one for one in messages if one["type"] == "state" and one["scope"] == "translation"]
    return [(one["level"], one["reason"]) for one in told]


@pytest.mark.parametrize(
    ("engine", "says"),
    [
        ("ctranslate2", "hola mundo"),
        pytest.param(
            "apertium", "Hola mundo", marks=pytest.mark.skipif(NO_APERTIUM, reason="no Apertium")
        ),
    ],
)
async def test_in_one_room_each_direction_has_the_best_engine_that_knows_it(
    engine: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"hello": "hola", "world": "mundo"}
    folders = [translator(tmp_path / "opus-mt-en-es", words)] if engine == "ctranslate2" else []
    async with (
        on_a_card(tmp_path) as server,
        serving(config(tmp_path, server.url, *folders), monkeypatch) as url,
    ):
        ana, wei = await asyncio.gather(
            talk(url, "Ana", "en", "es", *HELLO), talk(url, "Wei", "zh", "en", *NI_HAO)
        )
    assert {("en", "es", engine), ("zh", "en", "sglang")} <= set(map(tuple, pairs(ana)))
    assert [(text.lower(), by) for text, by in finals(ana, "es")] == [(says.lower(), engine)]
    assert finals(wei, "en") == [("Hello there", "sglang")]
    told = [one for one in (*ana, *wei) if one.get("kind") == "translation"]
    assert told and all("degraded" not in one for one in told)


async def test_a_server_that_is_no_sglang_is_asked_as_openais_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        double(answers={CHAT: chat("Hello there")}, model="qwen3:4b") as server,
        serving(config(tmp_path, server.url), monkeypatch) as url,
    ):
        wei = await talk(url, "Wei", "zh", "en", *NI_HAO)
    assert ["zh", "en", "openai"] in pairs(wei) and states(wei) == []
    assert finals(wei, "en") == [("Hello there", "openai")]


async def talk_until(url: str, text: str, by: str) -> list[dict[str, Any]]:
    """Wei speaks until his words are translated by this engine."""
    async with asyncio.timeout(SOON_S):
        while True:
            told = await talk(url, "Wei", "zh", "en", *NI_HAO)
            if finals(told, "en") == [(text, by)]:
                return told


async def test_a_server_that_goes_is_stood_in_for_and_serves_again_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = translator(tmp_path / "opus-mt-zh-en", {"你好": "hi", "x": "y"})
    async with (
        on_a_card(tmp_path) as server,
        serving(config(tmp_path, server.url, spare), monkeypatch) as url,
    ):
        assert finals(await talk(url, "Wei", "zh", "en", *NI_HAO), "en")[0][1] == "sglang"
        await server.stop()
        gone = await talk_until(url, "hi", "ctranslate2")
        last = [one for one in gone if one["type"] == "caption" and one["kind"] == "translation"][
            -1
        ]
        assert (last["degraded"], last["final"]) == ("fallback", True)
        assert states(gone)[0][0] == "degraded"
        assert "ctranslate2 translates instead of sglang: Nobody answers" in states(gone)[0][1]
        late = await talk(url, "Wei", "zh", "en", *NI_HAO)
        assert ["zh", "en", "ctranslate2"] in pairs(late)
        await server.start()
        back = await talk_until(url, "Hello there", "sglang")
        after = await talk(url, "Wei", "zh", "en", *NI_HAO)
    assert states(back)[-1:] in ([], [("ok", "zh to en works again")])
    assert ["zh", "en", "sglang"] in pairs(after) and states(after) == []


async def test_a_server_that_is_not_there_when_we_start_is_taken_in_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = translator(tmp_path / "opus-mt-zh-en", {"你好": "hi", "x": "y"})
    async with on_a_card(tmp_path) as server:
        await server.stop()
        async with serving(config(tmp_path, server.url, spare), monkeypatch) as url:
            alone = await talk(url, "Wei", "zh", "en", *NI_HAO)
            assert finals(alone, "en") == [("hi", "ctranslate2")]
            assert ["zh", "en", "ctranslate2"] in pairs(alone)
            await server.start()
            await talk_until(url, "Hello there", "sglang")
            after = await talk(url, "Wei", "zh", "en", *NI_HAO)
            assert ["zh", "en", "sglang"] in pairs(after) and states(after) == []
