"""Engines are found by name, loaded only when chosen, and missed in plain words."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from models import registry
from models.base import EngineError
from models.detectors import silero
from models.detectors.energy import Energy
from models.embedded import apertium, pocketsphinx
from models.registry import DETECTORS, RECOGNIZERS, TIERS, TRANSLATORS
from models.scripted import ScriptedRecognizer, ScriptedTranslator


@pytest.fixture
def everything_but(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    """Makes an engine look as if it were not installed, and the others as if they were."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))  # there are no models in folders
    monkeypatch.setattr(pocketsphinx, "find_spec", lambda name: object())
    monkeypatch.setattr(apertium, "installed", lambda folders: {("en", "es"): [["cat"]]})

    def hide(name: str) -> None:
        if name == "silero":
            monkeypatch.setattr(silero, "MODEL", "absent.onnx")
        elif name == "apertium":
            monkeypatch.setattr(apertium, "installed", lambda folders: {})
        else:
            monkeypatch.setattr(pocketsphinx, "find_spec", lambda name: None)

    return hide


def test_engines_are_built_by_name_with_their_options() -> None:
    assert isinstance(registry.detector("energy", threshold_db=-30), Energy)
    heard = registry.recognizer("scripted", hop_ms=100)
    assert isinstance(heard, ScriptedRecognizer) and heard.hop_ms == 100
    assert isinstance(registry.translator("scripted"), ScriptedTranslator)


@pytest.mark.parametrize(
    ("make", "known"),
    [
        (registry.detector, "silero, energy"),
        (registry.recognizer, "pocketsphinx, qwen-asr, openai, sherpa, scripted"),
        (registry.translator, "apertium, sglang, openai, ctranslate2, scripted"),
        (registry.build, "auto, embedded, sglang, openai, local, scripted"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(make: object, known: str) -> None:
    with pytest.raises(EngineError, match=rf"'nosuch'.*{known}"):
        make("nosuch")  # type: ignore[operator]


def test_every_tier_names_engines_that_there_are() -> None:
    for tier in TIERS.values():
        assert tier.detector in DETECTORS
        assert tier.recognizer in RECOGNIZERS
        assert tier.translator in TRANSLATORS


@pytest.mark.parametrize("table", [DETECTORS, RECOGNIZERS, TRANSLATORS])
def test_every_engine_calls_itself_by_its_name(table: dict[str, str]) -> None:
    for name, place in table.items():
        module, _, attribute = place.partition(":")
        assert getattr(import_module(module), attribute).name == name


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        ("silero", "pip install --no-deps silero-vad"),
        ("pocketsphinx", "pip install pocketsphinx"),
        ("apertium", "apt-get install apertium apertium-eng-spa"),
    ],
)
def test_a_tier_that_is_not_all_there_is_said_with_the_command(
    missing: str, command: str, everything_but: object
) -> None:
    everything_but(missing)  # type: ignore[operator]
    with pytest.raises(EngineError, match=command):
        registry.build("embedded")


def test_auto_does_without_a_translator_and_with_loudness_alone(everything_but: object) -> None:
    everything_but("silero")  # type: ignore[operator]
    everything_but("apertium")  # type: ignore[operator]
    built = registry.build()
    assert built.detector.name == "energy"
    assert [one.name for one in built.recognizers] == ["pocketsphinx"]
    assert built.translators == ()
    assert ["install" in sentence for sentence in built.missing] == [True, True]


def test_auto_does_not_do_without_a_recognizer(everything_but: object) -> None:
    everything_but("pocketsphinx")  # type: ignore[operator]
    with pytest.raises(EngineError, match="pip install pocketsphinx"):
        registry.build("auto")


def test_nothing_heavy_is_imported_before_it_is_chosen() -> None:
    code = (
        "import sys; from models import registry; registry.detector('energy');"
        "registry.recognizer('scripted');"
        "sys.exit(bool({'numpy', 'onnxruntime', 'pocketsphinx'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
