"""A model server is kept: told of when it is ready, started again, and never left behind."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from models.sglang.launch.command import VERSION, Launch
from models.sglang.launch.keep import GaveUp, Told, TooSmall, keep
from models.sglang.launch.main import TOO_SMALL
from models.sglang.launch.process import running

pytestmark = pytest.mark.socket

FAKE = Path(__file__).with_name("fake_sglang.py")
ROOT = Path(__file__).parents[3]
KEY = "a-secret"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like SGLang's environment and has the fake in place of its Python."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nshift 3\nexec "{sys.executable}" -I -S "{FAKE}" "$@"\n')
    python.chmod(0o755)
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in (f"sglang-{VERSION}", "surtitle_hypothesis-0.1.0"):
        (packages / f"{name}.dist-info").mkdir(parents=True)
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"architectures": ["Qwen3ForCausalLM"]}')
    (model / "tokenizer.json").write_text("{}")
    monkeypatch.setenv("FAKE_SGLANG_HOME", str(tmp_path))
    return tmp_path


def launch(environment: Path, **other: Any) -> Launch:
    from models.sglang.launch.checks import port

    free = port("127.0.0.1", 0)
    python = environment / "bin" / "python"
    plain = Launch("translator", "cpu", "/a/model", python, port=free)
    return replace(plain, **other)


class Ear:
    """Hears all that is told."""

    def __init__(self) -> None:
        self.news: list[str] = []
        self.log: list[str] = []
        self.ready: asyncio.Queue[str] = asyncio.Queue()

    def told(self) -> Told:
        return Told(self.news.append, self.log.append, self.ready.put_nowait)


@asynccontextmanager
async def kept(launch: Launch, ear: Ear, key: str = "", grace_s: float = 10) -> AsyncIterator[None]:
    task = asyncio.create_task(keep(launch, key, ear.told(), grace_s=grace_s))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@contextmanager
def ends(environment: Path, name: str, within_s: float = 20) -> Iterator[int]:
    """The process whose number is in a file has ended soon after the block has."""
    number = int((environment / name).read_text())
    watched = os.pidfd_open(number)
    try:
        yield number
        assert select.select([watched], [], [], within_s)[0], f"{name} is still there"
    finally:
        os.close(watched)


async def test_it_is_told_of_when_it_has_answered_its_first_questions(environment: Path) -> None:
    ear = Ear()
    one = launch(environment)
    async with kept(one, ear):
        url = await ear.ready.get()
    assert url == f"http://127.0.0.1:{one.port}"
    assert ear.news[0] == "loading weights"
    assert ear.news[-1].startswith("ready in ")
    asked = [json.loads(line) for line in (environment / "asked").read_text().splitlines()]
    drafts = [body["sampling_params"].get("custom_params") for _, body, _ in asked]
    assert drafts == [None, {"draft_token_ids": [1, 2, 3]}, {"draft_token_ids": [1, 2, 3]}]


async def test_a_recognizer_is_given_something_to_hear(environment: Path) -> None:
    ear = Ear()
    async with kept(launch(environment, role="recognizer"), ear):
        await ear.ready.get()
    path, body, _ = json.loads((environment / "asked").read_text().splitlines()[0])
    assert path == "/v1/chat/completions"
    assert body["messages"][0]["content"][0]["type"] == "input_audio"


async def test_it_stops_with_everything_below_it(environment: Path) -> None:
    ear = Ear()
    async with kept(launch(environment), ear):
        await ear.ready.get()
        below = ends(environment, "below")
        below.__enter__()
    below.__exit__(None, None, None)


async def test_what_does_not_want_to_stop_is_stopped(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_SGLANG", "deaf")
    ear = Ear()
    async with kept(launch(environment), ear, grace_s=0.1):
        await ear.ready.get()
        itself = ends(environment, "pid")
        itself.__enter__()
    itself.__exit__(None, None, None)


async def test_it_is_started_again_when_it_dies(environment: Path) -> None:
    ear = Ear()
    async with kept(launch(environment), ear):
        await ear.ready.get()
        os.kill(int((environment / "pid").read_text()), signal.SIGKILL)
        await ear.ready.get()
    assert "SGLang was killed by signal 9; starting it again in 1 s" in ear.news


async def test_a_death_says_why(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_SGLANG", "once")
    ear = Ear()
    async with kept(launch(environment), ear):
        await ear.ready.get()
    assert any("ValueError: this model is odd; starting it again" in line for line in ear.news)


async def test_on_a_full_card_it_is_started_with_less_until_it_fits_and_never_with_more_again(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_SGLANG", "full")
    monkeypatch.setenv("FAKE_SGLANG_HOLDS", "20")
    monkeypatch.setattr("models.sglang.launch.restarts.FIRST_S", 0.0)
    ear = Ear()
    one = launch(environment, more=("--max-running-requests", "64"))  # what one says oneself, too
    async with kept(one, ear):
        await ear.ready.get()
        os.kill(int((environment / "pid").read_text()), signal.SIGKILL)
        await ear.ready.get()
    assert [given(words) for words in starts(environment)] == [
        ("64", "0.5"),
        ("32", "0.45"),
        ("16", "0.405"),
        ("16", "0.405"),  # that death had another reason, but what was learned stays
    ]
    (told,) = [line for line in ear.news if "instead of" in line and "32 requests" in line]
    assert "CUDA out of memory" in told and "(the card is full); starting it again" in told
    assert "32 requests at a time and 0.45 of the memory instead of 64 requests" in told


def starts(environment: Path) -> list[list[str]]:
    return [json.loads(line) for line in (environment / "starts").read_text().splitlines()]


def given(words: list[str]) -> tuple[str, str]:
    """The requests at a time and the share of memory that count: of each flag the last."""
    last = dict(pairwise(words))
    return last["--max-running-requests"], last["--mem-fraction-static"]


@pytest.mark.parametrize(
    ("behaves", "many", "named"),
    [
        ("full", 4, "the card is full, with 4 requests at a time"),  # 8, 4 with less and less, ...
        ("huge", 3, "does not fit into its share of the card"),
    ],
)
async def test_what_does_not_fit_with_the_least_is_given_up_in_a_sentence(
    behaves: str, many: int, named: str, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_SGLANG", behaves)
    monkeypatch.setattr("models.sglang.launch.means.LEAST_SHARE", 0.45)
    monkeypatch.setattr("models.sglang.launch.restarts.FIRST_S", 0.0)
    with pytest.raises(TooSmall, match=named):
        await keep(launch(environment), "", Ear().told())
    assert len(starts(environment)) == many


async def test_what_cannot_start_is_given_up_with_its_last_words(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_SGLANG", "dies")
    monkeypatch.setattr("models.sglang.launch.restarts.FIRST_S", 0.0)
    with pytest.raises(
        GaveUp, match=r"before it was ready, 3 times in a row(.|\n)*this model is odd"
    ):
        await keep(launch(environment), "", Ear().told())


async def test_a_server_that_answers_nonsense_is_not_called_ready(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_SGLANG", "wrong")
    monkeypatch.setattr("models.sglang.launch.restarts.FIRST_S", 0.0)
    ear = Ear()
    with pytest.raises(GaveUp, match="its first answer was an error 500"):
        await keep(launch(environment), "", ear.told())
    assert ear.ready.empty()


async def test_the_key_reaches_the_server_and_no_list_of_processes(environment: Path) -> None:
    ear = Ear()
    async with kept(launch(environment), ear, KEY):
        await ear.ready.get()
        itself = Path("/proc", (environment / "pid").read_text())
        assert KEY.encode() not in (itself / "cmdline").read_bytes()
        assert KEY.encode() not in (itself / "environ").read_bytes()
    assert json.loads((environment / "secrets").read_text()) == {"api-key": KEY}
    sent = [json.loads(line)[2] for line in (environment / "asked").read_text().splitlines()]
    assert set(sent) == {f"Bearer {KEY}"}


async def test_a_server_that_says_nothing_and_is_never_ready_is_stopped() -> None:
    import aiohttp

    async with (
        aiohttp.ClientSession() as session,
        running(["cat", "/dev/zero"], {}, lambda line: None, silent_s=0.0, grace_s=0.1) as child,
    ):
        assert not await child.ready("http://127.0.0.1:9/ready", session)
        assert child.hung


def started(environment: Path, *words: str) -> tuple[subprocess.Popen[str], str]:
    """The command itself, and what it says once its server is ready."""
    told, ready = os.pipe()
    serve = [sys.executable, str(ROOT / "surtitle.py"), "models", "serve", "translator"]
    serve += ["--gpu", "cpu", "--environment", str(environment), "--port", "0"]
    serve += ["--model", str(environment / "model"), "--ready-fd", str(ready), *words]
    command = subprocess.Popen(serve, pass_fds=[ready], stderr=subprocess.PIPE, text=True)
    os.close(ready)
    with os.fdopen(told) as said:
        return command, said.readline()


def test_the_command_stops_its_server_on_ctrl_c(environment: Path) -> None:
    command, said = started(environment)
    assert json.loads(said)["url"].startswith("http://127.0.0.1:")
    with ends(environment, "pid"), ends(environment, "below"):
        command.send_signal(signal.SIGINT)
        _, errors = command.communicate(timeout=30)
    assert command.returncode == 0
    assert errors.splitlines()[-1] == "surtitle models: stopping"
    assert "Traceback" not in errors


def test_a_server_does_not_outlive_a_launcher_that_is_killed(environment: Path) -> None:
    command, _ = started(environment)
    below = int((environment / "below").read_text())
    with ends(environment, "pid"):
        command.kill()
        command.communicate(timeout=30)
    os.kill(below, signal.SIGKILL)  # the fake's own child does not watch; SGLang's do


def test_a_model_that_does_not_fit_has_an_exit_code_of_its_own(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_SGLANG", "huge")
    command, said = started(environment)
    _, errors = command.communicate(timeout=30)
    assert (command.returncode, said) == (TOO_SMALL, "")
    assert "Take a smaller model" in errors and "Traceback" in errors.splitlines()[-2]


def test_a_port_that_is_taken_is_a_sentence(environment: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as door:
        command, said = started(environment, "--port", str(door.getsockname()[1]))
        _, errors = command.communicate(timeout=30)
    assert (command.returncode, said) == (1, "")
    assert errors.count("\n") == 1
    assert "is not to be had" in errors
