"""What readers see of lines that grow: how much is taken back, and how late words come.

The streams of spoken.py and their translations (told.py) under the policies that
`loadtest.judge.policies` compares. No model runs but Apertium, where it is installed.
"""

import asyncio
from collections.abc import Sequence
from itertools import product
from typing import Any

from loadtest.judge.policies import heard, translated
from loadtest.judge.spoken import HOP_MS, Utterance
from models.base import EngineError
from models.embedded.apertium import Apertium

from . import told
from .spoken import recorded, scripted

SPEAKS = ("en", "es", "de", "zh", "ja", "ko", "ar", "th")
PAIRS = (
    *(("en", target) for target in SPEAKS[1:]),
    *((source, "en") for source in ("zh", "de", "ja", "ko")),
)
SEEDS = 10
SPHINX_MS = 240  # the hop that was recorded


def measure(quick: bool = False) -> dict[str, Any]:
    """Everything; with `quick` less of what is scripted."""
    return asyncio.run(_measure(2 if quick else SEEDS))


async def _measure(seeds: int) -> dict[str, Any]:
    spoken = {code: [scripted(code, seed) for seed in range(seeds)] for code in SPEAKS}
    transcripts = {
        f"{code}, scripted": heard([one for said in spoken[code] for one in said], HOP_MS)
        for code in SPEAKS
    }
    sphinx = recorded()
    transcripts["en, pocketsphinx"] = heard(sphinx, SPHINX_MS)
    translations: dict[str, Any] = {}
    for source, target in PAIRS:
        every = enumerate(spoken[source])
        lines = [one for seed, said in every for one in told.scripted(source, target, said, seed)]
        translations[f"{source} to {target}, scripted"] = await translated(lines, target, HOP_MS)
    for kind, (source, target) in product(("short", "long"), (("zh", "en"), ("en", "zh"))):
        name = f"{source} to {target}, small Qwen, {kind} lines"
        translations[name] = await _recorded(kind, source, target)
    translations["en to es, pocketsphinx and Apertium"] = await _apertium(sphinx)
    return {"transcripts": transcripts, "translations": translations}


async def _recorded(kind: str, source: str, target: str) -> dict[str, Any]:
    """The figures for the small Qwen's answers, or why there are none."""
    try:
        return await translated(told.recorded(kind, source), target, HOP_MS)
    except EngineError as error:
        return {"skipped": str(error)}


async def _apertium(said: Sequence[Utterance]) -> dict[str, Any]:
    """The figures for what Apertium makes of it, or why there are none."""
    try:
        engine = Apertium(pairs=[("en", "es")])
        await engine.start()
    except EngineError as error:
        return {"skipped": str(error)}
    try:
        lines = [(one, told.Installed(engine, "en", "es")) for one in said]
        return await translated(lines, "es", SPHINX_MS)
    finally:
        await engine.close()
