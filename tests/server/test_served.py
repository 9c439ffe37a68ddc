"""Where models are on servers: what the command line takes, and what it refuses in a sentence."""

import re
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest

from models import registry
from models.base import Doubting, EngineError, Request, Spent
from models.openai.transcriptions import Transcriptions
from models.openai.translator import OpenAI
from models.qwen_asr.recognizer import QwenAsr
from models.scripted import ScriptedTranslator
from models.sglang.translator import SGLang
from server.config import KEYS, Config, ConfigError, Served
from server.main import _config, parser
from server.metrics import Metrics
from tests.server.stage import Stage, loud, quiet

HERE = "http://127.0.0.1:30000"


def config(*words: str) -> Config:
    return _config(parser().parse_args(words))


def test_addresses_models_and_languages_reach_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEYS[0], "secret")
    monkeypatch.setattr(registry, "detector", lambda name, **options: object())
    said = config(
        *("--engine", "sglang", "--translator-url", f"{HERE}/v1/, http://b:1"),
        *("--recognizer-url", "https://c", "--recognizer-model", "asr"),
        *("--pairs", "zh-en,en-zh-Hant", "--hypotheses", "none"),
    )
    assert said.translates == {
        "urls": (HERE, "http://b:1"), "model": "", "key": "secret", "way": "none",
        "pairs": (("zh", "en"), ("en", "zh-Hant")),
    }  # fmt: skip
    assert said.hears["urls"] == ("https://c",) and said.hears["key"] == ""
    assert said.hears["languages"] == ["en", "zh", "zh-Hant"]
    built = registry.build(said.engine, said.hears, said.translates)
    assert [type(one) for one in (*built.recognizers, *built.translators)] == [QwenAsr, SGLang]
    assert built.missing == ()


def test_without_a_recognizers_address_this_machine_hears_and_says_so() -> None:
    for engine, kind in (("sglang", SGLang), ("openai", OpenAI)):
        said = config("--engine", engine, "--translator-url", HERE)
        try:
            built = registry.build(said.engine, said.hears, said.translates)
        except EngineError as error:
            pytest.skip(str(error))
        assert [one.name for one in built.recognizers] == ["pocketsphinx"]
        assert [type(one) for one in built.translators] == [kind]
        assert "--recognizer-url" in built.missing[0]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--engine", "sglang"], "--engine sglang needs a server's address: --translator-url"),
        (
            ["--engine", "embedded", "--translator-url", HERE],
            "--engine embedded asks no server: say --engine sglang, openai or auto",
        ),
        (["--engine", "local"], "--engine local and --models FOLDER go together"),
        (["--engine", "scripted", "--models", "m"], "--engine local and --models FOLDER go"),
        (["--hypotheses", "none"], "--hypotheses is for --engine sglang"),
        (["--engine", "sglang", "--translator-url", "gpu"], "'gpu' is no address of a server"),
        (["--engine", "sglang", "--translator-url", "ftp://gpu"], "is no address of a server"),
        (["--engine", "sglang", "--translator-url", "http://gpu:x"], "is no address of a server"),
        (["--engine", "sglang", "--translator-url", "http://k@gpu"], "a key does not belong"),
        (["--pairs", "zh_en"], "'zh_en' is no pair of languages"),
        (["--pairs", "zh-qq"], "unknown language 'qq'"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        config(*words)


async def test_the_translator_is_told_whose_conversation_it_is() -> None:
    class Telling(ScriptedTranslator):
        rooms: ClassVar[set[str]] = set()

        def translate(self, request: Request) -> AsyncIterator[str]:
            self.rooms.add(request.room)
            return super().translate(request)

    stage = Stage(translator=Telling(forces_prefix=False))
    ana, ben = (stage.join(name, hears="en", reads="es") for name in ("Ana", "Ben"))
    for member in (ana, ben):
        await stage.speak(member, loud(1_500) + quiet(1_500))
    assert len(Telling.rooms) == 1 and "kitchen" not in str(Telling.rooms)


def test_a_key_is_never_shown() -> None:
    assert "secret" not in repr(Config(translator=Served((HERE,), key="secret"), engine="sglang"))


def test_what_an_answer_took_is_exported() -> None:
    metrics = Metrics()
    metrics.spent(Spent(offered=8, accepted=5, passes=2, tokens=9, prompt=40, cached=30))
    page = metrics.page().decode()
    figures: dict[str, Any] = {
        'surtitle_hypothesis_tokens_total{outcome="offered"}': 8,
        'surtitle_hypothesis_tokens_total{outcome="accepted"}': 5,
        "surtitle_translation_passes_total": 2,
        'surtitle_translation_tokens_total{kind="cached"}': 30,
    }
    for name, value in figures.items():
        assert f"{name} {value:.1f}\n" in page


def test_what_a_recognizer_is_not_believed_is_counted() -> None:
    metrics = Metrics()
    for engine in (QwenAsr(), Transcriptions()):
        assert isinstance(engine, Doubting)
        engine.on_doubt = metrics.doubted
        engine.on_doubt("loop")
    assert 'surtitle_recognition_doubted_total{what="loop"} 2.0\n' in metrics.page().decode()
