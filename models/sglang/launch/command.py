"""The command line that starts SGLang for one role on one kind of card: values in, words out."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .cards import CARDS, CPU_CACHE, LONGEST, WAITING, Role

VERSION = "0.5.23"  # whose flags these are

Algorithm = Literal["hypothesis", "ngram", "none"]
ALGORITHMS: tuple[Algorithm, ...] = ("hypothesis", "ngram", "none")
SPECULATIVE = {"hypothesis": "HYPOTHESIS", "ngram": "NGRAM"}  # as SGLang calls them

STAND_INS = Path(__file__).parents[1] / "cpu"
ADAPTER = "adapter"  # the name by which a request asks for it: "translator:adapter"


@dataclass(frozen=True, slots=True)
class Launch:
    """What is to be started."""

    role: Role
    card: str
    """A row of `cards.CARDS`."""
    model: str
    """A folder's absolute path, or a name on the Hugging Face hub."""
    python: Path
    """The interpreter of the environment that SGLang is in."""
    longest: int = LONGEST
    """Tokens of a prompt and its answer."""
    algorithm: Algorithm = "none"
    adapter: Path | None = None
    """A folder with a LoRA adapter."""
    host: str = "127.0.0.1"
    port: int = 30000
    memory: float | None = None
    """Share of the card's free memory; None: the table's."""
    secrets: Path | None = None
    """A file for what must not be seen in a list of processes: see `secrets`."""
    more: tuple[str, ...] = ()
    """Flags of SGLang's own, after ours: theirs count."""


def command(launch: Launch) -> list[str]:
    """The words to execute."""
    # -P: modules are not looked for in the current folder, which may have a `server` of its own.
    return [str(launch.python), "-P", "-m", "sglang.launch_server", *flags(launch)]


def flags(launch: Launch) -> list[str]:
    """The words after the program, which SGLang parses."""
    card = CARDS[launch.card]
    running = str(card.running)
    words = [
        *("--model-path", launch.model, "--served-model-name", launch.role),
        *("--load-format", "safetensors"),  # data; a pickle runs what it likes when it is read
        *("--host", launch.host, "--port", str(launch.port)),
        *("--context-length", str(launch.longest), "--attention-backend", card.attention),
        *("--mem-fraction-static", f"{launch.memory or getattr(card, launch.role):g}"),
        *("--max-running-requests", running),
        *("--max-queued-requests", str(card.running * WAITING)),
        *("--chunked-prefill-size", str(card.prefill)),
        # Finals go before partials. Any other policy of the queue refuses priorities, and a running
        # request is never thrown out: it is done in a moment.
        *("--schedule-policy", "fcfs", "--enable-priority-scheduling"),
        *("--default-priority-value", "0", "--disable-priority-preemption"),
        # What a model's own settings say of sampling would make captions a matter of luck.
        *("--sampling-defaults", "openai", "--grammar-backend", "none"),
        *("--stream-interval", "1", "--incremental-streaming-output"),
        *("--enable-metrics", "--enable-cache-report"),
    ]
    if launch.card == "cpu":
        words += ["--device", "cpu", "--max-total-tokens", str(CPU_CACHE)]
    else:
        # A hung kernel ends the server, and the launcher starts another.
        words += ["--cuda-graph-max-bs-decode", running, "--watchdog-timeout", "60"]
    if card.quantization and launch.role == "translator":
        words += ["--quantization", card.quantization]
    if card.kv_cache:
        words += ["--kv-cache-dtype", card.kv_cache]
    if launch.role == "recognizer":
        words += ["--mm-io-worker-num", "4", "--mm-processor-worker-num", "4"]
    words += _speculation(launch) + _adapter(launch)
    if launch.secrets:
        words += ["--config", str(launch.secrets)]
    return [*words, *launch.more]


def _speculation(launch: Launch) -> list[str]:
    if launch.algorithm == "none":
        return []
    return [
        *("--speculative-algorithm", SPECULATIVE[launch.algorithm]),
        *("--speculative-num-draft-tokens", str(CARDS[launch.card].drafted)),
        # One chain of n-grams a request: cheap to draw up, and any attention can verify it.
        *("--speculative-ngram-max-bfs-breadth", "1"),
        # Of a million tokens said lately; SGLang would take two gigabytes for ten.
        *("--speculative-ngram-capacity", "1000000"),
    ]


def _adapter(launch: Launch) -> list[str]:
    if launch.adapter is None:
        return []
    words = ["--enable-lora", "--lora-paths", f"{ADAPTER}={launch.adapter}"]
    words += ["--max-loras-per-batch", "1"]
    return [*words, "--lora-backend", "torch_native"] if launch.card == "cpu" else words


def environment(launch: Launch) -> dict[str, str]:
    """The variables it needs beside those that are set."""
    needed = {"HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONUNBUFFERED": "1"}
    if launch.model.startswith("/"):
        needed["HF_HUB_OFFLINE"] = "1"  # it is all there: no hub need be asked
    if launch.card == "cpu":
        needed |= {"SGLANG_USE_CPU_ENGINE": "1", "PYTHONPATH": str(STAND_INS)}
    return needed


def inherited(environ: Mapping[str, str], key: str) -> dict[str, str]:
    """What it may see of our variables: not what changes its Python, nor the variable `key`."""
    unfit = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONWARNINGS", "VIRTUAL_ENV", key}
    return {name: value for name, value in environ.items() if name not in unfit}


def secrets(key: str) -> str:
    """The contents of the file of secrets: YAML, which all JSON is."""
    return json.dumps({"api-key": key})


def shown(launch: Launch) -> str:
    """All of it, to be pasted into a shell."""
    variables = [f"{name}={value}" for name, value in environment(launch).items()]
    return shlex.join(["env", *variables, *command(launch)])
