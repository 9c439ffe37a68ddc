"""Which engines there are, by name. Nothing heavy is imported before its name is chosen."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from models.base import Detector, EngineError, Recognizer, Translator

DETECTORS = {"silero": "models.silero:Silero", "energy": "models.energy:Energy"}
RECOGNIZERS = {
    "pocketsphinx": "models.pocketsphinx:PocketSphinx",
    "scripted": "models.scripted:ScriptedRecognizer",
}
TRANSLATORS = {
    "apertium": "models.apertium:Apertium",
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
    "scripted": Tier("silero", "scripted", "scripted"),
}
AUTO = "auto"  # the best tier as far as it is installed


@dataclass(frozen=True, slots=True)
class Engines:
    """What one server hears and translates with; not started yet."""

    detector: Detector
    recognizer: Recognizer
    translator: Translator | None
    """None: speakers' own words only. Only ever in the tier "auto"."""
    missing: tuple[str, ...] = ()
    """What "auto" had to do without, one sentence each, with the command that installs it."""


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


def build(tier: str = AUTO) -> Engines:
    """Build the engines of `tier`, which must be started.

    "auto" does without silero (loudness decides then) and without a translator.
    EngineError: no such tier, or something it cannot do without is not installed.
    """
    if tier == AUTO:
        return _auto(TIERS["embedded"])
    if tier not in TIERS:
        raise EngineError(f"There is no tier {tier!r}; there are {_listed([AUTO, *TIERS])}.")
    names = TIERS[tier]
    return Engines(
        detector(names.detector), recognizer(names.recognizer), translator(names.translator)
    )


def _auto(names: Tier) -> Engines:
    missing: list[str] = []
    ear: Detector | None = None
    tongue: Translator | None = None
    try:
        ear = detector(names.detector)
    except EngineError as error:
        missing.append(str(error))
    try:
        tongue = translator(names.translator)
    except EngineError as error:
        missing.append(str(error))
    heard = recognizer(names.recognizer)
    return Engines(ear or detector("energy"), heard, tongue, tuple(missing))


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
