"""How engines and ports are looked at, with engines that go wrong."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from models import registry
from models.base import EngineError, Request
from models.detectors.energy import Energy
from models.embedded import apertium, pocketsphinx
from models.scripted import Faults, ScriptedRecognizer, ScriptedTranslator
from server import doctor
from server.doctor import DETECTOR, RECOGNIZER, TRANSLATOR, Kind
from server.ports import port
from streaming.findings import Finding
from streaming.values import WINDOW

SPEECH = b"\x00\x20\x00\xe0" * (WINDOW // 2 * 94)  # a loud tone for three seconds


def look(kind: Kind, build: Callable[[str], Any], name: str, pcm: bytes = SPEECH) -> Finding:
    """What is found of an engine called `name`."""
    return asyncio.run(doctor.engine(Kind(kind.name, build, kind.gives), name, False, pcm))


def refuse(error: Exception) -> Callable[[str], Any]:
    def build(name: str) -> Any:
        raise error

    return build


def test_an_engine_that_works_gives_what_its_kind_is_for() -> None:
    heard = look(RECOGNIZER, lambda name: ScriptedRecognizer(), "another")
    assert (heard.state, heard.gives) == ("ok", "transcripts")
    assert heard.figures.keys() == {"start_ms", "update_ms", "finish_ms"}
    told = look(TRANSLATOR, lambda name: ScriptedTranslator(), "another")
    assert (told.state, told.gives) == ("ok", "translation")
    assert "ms, English to Spanish" in told.says


def test_a_detector_is_timed_by_the_window() -> None:
    found = look(DETECTOR, lambda name: Energy(), "energy")
    assert found.state == "ok"
    assert "ms for each 32 ms of sound" in found.says
    assert found.figures["window_ms"] >= 0


def test_invented_words_give_nothing() -> None:
    found = look(RECOGNIZER, lambda name: ScriptedRecognizer(), "scripted")
    assert (found.state, found.gives) == ("ok", "")


@pytest.mark.parametrize(
    ("kind", "name", "state"),
    [
        (RECOGNIZER, "pocketsphinx", "wrong"),
        (TRANSLATOR, "apertium", "wrong"),
        (DETECTOR, "silero", "note"),
        (RECOGNIZER, "another", "note"),
    ],
)
def test_what_is_missing_is_wrong_if_it_is_needed(kind: Kind, name: str, state: str) -> None:
    found = look(kind, refuse(EngineError("It is not installed: `apt-get install it`.")), name)
    assert (found.state, found.says) == (state, "It is not installed.")
    assert found.fix == "apt-get install it"


@pytest.mark.parametrize("error", [RuntimeError("glass"), OSError("glass"), ImportError("glass")])
def test_an_engine_that_breaks_is_a_finding(error: Exception) -> None:
    found = look(RECOGNIZER, refuse(error), "pocketsphinx")
    assert found.state == "wrong" and "glass" in found.says


def test_an_engine_that_fails_or_hangs_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    fails = look(RECOGNIZER, lambda name: ScriptedRecognizer(faults=Faults(fail=[2])), "another")
    assert fails.state == "note" and "failed in call 2" in fails.says
    monkeypatch.setattr(doctor, "ANSWER_S", 0.05)
    hangs = look(TRANSLATOR, lambda name: ScriptedTranslator(faults=Faults(hang=[1])), "apertium")
    assert hangs.state == "wrong" and "did not answer" in hangs.says


def test_a_recognizer_that_hears_nothing_in_speech() -> None:
    found = look(RECOGNIZER, lambda name: ScriptedRecognizer([["", ""]]), "pocketsphinx")
    assert found.state == "wrong" and "heard nothing" in found.says


def test_a_translator_must_translate_what_is_heard() -> None:
    found = look(TRANSLATOR, lambda name: ScriptedTranslator(languages=["es", "ca"]), "apertium")
    assert found.state == "wrong" and "no pair from English" in found.says
    assert found.fix == "apt-get install apertium apertium-eng-spa"

    class Mute(ScriptedTranslator):
        async def translate(self, request: Request) -> AsyncIterator[str]:
            if False:
                yield ""

    assert "to nothing" in look(TRANSLATOR, lambda name: Mute(), "apertium").says


def test_a_missing_model_is_told_apart_from_a_missing_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Spec:
        submodule_search_locations = ("/no/such/folder",)

    monkeypatch.setattr(doctor, "find_spec", lambda name: Spec())
    found = look(RECOGNIZER, lambda name: ScriptedRecognizer(), "pocketsphinx")
    assert found.state == "wrong" and found.says == "Its model is missing."
    assert "pip install" in found.fix


def test_every_engine_of_this_machine_is_looked_at_once() -> None:
    async def names() -> list[str]:
        return [one.name async for one in doctor.engines(quick=True, speech=None)]

    found = asyncio.run(names())
    for name, tier in registry.TIERS.items():
        engines = {tier.detector, tier.recognizer, tier.translator}
        assert (engines <= set(found)) != (name in registry.SERVED)
    assert found.count("silero") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], {"translates: en-es: apertium", "hears: en: pocketsphinx"}),
        (
            ["--translator-url", "http://gpu:30000", "--pairs", "zh-en,en-es"],
            {
                "translates: zh-en: sglang, then openai",
                "translates: en-es: sglang, then openai, then apertium",
                "hears: en: pocketsphinx",
            },
        ),
        (["--engine", "local"], {"local: --engine local and --models FOLDER go together"}),
    ],
)
def test_who_would_serve_what_is_told_as_the_settings_have_it(
    words: list[str], told: set[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(pocketsphinx, "find_spec", lambda name: object())
    monkeypatch.setattr(apertium, "installed", lambda folders: {("en", "es"): [["cat"]]})
    found = doctor.serving(doctor._parser().parse_args(words))
    assert {f"{one.name}: {one.says}" for one in found} == told


@pytest.mark.socket
def test_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        other.close()
        assert port("port", "127.0.0.1", number, "/livez", b"ok").state == "ok"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody answers there, so asking is refused at once
        number = taken.getsockname()[1]
        found = port("metrics port", "127.0.0.1", number, "/metrics", b"surtitle_")
        assert found.state == "note" and "in use" in found.says
        assert found.fix == "surtitle serve --metrics-port 0"
    assert port("port", "127.0.0.1", 70_000, "/", b"").state == "wrong"
    assert port("port", "no.such.host.invalid", 1, "/", b"").state == "note"
