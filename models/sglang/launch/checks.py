"""What can be said to be wrong before minutes are spent on starting SGLang."""

import json
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streaming.clean import clean

from .cards import CARDS, LONGEST, Role, guess
from .command import VERSION, Algorithm
from .environment import installed_version, python_of, usual

DEFAULT_MODEL = {
    "translator": "Qwen/Qwen3-4B-Instruct-2507",
    "recognizer": "Qwen/Qwen3-ASR-0.6B",
}
ON_A_HUB = re.compile(r"[\w.-]+/[\w.-]+")
PLUGIN = "surtitle_hypothesis"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class CannotLaunch(Exception):
    """It cannot be started like this; a sentence says why and what to do."""


def environment(folder: Path, card: str) -> Path:
    """The Python of SGLang's environment."""
    make = f"surtitle models install sglang{' --cpu' if card == 'cpu' else ''}"
    python = python_of(folder)
    if not python.exists():
        make += "" if folder == usual() else f" --environment {shlex.quote(str(folder))}"
        raise CannotLaunch(f"there is no SGLang environment in {folder}: `{make}` makes one")
    version = installed_version(folder, "sglang")
    if version is None:
        raise CannotLaunch(f"{folder} is an environment without SGLang: `{make}` makes one with it")
    if version != VERSION:
        raise CannotLaunch(f"{folder} has SGLang {version}, and this starts {VERSION}: `{make}`")
    return python


def plugin(folder: Path, algorithm: Algorithm) -> None:
    """Whether what verifies hypotheses is installed there, if it is to be used."""
    if algorithm == "hypothesis" and installed_version(folder, PLUGIN) is None:
        raise CannotLaunch(
            f"{folder} has SGLang without our plugin: `surtitle models install sglang` adds it,"
            " and --algorithm ngram does without"
        )


@dataclass(frozen=True, slots=True)
class Model:
    """What is to be served."""

    name: str
    """A folder's absolute path, or a name on a hub."""
    longest: int = LONGEST
    """Tokens of a prompt and its answer: SGLang refuses more than the model was made for."""


def model(named: str | None, role: Role) -> Model:
    """The model, or the role's usual one if none is named."""
    if named is None:
        return Model(DEFAULT_MODEL[role])
    folder = Path(named).expanduser()
    if not folder.exists() and ON_A_HUB.fullmatch(named) and not folder.parent.exists():
        return Model(named)
    if not folder.is_dir():
        raise CannotLaunch(f"there is no folder {named} with a model in it")
    config = _json(folder / "config.json", f"{named} is no model")
    suits(config, named, role)
    weights(folder, named)
    if not (folder / "tokenizer.json").exists() and not (folder / "vocab.json").exists():
        raise CannotLaunch(f"{named} has no tokenizer: tokenizer.json is missing")
    return Model(str(folder.resolve()), min([LONGEST, *lengths(config)]))


def weights(folder: Path, named: str) -> None:
    """Whether what is loaded is data: a pickle is a program, which runs when it is read."""
    files = sorted(path.name for path in folder.iterdir())
    pickles = [name for name in files if name.endswith(PICKLES)]
    if pickles and not any(name.endswith(".safetensors") for name in files):
        raise CannotLaunch(
            f"{named} has its weights in {pickles[0]}, which may run anything when it is read:"
            " convert them to safetensors"
        )


def lengths(config: dict[str, Any]) -> Iterator[int]:
    """How long a text a model takes, by its config.json and the parts of that."""
    for name, value in config.items():
        if name == "max_position_embeddings" and isinstance(value, int) and value > 0:
            yield value
        elif name in ("text_config", "thinker_config") and isinstance(value, dict):
            yield from lengths(value)


def suits(config: dict[str, Any], named: str, role: Role) -> None:
    """Whether a model's config.json is one for the role."""
    hears = "audio_config" in config or any(
        isinstance(part, dict) and "audio_config" in part for part in config.values()
    )
    kinds = config.get("architectures")
    kind = clean(str(kinds[0]), 80) if kinds and isinstance(kinds, list) else "a model of no kind"
    if role == "recognizer" and not hears:
        raise CannotLaunch(f"{named} cannot hear: {kind} takes no sound, as Qwen3-ASR does")
    if role == "translator" and hears:
        raise CannotLaunch(f"{named} is for hearing ({kind}): a translator is a model of text")


def adapter(named: str | None) -> Path | None:
    """The folder of a LoRA adapter."""
    if named is None:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise CannotLaunch(f"there is no folder {named} with an adapter in it")
    _json(folder / "adapter_config.json", f"{named} is no LoRA adapter")
    weights(folder, named)
    return folder.resolve()


def suited(named: Algorithm | None, role: Role) -> Algorithm:
    """How words are guessed ahead: as named, or as suits the role."""
    return named or ("none" if role == "recognizer" else "hypothesis")


def _json(path: Path, lacking: str) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise CannotLaunch(f"{lacking}: it has no {path.name}") from None
    except (ValueError, RecursionError) as error:
        raise CannotLaunch(f"{lacking}: its {path.name} is no JSON: {error}") from None
    if not isinstance(read, dict):
        raise CannotLaunch(f"{lacking}: its {path.name} holds no object")
    return read


def card(named: str | None) -> str:
    """The row of the table: the one named, or the one for the card that is here."""
    if named == "cpu":
        return named
    here = cards_here()
    if not here:
        raise CannotLaunch(
            "there is no NVIDIA card here, as far as nvidia-smi can tell:"
            " --gpu cpu serves tiny models without one"
        )
    if named is not None:
        return named
    row = guess(here[0])
    if row is None:
        rows = ", ".join(f"{name} ({row.about})" for name, row in CARDS.items())
        raise CannotLaunch(f"the card is an {here[0]}: say with --gpu what it is like: {rows}")
    return row


def cards_here() -> list[str]:
    """The names of this machine's NVIDIA cards."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    ask = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def port(host: str, wanted: int) -> int:
    """The port, or any free one for 0."""
    if not 0 <= wanted < 65_536:
        raise CannotLaunch(f"{wanted} is no port: use 1 to 65535, or 0 for any free one")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, wanted, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(address)
            return int(door.getsockname()[1])
    except OSError as error:
        why = error.strerror or str(error)
        raise CannotLaunch(
            f"port {wanted} of {host} is not to be had ({why}): name another with --port"
        ) from None


def door(host: str, key: str) -> None:
    """Whether strangers would be let in."""
    if host not in LOOPBACK and not key:
        raise CannotLaunch(
            f"--host {host} would let everybody in: set SURTITLE_SGLANG_KEY to a key of your own"
        )
