"""The real SGLang, on this machine's CPU, started by our own launcher.

Nothing here is collected by `make test`: `make contract` makes the environment and says where it
is. A server takes half a minute to start, so tests share it: ask for the same one.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench import metronome
from tests.contract.asking import EXACT, TEENSY
from tests.contract.stock import Stock
from tests.contract.stock import stock as stock_server

ROOT = Path(__file__).parents[2]
STARTS_WITHIN_S = 400.0  # a busy machine, and a C++ compiler for the first n-grams
STOPS_WITHIN_S = 30.0
LAST_LINES = 40
WITHOUT_WEIGHTS = ("--load-format", "dummy")
SHARING = ("--sleep-on-idle",)  # several servers, few cores: SGLang's loop would spin

Serving = Callable[..., "Server"]
"""serving(model, algorithm, *flags): `model` is "qwen3", "qwen3-asr" or a folder."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running SGLang."""

    url: str
    log: Path
    launcher: int
    """The process that keeps it."""


STARTED = pytest.StashKey[list[Server]]()
COUNTED = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that asks for a server waits for it."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def sglang() -> Path:
    """The folder of SGLang's environment; its `models` are the tiny ones."""
    named = os.environ.get("SURTITLE_SGLANG")
    if not named:
        pytest.exit("tests/contract needs a real SGLang: run `make contract`", returncode=2)
    return Path(named)


@pytest.fixture(scope="session")
def serving(
    sglang: Path, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Serving]:
    """Starts a server, or gives the one that was started with the same words; all are stopped."""
    started: dict[tuple[str, ...], tuple[Server, subprocess.Popen[bytes]]] = {}
    logs = tmp_path_factory.mktemp("sglang")

    def serve(model: str, algorithm: str = "hypothesis", *flags: str) -> Server:
        words = (model, algorithm, *flags)
        if words not in started:
            started[words] = start(sglang, model, algorithm, flags, logs / f"{len(started)}.log")
            pytestconfig.stash.setdefault(STARTED, []).append(started[words][0])
        return started[words][0]

    yield serve
    for _, launcher in started.values():
        launcher.send_signal(signal.SIGTERM)
    for _, launcher in started.values():
        launcher.wait(STOPS_WITHIN_S)


@pytest.fixture(scope="session")
def hears(serving: Serving, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a recognizer that says a word for every beat of sound."""
    folder = tmp_path_factory.mktemp("models") / "metronome-asr"
    metronome.main(folder)
    return serving(str(folder), "none", *EXACT).url


@pytest.fixture(scope="session")
def says(serving: Serving) -> str:
    """Of the teensy Qwen, which is given its last answers to verify."""
    return serving(str(TEENSY), "hypothesis", *EXACT).url


@pytest.fixture(scope="session")
def stock(sglang: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    """A server that is not ours."""
    with stock_server(sglang, tmp_path_factory.mktemp("stock") / "log") as started:
        yield started


@pytest.fixture(scope="session")
def count(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Prints a line of figures at the end of the run."""
    return pytestconfig.stash.setdefault(COUNTED, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """What was counted, where it is seen without asking for it."""
    if lines := config.stash.get(COUNTED, []):
        terminalreporter.section("counted")
        for counted in lines:
            terminalreporter.line(counted)


def start(
    sglang: Path, model: str, algorithm: str, flags: tuple[str, ...], log: Path
) -> tuple[Server, subprocess.Popen[bytes]]:
    """Run the launcher until it says that its server is ready."""
    role = "recognizer" if "asr" in model else "translator"
    folder = sglang / "models" / model if "/" not in model else Path(model)
    dummy = () if list(folder.glob("*.safetensors")) else WITHOUT_WEIGHTS
    told, ready = os.pipe()
    parent, _ = os.pipe()  # the other end closes when this process ends, and the launcher sees it
    words = [
        *(sys.executable, str(ROOT / "surtitle.py"), "models", "serve", role, "--gpu", "cpu"),
        *("--model", str(folder), "--algorithm", algorithm, "--environment", str(sglang)),
        *("--port", "0", "--ready-fd", str(ready), "--parent-fd", str(parent), "--verbose"),
        *("--", *SHARING, *dummy, *flags),
    ]
    with open(log, "wb") as out:
        launcher = subprocess.Popen(
            words, stdout=out, stderr=out, pass_fds=(ready, parent), process_group=0
        )
    for end in (ready, parent):
        os.close(end)
    said = line(told, launcher)
    os.close(told)
    if not said:
        launcher.terminate()
        launcher.wait(STOPS_WITHIN_S)
        pytest.fail(f"SGLang did not start with {words[4:]}:\n{last(log)}", pytrace=False)
    return Server(json.loads(said)["url"], log, launcher.pid), launcher


def line(told: int, launcher: subprocess.Popen[bytes]) -> bytes:
    """What the launcher says when its server is ready; b'' if it ends without, or is late."""
    until = time.monotonic() + STARTS_WITHIN_S
    while (left := until - time.monotonic()) > 0:
        if select.select([told], [], [], min(left, 1.0))[0]:
            return os.read(told, 4096)
        if launcher.poll() is not None:
            return b""
    return b""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a test that fails comes what the servers said last."""
    report = yield
    if report.failed:
        for server in item.config.stash.get(STARTED, []):
            report.sections.append((f"SGLang at {server.url}", last(server.log)))
    return report


def last(log: Path) -> str:
    """The end of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
