"""Every command line that the launcher can make is one that SGLang takes."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from models.sglang.launch.cards import CARDS, ROLES, Role
from models.sglang.launch.command import ALGORITHMS, Algorithm, Launch, environment, flags, secrets

QWEN3_ASR, QWEN3 = "qwen3-asr", "qwen3"
Ask = Callable[[list[str]], dict[str, Any]]
SCRIPT = Path(__file__).with_name("command_lines.py")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("key") / "key.yaml"
    file.write_text(secrets("a key: with # signs"))
    return file


def launches(sglang: Path, key: Path) -> Iterator[Launch]:
    """All of them: cards, roles, algorithms, with every option and with none."""
    for card, role, algorithm, options in product(CARDS, ROLES, ALGORITHMS, (False, True)):
        yield launch(sglang, card, role, algorithm, key if options else None)


def launch(
    sglang: Path, card: str, role: Role, algorithm: Algorithm, key: Path | None = None
) -> Launch:
    return Launch(
        role=role,
        card=card,
        model=str(sglang / "models" / "shapes" / (QWEN3_ASR if role == "recognizer" else QWEN3)),
        python=sglang / "bin" / "python",
        algorithm=algorithm,
        adapter=sglang / "models" if key and algorithm != "hypothesis" else None,
        host="0.0.0.0" if key else "127.0.0.1",
        memory=0.3 if key else None,
        secrets=key,
    )


@pytest.fixture(scope="module")
def ask(sglang: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """What SGLang makes of a command line: one process answers all, since it is slow to start."""
    example = launch(sglang, "cpu", "translator", "none")
    log = tmp_path_factory.mktemp("log") / "stderr"
    with (
        open(log, "w") as errors,
        subprocess.Popen(
            [str(example.python), "-P", str(SCRIPT)],
            env=os.environ | environment(example),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        asked, answers = process.stdin, process.stdout
        assert asked and answers

        def ask(words: list[str]) -> dict[str, Any]:
            asked.write(json.dumps(words) + "\n")
            asked.flush()
            answer = answers.readline()
            assert answer, log.read_text()[-2000:]
            found: dict[str, Any] = json.loads(answer)
            return found

        yield ask
        asked.close()


def on_its_card(one: Launch) -> list[str]:
    """As on a machine that has the card: there SGLang finds it by itself."""
    return [*flags(one), *([] if one.card == "cpu" else ["--device", "cuda"])]


def test_sglang_takes_every_command_line(sglang: Path, key: Path, ask: Ask) -> None:
    wrong = {}
    for one in launches(sglang, key):
        settings = ask(on_its_card(one))
        card = CARDS[one.card]
        speculates = one.algorithm != "none"
        wanted = {
            "max_running_requests": card.running,
            "attention_backend": card.attention,
            "context_length": one.longest,
            "device": "cpu" if one.card == "cpu" else "cuda",
            "schedule_policy": "fcfs",
            "speculative_num_draft_tokens": card.drafted if speculates else None,
            "quantization": card.quantization if one.role == "translator" else None,
            "api_key": "a key: with # signs" if one.secrets else None,
        }
        if wanted.items() - settings.items():
            wrong[one.card, one.role, one.algorithm, bool(one.secrets)] = settings
    assert not wrong


def test_a_command_line_it_does_not_take_is_refused_with_a_reason(sglang: Path, ask: Ask) -> None:
    line = flags(launch(sglang, "cpu", "translator", "none"))
    assert "no-such-flag" in ask([*line, "--no-such-flag"])["refused"]
    assert "refused" in ask([*line, "--schedule-policy", "lpm"])


def test_hypotheses_and_an_adapter_go_together(sglang: Path, ask: Ask) -> None:
    """SGLang alone would refuse; our algorithm vouches for itself."""
    one = launch(sglang, "h200", "translator", "hypothesis")
    assert "refused" not in ask(on_its_card(replace(one, adapter=sglang)))
