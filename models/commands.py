"""`surtitle models`: models on a GPU server (serve, install) and in folders (list, get, check)."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from models.sglang.launch import main as launch

FOLDERS = ("list", "get", "check")
TAKES = {
    "list": "no model",
    "get": "a model: a name of the list, a pair such as en-es, or owner/model",
    "check": "a folder",
}
EPILOG = f"""models in folders, for this machine's processor:
  surtitle models list                                what each tier has here
  surtitle models get zipformer-zh-en                 or en-es, or owner/model
  surtitle models check FOLDER                        what it is, how fast, how large

models on a card, with SGLang; {launch.EPILOG}"""


def main(argv: Sequence[str]) -> int:
    """Run the command; its exit code."""
    words = list(argv)
    if not words or words[0] not in FOLDERS:
        return launch.main(words) if words[:1] not in ([], ["-h"], ["--help"]) else _help(words)
    it = parser()
    options = it.parse_args(words)
    if (options.action == "list") != (not options.what):
        it.error(f"{options.action} takes {TAKES[options.action]}")
    given = [name for name in launch.OF_SERVE if getattr(options, name) != it.get_default(name)]
    if given:
        it.error(f"--{given[0]} is for serve, not for {options.action}")
    from models.local import main as local

    return local.run(options.action, options.what, options.folder)


def _help(words: Sequence[str]) -> int:
    parser().print_help()
    return 0 if words else 2


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    made = argparse.ArgumentParser(
        prog="surtitle models",
        description="Models: run them on a card, get them, try them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = made.add_argument
    add("action", choices=["serve", "install", *FOLDERS], help="what to do")
    whats = (
        "translator or recognizer to serve, sglang to install, a model to get, a folder to check"
    )
    add("what", nargs="?", default="", help=whats)
    folder = (
        "of models, for list and get (default ${XDG_DATA_HOME:-~/.local/share}/surtitle/models)"
    )
    add("--folder", type=Path, help=folder)
    launch.add_options(made)
    return made
