"""Whatever a real server says of its memory is understood: how much it holds, and why it died."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.qwen_asr.recognizer import QwenAsr
from models.sglang.launch.cards import CARDS
from models.sglang.translator import SGLang
from tests.contract.asking import DEADLINE_S
from tests.contract.conftest import ROOT, STARTS_WITHIN_S, STOPS_WITHIN_S, WITHOUT_WEIGHTS, last

# What `models.sglang.launch.shortage` knows a death by, of what SGLang itself says.
WORDS = (
    "Not enough memory. Please try to increase",
    "leave no GPU memory for the KV cache",
    "Prefill out of memory",
    "Decode out of memory",
    "alloc_req_slots runs out of memory",
)


def test_the_words_of_its_deaths_are_those_of_the_version_that_is_installed(sglang: Path) -> None:
    (package,) = sglang.glob("lib/python3*/site-packages/sglang")
    source = "".join(
        file.read_text(errors="replace")
        for part in ("mem_cache", "model_executor")
        for file in (package / "srt" / part).rglob("*.py")
    )
    assert [words for words in WORDS if words not in source] == []


def test_each_server_says_how_many_requests_it_runs(hears: str, says: str) -> None:
    async def slots(engine: QwenAsr | SGLang) -> int | None:
        await engine.start()
        try:
            return engine.slots
        finally:
            await engine.close()

    engines = QwenAsr(urls=[hears], deadline_s=DEADLINE_S), SGLang(urls=[says])
    assert [asyncio.run(slots(engine)) for engine in engines] == [CARDS["cpu"].running] * 2


def test_a_model_that_does_not_fit_is_known_as_such(sglang: Path, tmp_path: Path) -> None:
    """On a processor, too, a share of memory can be too small for the weights."""
    log = tmp_path / "log"
    words = [sys.executable, str(ROOT / "surtitle.py"), "models", "serve", "translator"]
    words += ["--gpu", "cpu", "--environment", str(sglang), "--algorithm", "none", "--port", "0"]
    words += ["--model", str(sglang / "models" / "qwen3"), "--", *WITHOUT_WEIGHTS]
    with open(log, "wb") as out:
        launcher = subprocess.Popen(
            [*words, "--mem-fraction-static", "0.000001"], stdout=out, stderr=out
        )
    try:
        until = time.monotonic() + STARTS_WITHIN_S
        while "starting it again" not in log.read_text(errors="replace"):
            if launcher.poll() is not None or time.monotonic() > until:
                pytest.fail(f"it did not say what was wrong:\n{last(log)}")
            time.sleep(0.1)
    finally:
        launcher.terminate()
        launcher.wait(STOPS_WITHIN_S)
    assert "(the model does not fit into its share of the card); starting it again" in last(log)
