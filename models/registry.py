"""Which engines there are, by name. Nothing heavy is imported before its name is chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from models.base import Detector, EngineError, Recognizer, Translator

DETECTORS = {"silero": "models.detectors.silero:Silero", "energy": "models.detectors.energy:Energy"}
RECOGNIZERS = {
    "pocketsphinx": "models.embedded.pocketsphinx:PocketSphinx",
    "qwen-asr": "models.qwen_asr.recognizer:QwenAsr",
    "openai": "models.openai.transcriptions:Transcriptions",
    "sherpa": "models.local.sherpa:Sherpa",
    "scripted": "models.scripted:ScriptedRecognizer",
}
TRANSLATORS = {
    "apertium": "models.embedded.apertium:Apertium",
    "sglang": "models.sglang.translator:SGLang",
    "openai": "models.openai.translator:OpenAI",
    "ctranslate2": "models.local.ctranslate:CTranslate2",
    "scripted": "models.scripted:ScriptedTranslator",
}


@dataclass(frozen=True, slots=True)
class Tier:
    """Engines that go together, by name."""

    detector: str
    recognizer: str
    translator: str


TIERS = {
    "embedded": Tier("silero", "pocketsphinx", "apertium"),
    "sglang": Tier("silero", "qwen-asr", "sglang"),
    "openai": Tier("silero", "openai", "openai"),
    "local": Tier("silero", "sherpa", "ctranslate2"),
    "scripted": Tier("silero", "scripted", "scripted"),
}
AUTO = "auto"  # the best tier that answers, for each direction (models/mixing.py)
SERVED = ("sglang", "openai")  # tiers whose models are on servers, which must be named
LOCAL = "local"  # the tier whose models are in folders, which must be named

Engine = Recognizer | Translator


@dataclass(frozen=True, slots=True)
class Engines:
    """What one server hears and translates with, the best first; not started yet."""

    detector: Detector
    recognizers: tuple[Recognizer, ...]
    translators: tuple[Translator, ...]
    """() for speakers' own words only."""
    missing: tuple[str, ...] = ()
    """What had to be done without, one sentence each, with what would change that."""
    spares: bool = False
    """One that does not start is done without, and taken in when it does. Only ever of "auto"."""
    rivals: tuple[tuple[Engine, ...], ...] = ()
    """Of each of these, which ask the same servers, only the first that starts is wanted."""


def detector(name: str, **options: Any) -> Detector:
    """Build a detector. EngineError: unknown, or not installed."""
    made: Detector = _make("detector", DETECTORS, name, options)
    return made


def recognizer(name: str, **options: Any) -> Recognizer:
    """Build a recognizer, which must be started. EngineError: unknown, or not installed."""
    made: Recognizer = _make("recognizer", RECOGNIZERS, name, options)
    return made


def translator(name: str, **options: Any) -> Translator:
    """Build a translator, which must be started. EngineError: unknown, or not installed."""
    made: Translator = _make("translator", TRANSLATORS, name, options)
    return made


def build(
    tier: str = AUTO,
    hears: Mapping[str, Any] | None = None,
    translates: Mapping[str, Any] | None = None,
    folders: Sequence[Path] | None = None,
) -> Engines:
    """Build the engines of `tier`, which must be started, with options for its recognizer and its
    translator.

    "auto" takes what it can get of every tier; `folders` are for it alone: those of models, by
    default what lies where `surtitle models get` puts them. Where models are on servers and no
    `urls` of a recognizer are given, the embedded one hears; where they are in folders, it does
    what there is no folder for.
    EngineError: no such tier, or something it cannot do without is not installed.
    """
    if tier == AUTO:
        from models import mixing

        return mixing.mixed(hears or {}, translates or {}, folders)
    if tier not in TIERS:
        raise EngineError(f"There is no tier {tier!r}; there are {_listed([AUTO, *TIERS])}.")
    names, hearing, telling = TIERS[tier], dict(hears or {}), dict(translates or {})
    missing: list[str] = []
    if tier in SERVED and not hearing.get("urls"):
        names, hearing = replace(names, recognizer=TIERS["embedded"].recognizer), {}
        missing += [f"No --recognizer-url is given, so {names.recognizer} hears, on this machine."]
    if tier == LOCAL and not hearing.get("folder"):
        names, hearing = replace(names, recognizer=TIERS["embedded"].recognizer), {}
        missing += [f"No folder of a recognizer is named, so {names.recognizer} hears."]
    if tier == LOCAL and not telling.get("folders"):
        names, telling = replace(names, translator=TIERS["embedded"].translator), {}
        missing += [f"No folder of a translator is named, so {names.translator} translates."]
    return Engines(
        detector(names.detector),
        (recognizer(names.recognizer, **hearing),),
        (translator(names.translator, **telling),),
        tuple(missing),
    )


def _make(kind: str, table: dict[str, str], name: str, options: dict[str, Any]) -> Any:
    if name not in table:
        raise EngineError(f"There is no {kind} {name!r}; there are {_listed(list(table))}.")
    module, _, attribute = table[name].partition(":")
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        raise EngineError(
            f"The {kind} {name} needs the Python package {error.name}: `pip install {error.name}`."
        ) from error
    return getattr(found, attribute)(**options)


def _listed(names: list[str]) -> str:
    return ", ".join(names)
