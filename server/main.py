"""`surtitle serve`: set up, open the doors, and close them again in order."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from models import parent, registry
from models.base import Doubting, EngineError, Frugal
from streaming.glossary import Glossary, GlossaryError, parse

from .admission import Limits
from .app import app, listening, metrics_app
from .clock import Clock
from .config import KEYS, TURN, Config, ConfigError, Served, pairs, urls
from .engines import Engines, started
from .garbage import collected
from .house import House
from .journal import Journal
from .metrics import Metrics
from .secret import SECRET, encryption, secret
from .tls import doorplate, names, own

if TYPE_CHECKING:
    from .webrtc.taken import Taken

log = logging.getLogger("surtitle")

SHOWN = 8  # directions of an engine that are named when the server starts
DRAIN_S = 8.0  # real seconds that the last finals may take

EPILOG = """examples:
  surtitle serve                       on this machine only, with the best engines it has
  surtitle serve --engine scripted     without any model: invented words, for tests and load
  surtitle serve --glossary names.toml names and terms that translations must obey
  surtitle serve --engine sglang --translator-url http://gpu:30000 --pairs zh-en,en-zh
  surtitle serve --engine openai --translator-url http://127.0.0.1:11434
  surtitle serve --translator-url http://gpu:30000 --pairs zh-en --models ~/opus-mt-en-es
                                       each direction by the best that knows it and works

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
            built = registry.build(config.engine, config.hears, config.translates, config.folders)
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
        parent.watch(config.parent_fd, stop)
    house = House(config, Metrics(), _glossary(config.glossary))
    for translator in built.translators:
        if isinstance(translator, Frugal):
            translator.on_spent = house.metrics.spent
    for recognizer in built.recognizers:
        if isinstance(recognizer, Doubting):
            recognizer.on_doubt = house.metrics.doubted
    for sentence in built.missing:
        print(f"surtitle serve: {sentence}", file=sys.stderr)
    clock = Clock(config.speed)
    async with (
        started(built, clock, house.translation_changed) as engines,
        listening(metrics_app(house), "127.0.0.1", config.metrics_port) as metrics,
    ):
        house.engines = engines
        if config.journal is not None:
            house.keep(Journal(config.journal, 3_600 * config.journal_hours))
        engines.translation.on_refused = house.metrics.refused
        await _serve(config, house, metrics, stop)


async def _serve(config: Config, house: House, metrics: str, stop: asyncio.Event) -> None:
    assert house.engines is not None
    encrypted = encryption(config.tls_cert, config.tls_key)
    calls = called(house) if config.calls else None
    made = app(house, calls.routes if calls else ())
    async with listening(made, config.host, config.port, encrypted) as url:
        _announce(config, house.engines, url, metrics)
        time = asyncio.gather(
            house.keep_time(),
            house.metrics.watch_loop(),
            collected(lambda: not house.speaking),
            *([house.journal.keep_tidy()] if house.journal is not None else []),
        )
        time.add_done_callback(lambda _: stop.set())  # a server that lost its time must not go on
        try:
            await stop.wait()
            finished = await house.drain(DRAIN_S)
            await _everybody_gone(house)
            if house.journal is not None:
                house.journal.close(finished)
        finally:
            time.cancel()
            await asyncio.gather(time, return_exceptions=True)
            if calls is not None:
                await calls.close()


def called(house: House) -> "Taken":
    """What takes calls; aiortc is loaded here and not before."""
    from .webrtc.taken import Taken

    return Taken(house)


async def _everybody_gone(house: House) -> None:
    """Wait until every connection has been told why it closes, a second at most."""
    for _ in range(20):
        if not house.members():
            return
        await asyncio.sleep(0.05)


def _announce(config: Config, engines: Engines, url: str, metrics: str) -> None:
    pairs = engines.translation.pairs
    if config.ready_fd is not None:
        line = json.dumps({"url": url, "metrics": metrics, "pairs": pairs})
        os.write(config.ready_fd, line.encode() + b"\n")
        os.close(config.ready_fd)
        return
    print(f"surtitle serves {url}   (metrics {metrics}/metrics)")
    if config.secret:
        print("  lets in whoever has a token (surtitle token --help)")
    if config.journal is not None:
        print(f"  keeps what is said in {config.journal}, for {config.journal_hours:g} h")
    for name, codes in engines.recognizers.by:
        print(f"  hears {', '.join(codes)} ({name})")
    for name in dict.fromkeys(name for _, _, name in pairs):
        told = [f"{source} to {target}" for source, target, engine in pairs if engine == name]
        more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
        print(f"  translates {', '.join(told[:SHOWN])}{more} ({name})")
    if not pairs:
        print("  translates nothing")
    sys.stdout.flush()
    if not config.loopback or config.tls_cert is not None:
        print("\n".join(doorplate(url, config.tls_cert)), flush=True)


