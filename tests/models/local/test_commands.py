"""`surtitle models list|get|check`, as an operator uses them."""

import asyncio
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from models import commands
from models.base import EngineError
from models.embedded import pocketsphinx
from models.local import main as local
from models.local.catalogue import CATALOGUE, Known
from models.local.main import named
from tests.models.local.test_hub import NAME, Served
from tests.models.local.tiny import translator
from tests.models.local.tiny_sherpa import recognizer

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks a real one."""
    monkeypatch.setenv(local.HUBS, "http://127.0.0.1:1")


WORDS = {"hello": "hola", "world": "mundo"}


def run(*words: str) -> int:
    return commands.main(words)


def test_a_translators_folder_is_tried_and_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = translator(tmp_path / "opus-mt-en-es", WORDS)
    assert run("check", str(folder)) == 0
    said = capsys.readouterr().out
    assert "translator (opus): en-es" in said
    assert "ms for a sentence" in said and "MB" in said


def test_a_recognizers_folder_is_tried_and_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = recognizer(tmp_path / "tones-zh-en", {"你": 500.0})
    assert run("check", str(folder)) == 0
    said = capsys.readouterr().out
    assert "recognizer (transducer): zh, en" in said and "ms for a second of sound" in said


def test_a_folder_of_something_else_says_what_was_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", str(tmp_path)) == 1
    assert "neither model.bin" in capsys.readouterr().err
    assert run("check", str(tmp_path / "nowhere")) == 1
    assert "is no folder" in capsys.readouterr().err


def test_the_list_shows_what_is_here_and_what_can_be_had(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    translator(tmp_path / "opus-mt-en-es", WORDS)
    recognizer(tmp_path / "tones-zh-en", {"你": 500.0})
    translator(tmp_path / "nllb-200-distilled-600M-ctranslate2", WORDS, ("eng_Latn", "spa_Latn"))
    (tmp_path / "half").mkdir()
    assert run("list", "--folder", str(tmp_path)) == 0
    said = capsys.readouterr().out
    assert "opus-mt-en-es: translator (opus), en-es" in said
    assert "tones-zh-en: recognizer (transducer)" in said
    assert "MB; CC BY-NC 4.0" in said
    assert "half: " in said and "has no vocabulary" in said
    assert "zipformer-zh-en" in said and "not for commercial use" in said
    nllb = "ctranslate2 (nllb-200-distilled-600M-ctranslate2), then ctranslate2 (opus-mt-en-es)"
    assert f"translates en-es: {nllb}" in said and "hears zh: sherpa (tones-zh-en)" in said


def test_the_list_says_how_large_what_can_be_had_is_where_a_hub_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CATALOGUE, "ours", Known("translator", NAME, ("en", "es"), "MIT"))

    async def listed() -> int:
        async with TestServer(Served().app()) as server:
            monkeypatch.setenv(local.HUBS, str(server.make_url("")))
            return await asyncio.to_thread(run, "list", "--folder", str(tmp_path))

    assert asyncio.run(listed()) == 0
    said = capsys.readouterr().out
    assert "translator, en, es, 1 MB; MIT" in said  # and of those that it has not
    assert "zipformer-en      recognizer, en; Apache 2.0" in said
    monkeypatch.setenv(local.HUBS, "http://127.0.0.1:1")
    assert run("list", "--folder", str(tmp_path)) == 0
    assert "the hub did not say: http://127.0.0.1:1" in capsys.readouterr().out


def test_what_is_here_is_listed_where_nothing_can_hear(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pocketsphinx, "find_spec", lambda name: None)
    translator(tmp_path / "opus-mt-en-es", WORDS)
    assert run("list", "--folder", str(tmp_path)) == 0
    said = capsys.readouterr().out
    assert "opus-mt-en-es: translator (opus), en-es" in said
    assert "cannot run here" in said and "pip install pocketsphinx" in said


def test_a_model_is_fetched_into_a_folder_of_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetched() -> int:
        async with TestServer(Served().app()) as server:
            monkeypatch.setenv(local.HUBS, str(server.make_url("")))
            return await local._get(NAME, tmp_path)

    assert asyncio.run(fetched()) == 0
    assert (tmp_path / "opus-mt-en-es" / "model.bin").is_file()
    assert "is whole: 1 MB" in capsys.readouterr().err


def test_models_go_by_a_short_name_a_pair_or_their_place_on_the_hub() -> None:
    assert named("a/b") == ("a/b", None)
    assert named("zipformer-zh-en")[0].startswith("csukuangfj/")
    assert named("en-es")[0].startswith("entai2965/nllb")
    for strange in ("nosuch", "english-spanish", ""):
        with pytest.raises(EngineError, match="There is no model"):
            named(strange)


def test_without_a_hub_the_command_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(local.HUBS, "http://127.0.0.1:1")
    assert run("get", "a/b", "--folder", str(tmp_path)) == 1
    assert "No hub of models can be reached" in capsys.readouterr().err


def test_the_help_names_every_action(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    said = capsys.readouterr().out
    assert all(action in said for action in ("serve", "install", "list", "get", "check"))
    assert run() == 2


@pytest.mark.parametrize(
    "words, says",
    [
        (("check",), "check takes a folder"),
        (("get",), "get takes a model"),
        (("list", "x"), "list takes no model"),
        (("check", "x", "--gpu", "h200"), "--gpu is for serve"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*words)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
