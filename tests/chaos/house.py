"""`surtitle serve` with models that can be killed: its recognizer's processes are our own, and its
translator is at the address that comes first."""

import asyncio
import logging
import sys

import uvloop

from models.base import EngineError
from models.detectors.energy import Energy
from models.embedded.pocketsphinx import PocketSphinx
from models.openai.translator import OpenAI
from models.registry import Engines
from server.main import _config, parser, serve

VOICES = 4  # speakers of one process: a kill hits some rooms, and not the others


def main() -> None:
    """Serve as told."""
    translator, *words = sys.argv[1:]
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    built = Engines(
        Energy(),
        (
            PocketSphinx(
                hop_ms=480,
                voices=VOICES,
                most_speakers=100,
                command=[sys.executable, "-m", "tests.chaos.worker"],
            ),
        ),
        (OpenAI(urls=[translator], pairs=[("en", "es")]),),
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(_config(parser().parse_args(words)), built))
    except EngineError as error:  # one was killed while it started: whoever watches starts again
        sys.exit(f"surtitle serve: {error}")


if __name__ == "__main__":
    main()
