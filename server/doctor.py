"""For `surtitle doctor`: whether the engines work here and how fast, and whether ports are free.

Findings go to standard output, a line of JSON each, as soon as they are known. A process of its
own, because an engine that brings Python down is a finding too. Imports no engine at the top.
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from statistics import mean, median
from typing import Any

from models import mixing, registry
from models.base import Detector, EngineError, Recognizer, Request, Translator
from streaming import languages
from streaming.findings import TRANSCRIPTS, TRANSLATION, Finding, State
from streaming.values import BYTES_PER_SAMPLE, WINDOW, samples

from .config import Config, ConfigError, Served, pairs, urls
from .ports import port

SCRIPTED = "scripted"  # invents words: that it works means nothing
START_S, ANSWER_S = 60.0, 20.0
FROM_MS, LONG_MS = 500, 3000  # the part of the excerpt that is said: its first sentence
SENTENCES = ("Good morning.", "Where is the railway station?", "We begin at nine.")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of engine, and what having one is good for."""

    name: str
    build: Callable[[str], Any]
    gives: str


DETECTOR = Kind("detector", registry.detector, "")
RECOGNIZER = Kind("recognizer", registry.recognizer, TRANSCRIPTS)
TRANSLATOR = Kind("translator", registry.translator, TRANSLATION)


def main(argv: Sequence[str]) -> int:
    """Print what is found; the exit code is 0, whatever that is."""
    options = _parser().parse_args(argv)
    asyncio.run(_examine(options))
    return 0


def _parser() -> argparse.ArgumentParser:
    usual = Config()
    it = argparse.ArgumentParser(prog="surtitle examine-engines", description=__doc__)
    it.add_argument("--quick", action="store_true", help="whether they are installed, no more")
    it.add_argument("--speech", type=Path, help="a recording of English speech")
    it.add_argument("--host", default=usual.host)
    it.add_argument("--port", type=int, default=usual.port)
    it.add_argument("--metrics-port", type=int, default=usual.metrics_port)
    it.add_argument("--engine", default=usual.engine)
    for name in ("translator-url", "recognizer-url", "pairs"):
        it.add_argument(f"--{name}", default="")
    it.add_argument("--models", type=Path, action="append", default=[])
    return it


async def _examine(options: argparse.Namespace) -> None:
    say(port("port", options.host, options.port, "/livez", b"ok"))
    say(port("metrics port", "127.0.0.1", options.metrics_port, "/metrics", b"surtitle_"))
    async for finding in engines(options.quick, options.speech):
        say(finding)
    for finding in serving(options):
        say(finding)


def say(finding: Finding) -> None:
    """Tell the doctor."""
    print(json.dumps(asdict(finding)), flush=True)


async def engines(quick: bool, speech: Path | None) -> AsyncIterator[Finding]:
    """A finding for each engine that a tier names, but for those on servers, which are not here."""
    pcm = b"" if quick else excerpt(speech)
    here = [tier for name, tier in registry.TIERS.items() if name not in registry.SERVED]
    for kind in (DETECTOR, RECOGNIZER, TRANSLATOR):
        named = [getattr(tier, kind.name) for tier in here]
        for name in dict.fromkeys(named):
            yield await engine(kind, name, quick, pcm)


async def engine(kind: Kind, name: str, quick: bool, pcm: bytes) -> Finding:
    """One of them: built, and used if not `quick`. Whatever goes wrong is the finding."""
    group = f"{kind.name.capitalize()}s"
    try:
        _model(name)
        built = kind.build(name)
        says, figures = "installed", dict[str, float]()
        if not quick:
            says, figures = await _used(kind, built, pcm)
    except EngineError as error:
        says, fix = split(str(error))
        return Finding(group, name, _lack(kind, name), says, fix)
    except Exception as error:  # the doctor is the one place that must survive any engine
        says = f"It failed in a way that nobody expected: {error!r}."
        return Finding(group, name, _lack(kind, name), says)
    if name == SCRIPTED and not quick:
        return Finding(group, name, "ok", "answers, with words it invents", figures=figures)
    gives = "" if name == SCRIPTED else kind.gives
    return Finding(group, name, "ok", says, gives=gives, figures=figures)


def serving(options: argparse.Namespace) -> Iterator[Finding]:
    """Who would translate and hear what with these settings, the best first: as `surtitle models
    list` tells it. Nobody is asked, and nothing loaded."""
    group = "What serves"
    try:
        config = Config(
            engine=options.engine,
            translator=Served(urls(options.translator_url)),
            recognizer=Served(urls(options.recognizer_url)),
            pairs=pairs(options.pairs),
            models=tuple(options.models),
        )
        built = registry.build(config.engine, config.hears, config.translates, config.folders)
    except (ConfigError, EngineError) as error:
        yield Finding(group, options.engine, "note", *split(str(error)))
        return
    for engines, what in mixing.told(built.translators):
        yield Finding(group, "translates", "ok", f"{what}: {engines}")
    for engines, what in mixing.heard(built.recognizers):
        yield Finding(group, "hears", "ok", f"{what}: {engines}")


