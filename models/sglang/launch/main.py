"""`surtitle models`: run a model with SGLang, and make the environment that SGLang runs in."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from models import parent

from . import checks
from .cards import CARDS, ROLES
from .command import ALGORITHMS, Launch, shown
from .environment import BIG, CPU, CUDA, BigDownload, InstallError, install, python_of, usual
from .keep import KEY, GaveUp, Told, TooSmall, keep

BIG_DOWNLOAD, TOO_SMALL = 3, 4  # exit codes

EPILOG = f"""examples:
  surtitle models install sglang                      once, for NVIDIA cards: gigabytes
  surtitle models serve translator                    the usual model, on the card that is here
  surtitle models serve recognizer --port 30001 --memory 0.3
  surtitle models serve translator --model ~/qwen --adapter ~/lora
  surtitle models serve translator --gpu h200 --print  the command line alone
  surtitle models serve translator -- --dtype float32  SGLang's own flags, after two dashes
  surtitle models install sglang --cpu                tiny models, to try things without a card

variables:
  {KEY}       a key that callers must show; it is given to SGLang in a file, so that no
                            list of processes shows it
  {BIG}=1    let --cpu install PyTorch for CUDA where there is no other

exit codes: 0 done or stopped, 1 it failed (a sentence says why), 2 a wrong call, {BIG_DOWNLOAD} it
would take a download of gigabytes that was not asked for, {TOO_SMALL} the model does not fit into
the memory, however few requests it is to serve at a time"""

OF_SERVE = ("gpu", "model", "adapter", "algorithm", "port", "host", "memory", "print", "verbose")


def main(argv: Sequence[str]) -> int:
    """Run the command; its exit code."""
    words = list(argv)
    at = words.index("--") if "--" in words else len(words)
    it = parser()
    options = it.parse_args(words[:at])
    options.environment = options.environment or usual()
    _fits(it, options, words[at + 1 :])
    try:
        if options.action == "install":
            install(options.environment, CPU if options.cpu else CUDA, _news)
            return 0
        launch = _launch(options, tuple(words[at + 1 :]))
        if options.print:
            print(shown(launch))
            return 0
        return asyncio.run(_serve(launch, os.environ.get(KEY, ""), options))
    except BigDownload as error:
        print(f"surtitle models: {error}", file=sys.stderr)
        return BIG_DOWNLOAD
    except (checks.CannotLaunch, InstallError, GaveUp) as error:
        print(f"surtitle models: {error}", file=sys.stderr)
        return TOO_SMALL if isinstance(error, TooSmall) else 1


def _fits(it: argparse.ArgumentParser, options: argparse.Namespace, more: list[str]) -> None:
    """End with a sentence and exit code 2 where options do not go with the action."""
    serving = options.action == "serve"
    if serving != (options.what in ROLES):
        it.error(f"one can serve {' or '.join(ROLES)}, and install sglang")
    if serving and options.cpu:
        it.error("--cpu is for install: serve has --gpu cpu")
    given = [name for name in OF_SERVE if getattr(options, name) != it.get_default(name)]
    if not serving and (given or more):
        it.error(f"{f'--{given[0]}' if given else '--'} is for serve, not for install")
    if options.memory is not None and not 0.05 <= options.memory <= 0.95:
        it.error(f"--memory {options.memory:g} is no share of a card: use 0.05 to 0.95")


def _launch(options: argparse.Namespace, more: tuple[str, ...]) -> Launch:
    """What is asked for, checked. CannotLaunch: it cannot be."""
    if options.gpu == "cpu" and options.model is None:
        raise checks.CannotLaunch("--gpu cpu is for tiny models: name a folder with --model")
    model = checks.model(options.model, options.what)
    adapter = checks.adapter(options.adapter)
    algorithm = checks.suited(options.algorithm, options.what)
    if options.print:  # for another machine, perhaps: what is on this one does not matter
        card = options.gpu or checks.card(None)
        python, port = python_of(options.environment), options.port
    else:
        card = checks.card(options.gpu)
        python = checks.environment(options.environment, card)
        checks.plugin(options.environment, algorithm)
        checks.door(options.host, os.environ.get(KEY, ""))
        port = checks.port(options.host, options.port)
    return Launch(
        role=options.what,
        card=card,
        model=model.name,
        longest=model.longest,
        python=python.absolute(),
        algorithm=algorithm,
        adapter=adapter,
        host=options.host,
        port=port,
        memory=options.memory,
        more=more,
    )


async def _serve(launch: Launch, key: str, options: argparse.Namespace) -> int:
    """Until SIGINT, SIGTERM, a terminal that closes, or the end of the parent. GaveUp passes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if options.parent_fd is not None:
        parent.watch(options.parent_fd, stop)
    _news(f"starting SGLang with {launch.model} on {CARDS[launch.card].about}")
    told = Told(_news, _log if options.verbose else _nothing, _announcer(launch, options.ready_fd))
    kept = asyncio.create_task(keep(launch, key, told))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([kept, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not kept.done():
        _news("stopping")
        kept.cancel()
    await asyncio.wait([kept])
    if not kept.cancelled():
        kept.result()
    return 0


def _announcer(launch: Launch, ready_fd: int | None) -> Callable[[str], None]:
    """Tells a program once, by the descriptor, or people each time."""

    def announce(url: str) -> None:
        nonlocal ready_fd
        if ready_fd is not None:
            os.write(ready_fd, json.dumps({"url": url, "pid": os.getpid()}).encode() + b"\n")
            os.close(ready_fd)
            ready_fd = None
            return
        print(f"surtitle serve --{launch.role}-url {url}", flush=True)

    return announce


def _news(line: str) -> None:
    print(f"surtitle models: {line}", file=sys.stderr, flush=True)


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _nothing(_: str) -> None:
    pass


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    made = argparse.ArgumentParser(
        prog="surtitle models",
        description="Run a model with SGLang, and make the environment that SGLang runs in.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("action", choices=["serve", "install"], help="what to do")
    whats = "serve a translator or recognizer, install sglang"
    made.add_argument("what", choices=[*ROLES, "sglang"], help=whats)
    add_options(made)
    return made


def add_options(made: argparse.ArgumentParser) -> None:
    """What `serve` and `install` take besides."""
    add = made.add_argument
    add(
        "--environment",
        type=Path,
        metavar="FOLDER",
        help="SGLang's own (default ${XDG_DATA_HOME:-~/.local/share}/surtitle/sglang)",
    )
    add("--cpu", action="store_true", help="install: without CUDA, for tiny models")
    rows = "; ".join(f"{name}: {card.about}" for name, card in CARDS.items())
    add("--gpu", choices=list(CARDS), help=f"the card (default: the one that is here). {rows}")
    usually = f"{checks.DEFAULT_MODEL['translator']}, or {checks.DEFAULT_MODEL['recognizer']}"
    add("--model", metavar="MODEL", help=f"a folder, or a name on the hub (default {usually})")
    add("--adapter", metavar="FOLDER", help="a LoRA adapter; requests name it translator:adapter")
    add(
        "--algorithm",
        choices=list(ALGORITHMS),
        help="how words are guessed ahead (default hypothesis; none for a recognizer)",
    )
    add("--memory", type=float, metavar="SHARE", help="of the card's free memory, as 0.5")
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add("--port", type=int, default=30000, help="0 for any free one (default %(default)s)")
    add("--print", action="store_true", help="print the command line, and start nothing")
    add("--verbose", action="store_true", help="show all of SGLang's log")
    add("--ready-fd", type=int, help=argparse.SUPPRESS)
    add("--parent-fd", type=int, help=argparse.SUPPRESS)
