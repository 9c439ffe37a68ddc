"""What "auto" is made of: engines of every tier that can be had here, and who of them serves what.

    sglang, openai   models on the servers that were named, whether they answer yet or not
    local            models in folders: those that were named, else those in the usual place
    embedded         what is installed

Of several that can do the same the first serves; the others stand by.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from models import registry
from models.base import EngineError, Recognizer, Translator
from models.local.places import hears, places
from models.registry import LOCAL, SERVED, TIERS, Engine, Engines

SHOWN = 8  # directions of an engine that are listed by name

Pair = tuple[str, str]
T = TypeVar("T")


def directions(translators: Iterable[Translator]) -> dict[Pair, tuple[Translator, ...]]:
    """Who translates each direction, in the order given."""
    able: defaultdict[Pair, list[Translator]] = defaultdict(list)
    for translator in translators:
        for pair in translator.pairs:
            able[pair].append(translator)
    return {pair: tuple(found) for pair, found in able.items()}


def mixed(
    hears_with: Mapping[str, Any],
    translates_with: Mapping[str, Any],
    folders: Sequence[Path] | None = None,
) -> Engines:
    """The engines of "auto". Options are those of models on servers, which are only asked where
    `urls` are given; `pairs` without any are those that folders are wanted for.

    EngineError: nothing can hear here.
    """
    ours = _Ours()
    ears = _served(ours, registry.recognizer, "recognizer", hears_with)
    tongues = _served(ours, registry.translator, "translator", translates_with)
    rivals: tuple[tuple[Engine, ...], ...] = (tuple(ears), tuple(tongues))
    wanted = () if tongues else translates_with.get("pairs", ())
    for folder in places() if folders is None else folders:
        if hears(folder):
            ears += ours.build(registry.recognizer, TIERS[LOCAL].recognizer, folder=folder)
        else:
            tongues += _in_folder(ours, folder, wanted)
    embedded = TIERS["embedded"]
    detector = ours.build(registry.detector, embedded.detector)
    before = len(ours.missing)
    ears += ours.build(registry.recognizer, embedded.recognizer)
    if not ears:
        raise EngineError(ours.missing[before])
    tongues += ours.build(registry.translator, embedded.translator)
    return Engines(
        (detector or [registry.detector("energy")])[0],
        tuple(ears),
        tuple(tongues),
        tuple(ours.missing),
        spares=True,
        rivals=rivals,
    )


class _Ours:
    """What can be built, and why the rest cannot."""

    def __init__(self) -> None:
        self.missing: list[str] = []

    def build(self, make: Callable[..., T], name: str, **options: Any) -> list[T]:
        """One, or none."""
        try:
            return [make(name, **options)]
        except EngineError as error:
            self.missing.append(str(error))
            return []


def _served(ours: _Ours, make: Callable[..., T], kind: str, options: Mapping[str, Any]) -> list[T]:
    """By every protocol that the servers may speak. Nobody waits for one that is loading."""
    if not options.get("urls"):
        return []
    names = [getattr(TIERS[tier], kind) for tier in SERVED]
    return [one for name in names for one in ours.build(make, name, **options, start_s=0.0)]


def _in_folder(ours: _Ours, folder: Path, wanted: Sequence[Pair]) -> list[Translator]:
    """One engine for each folder: one that is broken takes no other with it."""

    def made(pairs: Sequence[Pair] = ()) -> list[Translator]:
        name = TIERS[LOCAL].translator
        return ours.build(registry.translator, name, folders=[folder], pairs=pairs)

    found = made()
    if not found or not wanted:
        return found
    pairs = [pair for pair in wanted if pair in found[0].pairs]
    return made(pairs) if pairs else []


@runtime_checkable
class InFolders(Protocol):
    """An engine whose models lie in folders."""

    folders: Sequence[Path]


def called(engine: Engine) -> str:
    """ "apertium", "ctranslate2 (opus-mt-en-es)"."""
    if not isinstance(engine, InFolders):
        return engine.name
    return f"{engine.name} ({', '.join(folder.name for folder in engine.folders)})"


def told(translators: Iterable[Translator]) -> Iterator[tuple[str, str]]:
    """(engines, directions) in words: "ctranslate2 (opus-mt-en-es), then apertium", "en-es"."""
    able = directions(translators)
    return _alike({f"{source}-{target}": engines for (source, target), engines in able.items()})


def heard(recognizers: Iterable[Recognizer]) -> Iterator[tuple[str, str]]:
    """(engines, languages) in words, likewise."""
    able: defaultdict[str, list[Recognizer]] = defaultdict(list)
    for recognizer in recognizers:
        for language in recognizer.languages:
            able[language].append(recognizer)
    return _alike(able)


def _alike(able: Mapping[str, Sequence[Engine]]) -> Iterator[tuple[str, str]]:
    """What the same engines do, together."""
    by: defaultdict[tuple[Engine, ...], list[str]] = defaultdict(list)
    for what, engines in able.items():
        by[tuple(engines)].append(what)
    for engines, whats in by.items():
        more = f" and {len(whats) - SHOWN} more" if len(whats) > SHOWN else ""
        yield ", then ".join(map(called, engines)), ", ".join(whats[:SHOWN]) + more
