"""`surtitle serve`: set up, open the doors, and close them again in order."""

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from models import registry
from models.base import EngineError, Frugal
from streaming.glossary import Glossary, GlossaryError, parse

from .app import app, listening, metrics_app
from .clock import Clock
from .config import KEYS, Config, ConfigError, Served, pairs, urls
from .engines import Engines, started
from .house import House
from .metrics import Metrics

log = logging.getLogger("surtitle")

DRAIN_S = 8.0  # real seconds that the last finals may take

EPILOG = """examples:
  surtitle serve                       on this machine only, with the best engines it has
  surtitle serve --engine scripted     without any model: invented words, for tests and load
  surtitle serve --glossary names.toml names and terms that translations must obey
  surtitle serve --engine sglang --translator-url http://gpu:30000 --pairs zh-en,en-zh
  surtitle serve --engine openai --translator-url http://127.0.0.1:11434

Then join a room from another terminal:
  surtitle join kitchen --name Ana --hears en --reads es --audio talk.wav
"""


def main(argv: Sequence[str]) -> int:
    """Run the command; its exit code."""
    options = parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        config = _config(options)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            built = registry.build(config.engine, config.hears, config.translates)
            runner.run(serve(config, built))
    except (ConfigError, EngineError, GlossaryError) as error:
        print(f"surtitle serve: {error}", file=sys.stderr)
        return 1
    return 0


async def serve(config: Config, built: registry.Engines) -> None:
    """Serve until SIGINT, SIGTERM or the end of the parent; ConfigError and EngineError before."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if config.parent_fd is not None:
        loop.add_reader(config.parent_fd, stop.set)
    house = House(config, Metrics(), _glossary(config.glossary))
    if isinstance(built.translator, Frugal):
        built.translator.on_spent = house.metrics.spent
    for sentence in built.missing:
        print(f"surtitle serve: {sentence}", file=sys.stderr)
    clock = Clock(config.speed)
    async with (
        started(built, clock, house.translation_changed) as engines,
        listening(metrics_app(house), "127.0.0.1", config.metrics_port) as metrics,
    ):
        house.engines = engines
        engines.translation.on_refused = house.metrics.refused
        await _serve(config, house, metrics, stop)


async def _serve(config: Config, house: House, metrics: str, stop: asyncio.Event) -> None:
    assert house.engines is not None
    async with listening(app(house), config.host, config.port) as url:
        _announce(config, house.engines, url, metrics)
        gc.collect()
        gc.freeze()  # what is alive now stays: later collections need not look at it
        time = asyncio.gather(house.keep_time(), house.metrics.watch_loop())
        time.add_done_callback(lambda _: stop.set())  # a server that lost its time must not go on
        try:
            await stop.wait()
            await house.drain(DRAIN_S)
            await _everybody_gone(house)
        finally:
            time.cancel()
            await asyncio.gather(time, return_exceptions=True)


async def _everybody_gone(house: House) -> None:
    """Wait until every connection has been told why it closes, a second at most."""
    for _ in range(20):
        if not house.members():
            return
        await asyncio.sleep(0.05)


def _announce(config: Config, engines: Engines, url: str, metrics: str) -> None:
    pairs = [(*pair, engines.translation.name) for pair in engines.translation.pairs]
    if config.ready_fd is not None:
        line = json.dumps({"url": url, "metrics": metrics, "pairs": pairs})
        os.write(config.ready_fd, line.encode() + b"\n")
        os.close(config.ready_fd)
        return
    hears = ", ".join(sorted(engines.recognizer.languages))
    told = ", ".join(f"{source} to {target}" for source, target, _ in pairs[:8]) or "nothing"
    more = f" and {len(pairs) - 8} more" if len(pairs) > 8 else ""
    print(f"surtitle serves {url}   (metrics {metrics}/metrics)")
    print(f"  hears {hears} ({engines.recognizer.name})")
    print(f"  translates {told}{more} ({engines.translation.name})", flush=True)


def _glossary(path: Path | None) -> Glossary:
    if path is None:
        return Glossary()
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the glossary {path} cannot be read: {error}") from error


def _config(options: argparse.Namespace) -> Config:
    return Config(
        host=options.host,
        port=options.port,
        metrics_port=options.metrics_port,
        engine=options.engine,
        speed=options.speed,
        glossary=options.glossary,
        insecure=options.insecure,
        translator=_served(options.translator_url, options.translator_model, KEYS[0]),
        recognizer=_served(options.recognizer_url, options.recognizer_model, KEYS[1]),
        pairs=pairs(options.pairs),
        hypotheses=options.hypotheses or "",
        ready_fd=options.ready_fd,
        parent_fd=options.parent_fd,
    )


def _served(addresses: str, model: str, key: str) -> Served:
    return Served(urls(addresses), model, os.environ.get(key, ""))


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    made = argparse.ArgumentParser(
        prog="surtitle serve",
        description="Hear conversations in rooms, and caption and translate them while they last.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add("--port", type=int, default=8765, help="0 for any free one (default %(default)s)")
    add("--metrics-port", type=int, default=8766, help="loopback only (default %(default)s)")
    engines = "|".join([registry.AUTO, *registry.TIERS])
    add("--engine", default="auto", metavar=engines, help="what hears (default %(default)s)")
    faster = "run the clock N times faster, for files (default %(default)g)"
    add("--speed", type=float, default=1.0, metavar="N", help=faster)
    add(
        "--glossary",
        type=Path,
        metavar="FILE",
        help="TOML file of names and terms and what to call them",
    )
    asked = (
        "where the model of --engine sglang or openai is; several, apart by commas;"
        f" its key, if it has one, is read from ${KEYS[0]}"
    )
    add("--translator-url", default="", metavar="URL", help=asked)
    heard = f"the same for what hears, with ${KEYS[1]}; without it, this machine does"
    add("--recognizer-url", default="", metavar="URL", help=heard)
    named = "what the server calls the model, if it serves several"
    add("--translator-model", default="", metavar="NAME", help=named)
    add("--recognizer-model", default="", metavar="NAME", help=named)
    known = "what a language model translates, as zh-en,en-zh (the default), which it cannot say"
    add("--pairs", default="", metavar="FROM-TO", help=known)
    used = "how SGLang is given its last answers (default: as its server can)"
    add("--hypotheses", choices=["plugin", "logprobs", "ngram", "none"], help=used)
    add("--insecure", action="store_true", help="listen off loopback without TLS and tokens")
    add("--verbose", action="store_true", help="say what happens (never what is said)")
    add("--ready-fd", type=int, help=argparse.SUPPRESS)
    add("--parent-fd", type=int, help=argparse.SUPPRESS)
    return made