def _glossary(path: Path | None) -> Glossary:
    if path is None:
        return Glossary()
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the glossary {path} cannot be read: {error}") from error


def _config(options: argparse.Namespace) -> Config:
    if options.tls and (options.tls_cert or options.tls_key):
        raise ConfigError("--tls auto makes a certificate: leave out --tls-cert and --tls-key")
    made = own(names(options.host)) if options.tls else None
    return Config(
        host=options.host,
        port=options.port,
        metrics_port=options.metrics_port,
        engine=options.engine,
        speed=options.speed,
        glossary=options.glossary,
        limits=Limits(
            options.max_rooms,
            options.max_speakers,
            options.max_readers,
            options.max_per_address,
            options.per_slot,
        ),
        journal=options.journal,
        journal_hours=options.journal_hours,
        insecure=options.insecure,
        secret=secret(options.token_secret_file),
        tls_cert=made.cert if made else options.tls_cert,
        tls_key=made.key if made else options.tls_key,
        origins=tuple(options.origin),
        translator=_served(options.translator_url, options.translator_model, KEYS[0]),
        recognizer=_served(options.recognizer_url, options.recognizer_model, KEYS[1]),
        pairs=pairs(options.pairs),
        models=tuple(options.models),
        webrtc=options.webrtc,
        ice_servers=tuple(options.ice_server),
        turn=os.environ.get(TURN, ""),
        private=not options.public,
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
        "where the model of --engine sglang, openai or auto is; several, apart by commas;"
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
    folders = (
        "a model's folder for --engine local or auto; several times for several"
        " (auto: by default what `surtitle models get` has brought)"
    )
    add("--models", type=Path, action="append", default=[], metavar="FOLDER", help=folders)
    used = "how SGLang is given its last answers (default: as its server can)"
    add("--hypotheses", choices=["plugin", "logprobs", "ngram", "none"], help=used)
    most = Limits()
    for name, limit, what in (
        ("rooms", most.rooms, "rooms open"),
        ("speakers", most.speakers, "microphones"),
        ("readers", most.readers, "connections in all"),
        ("per-address", most.address, "connections of one address"),
    ):
        said = f"{what}, at most (default %(default)s)"
        add(f"--max-{name}", type=int, default=limit, metavar="N", help=said)
    carried = (
        "questions that may be open for each that a model server takes at a time: more speakers are"
        " refused (default %(default)g: all may speak at once; 2.5 where four in ten do)"
    )
    add("--per-slot", type=float, default=most.per_slot, metavar="N", help=carried)
    kept = "keep conversations there, for a restart of the server; everybody in them is told"
    add("--journal", type=Path, metavar="DIR", help=kept)
    hours = "delete what was said longer ago (default %(default)s)"
    add("--journal-hours", type=float, default=24.0, metavar="H", help=hours)
    own_one = "make a certificate for this machine, keep it, and show the address as a QR code"
    add("--tls", choices=["auto"], help=own_one)
    add("--tls-cert", type=Path, metavar="FILE", help="certificate, and those that vouch for it")
    add("--tls-key", type=Path, metavar="FILE", help="its key")
    signed = f"what tokens are made with (default: it is in ${SECRET}, if there is one)"
    add("--token-secret-file", type=Path, metavar="FILE", help=signed)
    pages = "pages from there may join rooms too, as https://talk.example; may be repeated"
    add("--origin", action="append", default=[], metavar="URL", help=pages)
    calling = "take audio by WebRTC too (off loopback it does wherever aiortc is installed)"
    add("--webrtc", action="store_true", help=calling)
    found = f"STUN or TURN, as stun:host:port or turn:host:port (with ${TURN}); may be repeated"
    add("--ice-server", action="append", default=[], metavar="URL", help=found)
    everywhere = "participants are on the internet: call nobody in a private network"
    add("--public", action="store_true", help=everywhere)
    add("--insecure", action="store_true", help="listen off loopback without TLS and tokens")
    add("--verbose", action="store_true", help="say what happens (never what is said)")
    add("--ready-fd", type=int, help=argparse.SUPPRESS)
    add("--parent-fd", type=int, help=argparse.SUPPRESS)
    return made
