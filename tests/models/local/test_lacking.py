"""What models in folders cannot do without: memory, and the libraries that run them."""

import asyncio
import sys
from pathlib import Path

import pytest

from models import registry
from models.base import EngineError
from models.local import main, memory, sherpa, streams
from models.local.ctranslate import CTranslate2
from tests.models.local.tiny import translator
from tests.models.local.tiny_sherpa import recognizer

pytestmark = pytest.mark.engine

FREE = "MemTotal: 8000000 kB\nMemAvailable: {} kB\n"


@pytest.mark.parametrize(
    ("available", "most", "taken", "cached", "left"),
    [
        ("4000", None, None, None, 4000 * 1024),
        ("4000", "max", "1000", "0", 4000 * 1024),
        ("4000", "3000000", "1000000", "500000", 2_500_000),
        ("1", "3000000", "1000000", "500000", 1024),
        (None, "1000", "5000", "0", 0),
        (None, None, None, None, None),
    ],
)
def test_what_is_left_is_the_least_of_machine_and_container(
    tmp_path: Path,
    available: str | None,
    most: str | None,
    taken: str | None,
    cached: str | None,
    left: int | None,
) -> None:
    system, box = tmp_path / "meminfo", tmp_path
    if available is not None:
        system.write_text(FREE.format(available))
    if most is not None and taken is not None:
        (box / "memory.max").write_text(f"{most}\n")
        (box / "memory.current").write_text(f"{taken}\n")
        (box / "memory.stat").write_text(f"anon 7\ninactive_file {cached}\n")
    assert memory.left(system, box) == left


async def test_a_model_larger_than_the_memory_is_not_begun_to_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "left", lambda system, box: 100)
    says = r"opus-mt-en-es takes 0.0 GB of memory to load, and 0.0 GB are free here"
    with pytest.raises(EngineError, match=says):
        await CTranslate2(folders=[translator(tmp_path / "opus-mt-en-es", {"a": "b"})]).start()
    with pytest.raises(EngineError, match=r"tones-en takes .* smaller model"):
        await streams.check(recognizer(tmp_path / "tones-en", {"▁A": 500.0}))


async def test_a_recognizer_that_the_system_kills_while_it_is_loaded_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = asyncio.create_subprocess_exec
    killed = (sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setattr(
        asyncio, "create_subprocess_exec", lambda *words, **options: start(*killed, **options)
    )
    with pytest.raises(EngineError, match="killed by the system, as what takes more memory"):
        await streams.check(recognizer(tmp_path / "tones-en", {"▁A": 500.0}))


def test_a_library_that_is_not_installed_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sherpa, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="sherpa-onnx: `pip install sherpa-onnx`"):
        registry.recognizer("sherpa", folder=tmp_path)
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    monkeypatch.delitem(sys.modules, "models.local.ctranslate")
    with pytest.raises(EngineError, match="package ctranslate2: `pip install ctranslate2`"):
        registry.translator("ctranslate2", folders=[tmp_path])
    monkeypatch.setattr(main, "find_spec", lambda name: None)
    assert main.run("check", str(tmp_path), None) == 1
    assert "is not installed: `pip install surtitle[local]`" in capsys.readouterr().err
    assert main.run("list", "", tmp_path) == 0
    said = capsys.readouterr().out
    assert "not installed: ctranslate2, sentencepiece, sherpa_onnx" in said
