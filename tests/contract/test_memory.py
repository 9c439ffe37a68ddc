"""Whatever a real server says of its memory is understood: how much it holds, and why it died."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

from models.qwen_asr.recognizer import QwenAsr
from models.sglang.launch.cards import CARDS
from models.sglang.translator import SGLang
from tests.contract.asking import DEADLINE_S
from tests.contract.conftest import ROOT, STARTS_WITHIN_S, STOPS_WITHIN_S, WITHOUT_WEIGHTS

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


def test_a_model_that_does_not_fit_is_known_as_such(sglang: Path) -> None:
    """On a processor, too, a share of memory can be too small for the weights."""
    words = [sys.executable, str(ROOT / "surtitle.py"), "models", "serve", "translator"]
    words += ["--gpu", "cpu", "--environment", str(sglang), "--algorithm", "none", "--port", "0"]
    words += ["--model", str(sglang / "models" / "qwen3"), "--", *WITHOUT_WEIGHTS]
    launcher = subprocess.Popen(
        [*words, "--mem-fraction-static", "0.000001"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    late = threading.Timer(STARTS_WITHIN_S, launcher.kill)
    late.start()
    try:
        assert launcher.stdout is not None
        said: list[str] = []
        for line in launcher.stdout:
            said.append(line)
            if "starting it again" in line:
                break
    finally:
        late.cancel()
        launcher.terminate()
        launcher.communicate(timeout=STOPS_WITHIN_S)
    why = "(the model does not fit into its share of the card); starting it again"
    assert why in said[-1], f"it did not say what was wrong:\n{''.join(said[-30:])}"
