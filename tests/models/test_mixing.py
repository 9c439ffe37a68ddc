"""What "auto" is made of, and who of it serves what."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from models import registry
from models.base import EngineError
from models.embedded import apertium, pocketsphinx
from models.local.places import places, usual
from models.mixing import directions, heard, mixed, told
from models.scripted import ScriptedTranslator
from tests.models.local.tiny import translator
from tests.models.local.tiny_sherpa import recognizer

pytestmark = pytest.mark.engine

HERE = ("http://127.0.0.1:30000",)
WORDS = {"hello": "hola", "world": "mundo"}
PAIRS = [("en", "es"), ("es", "en")]


@pytest.fixture(autouse=True)
def embedded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As if pocketsphinx and two directions of Apertium were installed, and no models lay about."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(pocketsphinx, "find_spec", lambda name: object())
    found = {pair: [["cat"]] for pair in PAIRS}
    monkeypatch.setattr(apertium, "installed", lambda folders: found)


def names(engines: Sequence[object]) -> list[str]:
    return [str(getattr(one, "name", "")) for one in engines]


def test_the_first_that_knows_a_direction_serves_it() -> None:
    one, other = (
        ScriptedTranslator(languages=("en", "es")),
        ScriptedTranslator(languages=("en", "es", "fr")),
    )
    able = directions([one, other])
    assert able["en", "es"] == (one, other)
    assert able["en", "fr"] == (other,)


def test_without_anything_named_it_is_what_is_installed() -> None:
    built = mixed({}, {})
    assert (names(built.recognizers), names(built.translators)) == (["pocketsphinx"], ["apertium"])
    assert built.spares


def test_servers_come_before_folders_and_folders_before_what_is_installed(tmp_path: Path) -> None:
    folders = [
        recognizer(tmp_path / "tones-zh-en", {"你": 500.0}),
        translator(tmp_path / "opus-mt-en-es", WORDS),
        translator(tmp_path / "opus-mt-es-en", WORDS),
    ]
    built = registry.build("auto", {"urls": HERE}, {"urls": HERE, "pairs": [("zh", "en")]}, folders)
    assert names(built.recognizers) == ["qwen-asr", "openai", "sherpa", "pocketsphinx"]
    assert names(built.translators) == [
        "sglang",
        "openai",
        "ctranslate2",
        "ctranslate2",
        "apertium",
    ]
    assert [names(group) for group in built.rivals] == [
        ["qwen-asr", "openai"],
        ["sglang", "openai"],
    ]
    assert dict(map(reversed, told(built.translators))) == {  # type: ignore[arg-type]
        "zh-en": "sglang, then openai",
        "en-es": "ctranslate2 (opus-mt-en-es), then apertium",
        "es-en": "ctranslate2 (opus-mt-es-en), then apertium",
    }
    assert ("sherpa (tones-zh-en), then pocketsphinx", "en") not in heard(built.recognizers)
    assert ("sherpa (tones-zh-en), then pocketsphinx", "en") in heard(built.recognizers[2:])


def test_what_was_fetched_is_found_where_it_was_put() -> None:
    assert places() == []
    translator(usual() / "opus-mt-en-es", WORDS)
    (usual() / "half").mkdir()
    assert places() == [usual() / "opus-mt-en-es"]
    assert names(registry.build().translators) == ["ctranslate2", "apertium"]


def test_pairs_are_the_language_models_and_without_one_those_wanted_of_folders(
    tmp_path: Path,
) -> None:
    nllb = translator(tmp_path / "nllb", WORDS, ("eng_Latn", "spa_Latn", "zho_Hans"))
    wanted = [("en", "es"), ("en", "fr")]
    alone = mixed({}, {"pairs": wanted}, [nllb])
    assert list(alone.translators[0].pairs) == [("en", "es")]
    other = mixed({}, {"pairs": [("en", "fr")]}, [nllb])
    assert names(other.translators) == ["apertium"]
    beside = mixed({}, {"urls": HERE, "pairs": wanted}, [nllb])
    assert len(beside.translators[2].pairs) == 6


def test_a_folder_that_is_not_whole_is_done_without_and_said(tmp_path: Path) -> None:
    broken = translator(tmp_path / "opus-mt-en-es", WORDS)
    (broken / "shared_vocabulary.json").unlink()
    whole = translator(tmp_path / "opus-mt-es-en", WORDS)
    built = mixed({}, {}, [broken, whole, tmp_path / "nowhere"])
    assert names(built.translators) == ["ctranslate2", "apertium"]
    assert [sentence.partition(" ")[2][:17] for sentence in built.missing] == [
        "has no vocabulary",
        "is no folder: nam",
    ]


def test_where_nothing_can_hear_it_is_said_how_to_change_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pocketsphinx, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="pip install pocketsphinx"):
        mixed({}, {})
    assert names(mixed({"urls": HERE}, {}).recognizers) == ["qwen-asr", "openai"]
