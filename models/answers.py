"""Translate for another process: a line of JSON in, a line of JSON out, in order.

The first line out says how the translator may be asked: {"name", "forces_prefix"}. Then, for each
{"text", "prefix", "hypothesis", "final"} that comes in: {"answer"}, or {"error"}, a sentence. It
ends with its input.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from . import registry
from .base import EngineError, Request, Translator

KEY = "SURTITLE_TRANSLATOR_KEY"  # the environment variable, as of `surtitle serve`


def main(argv: Sequence[str]) -> int:
    """Answer until the input ends; the exit code."""
    options = _parser().parse_args(argv)
    pair = options.source, options.target
    more: dict[str, Any] = {}
    if options.url:
        more = {"urls": (options.url,), "model": options.model, "key": os.environ.get(KEY, "")}
    if options.translator != "scripted":
        more["pairs"] = [pair]
    try:
        translator = registry.translator(options.translator, **more)
        asyncio.run(_answers(translator, *pair))
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _answers(translator: Translator, source: str, target: str) -> None:
    try:
        await translator.start()
        if (source, target) not in translator.pairs:
            raise EngineError(f"{translator.name} does not translate {source} to {target}.")
        _tell({"name": translator.name, "forces_prefix": translator.forces_prefix})
        while line := await asyncio.to_thread(sys.stdin.readline):
            request = Request(source, target, **json.loads(line))
            try:
                pieces = [piece async for piece in translator.translate(request)]
                _tell({"answer": "".join(pieces)})
            except EngineError as error:
                _tell({"error": str(error)})
    finally:
        await translator.close()


def _tell(said: dict[str, Any]) -> None:
    print(json.dumps(said), flush=True)


def _parser() -> argparse.ArgumentParser:
    it = argparse.ArgumentParser(prog="surtitle answers", description=__doc__)
    it.add_argument("--translator", choices=list(registry.TRANSLATORS), required=True)
    it.add_argument("--url", default="", help="of its server, if it has one")
    it.add_argument("--model", default="", help="what that calls the model")
    it.add_argument("--from", dest="source", required=True)
    it.add_argument("--to", dest="target", required=True)
    return it