def _model(name: str) -> None:
    """EngineError: its package is there without the model that belongs to it."""
    found = find_spec(name) if name == "pocketsphinx" else None
    folders = [
        Path(folder, "model") for folder in (found and found.submodule_search_locations) or ()
    ]
    if folders and not any(folder.is_dir() for folder in folders):
        raise EngineError(
            f"Its model is missing: `pip install --force-reinstall --no-deps {name}`."
        )


def _lack(kind: Kind, name: str) -> State:
    """How bad it is to do without. Without a detector, loudness decides."""
    best = registry.TIERS["embedded"]
    needed = kind.name != DETECTOR.name and name == getattr(best, kind.name)
    return "wrong" if needed else "note"


def split(sentence: str) -> tuple[str, str]:
    """An engine's complaint, and the command in it that would mend it."""
    command = re.search(r":? ?`([^`]+)`", sentence)
    if command is None:
        return sentence, ""
    return sentence.replace(command[0], ""), command[1]


async def _used(kind: Kind, built: Any, pcm: bytes) -> tuple[str, dict[str, float]]:
    """What it did with a piece of work, in words and figures. EngineError: it could not."""
    if kind.name == DETECTOR.name:
        return detect(built, pcm)
    try:
        began = time.perf_counter()
        async with asyncio.timeout(START_S):
            await built.start()
        start_ms = _since(began)
        async with asyncio.timeout(ANSWER_S):
            does = hear(built, pcm) if kind.name == RECOGNIZER.name else tell(built)
            says, figures = await does
        return f"{says}, started in {start_ms / 1000:.1f} s", {
            **figures,
            "start_ms": round(start_ms),
        }
    except TimeoutError:
        raise EngineError(f"It did not answer within {ANSWER_S:.0f} s.") from None
    finally:
        await built.close()


def detect(detector: Detector, pcm: bytes) -> tuple[str, dict[str, float]]:
    """Have it look at every window of the excerpt."""
    ear = detector.ear()
    size = WINDOW * BYTES_PER_SAMPLE
    sound = pcm or bytes(94 * size)
    took: list[float] = []
    likely: list[float] = []
    for at in range(0, len(sound) - size + 1, size):
        began = time.perf_counter()
        likely += detector.probabilities([(ear, sound[at : at + size])])
        took.append(_since(began))
    if pcm and max(likely) < 0.5:
        raise EngineError("It takes clear speech for silence.")
    share = sum(one >= 0.5 for one in likely) / len(likely)
    heard = f", speech in {share:.0%} of them" if pcm else ""
    figures = {"window_ms": round(mean(took), 3), "speech_share": round(share, 3)}
    return f"{mean(took):.2f} ms for each 32 ms of sound{heard}", figures


async def hear(recognizer: Recognizer, pcm: bytes) -> tuple[str, dict[str, float]]:
    """Have it write down the excerpt as it would come from a microphone."""
    language = "en" if "en" in recognizer.languages else sorted(recognizer.languages)[0]
    hearing = await recognizer.open("doctor", [language])
    sound = pcm or bytes(samples(LONG_MS) * BYTES_PER_SAMPLE)
    size = samples(recognizer.hop_ms) * BYTES_PER_SAMPLE
    took = []
    for at in range(0, len(sound), size):
        began = time.perf_counter()
        await hearing.hear(sound[at : at + size], "")
        took.append(_since(began))
    began = time.perf_counter()
    heard = await hearing.finish(b"")
    finish_ms = _since(began)
    await hearing.close()
    if pcm and not heard.text.strip():
        raise EngineError("It heard nothing in clear speech.")
    update_ms = median(took)
    figures = {"update_ms": round(update_ms, 1), "finish_ms": round(finish_ms, 1)}
    words = f"“{heard.text}”: " if pcm else "no recording to hear: "
    return f"{words}{update_ms:.0f} ms an update, {finish_ms:.0f} ms at the end", figures


async def tell(translator: Translator) -> tuple[str, dict[str, float]]:
    """Have it translate what is heard here, which is English."""
    targets = sorted(target for source, target in translator.pairs if source == "en")
    if not targets:
        raise EngineError(
            "It has no pair from English, which is what is heard here:"
            " `apt-get install apertium apertium-eng-spa`."
        )
    target = "es" if "es" in targets else targets[0]
    took, answers = [], []
    for sentence in SENTENCES:
        began = time.perf_counter()
        request = Request("en", target, sentence, final=True)
        answers.append("".join([piece async for piece in translator.translate(request)]))
        took.append(_since(began))
    if not all(answers):
        raise EngineError("It translated a sentence to nothing.")
    more = f" and {len(targets) - 1} more" if len(targets) > 1 else ""
    into = languages.name(target)
    says = f"“{SENTENCES[1]}” is “{answers[1]}”: {median(took):.0f} ms, English to {into}{more}"
    return says, {"sentence_ms": round(median(took), 1), "pairs": len(translator.pairs)}


def excerpt(path: Path | None) -> bytes:
    """A sentence out of a recording; b'' if there is none, or nothing to read it with."""
    if path is None:
        return b""
    try:
        from .offline import decoded

        sound = b"".join(islice(decoded(str(path)), 1000))  # pieces, each of 5 ms at least
    except Exception:  # then the engines hear silence, and are told apart by how long they take
        return b""
    first, size = samples(FROM_MS) * BYTES_PER_SAMPLE, samples(LONG_MS) * BYTES_PER_SAMPLE
    return sound[first : first + size]


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
