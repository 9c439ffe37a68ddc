"""The whole command against a server that is known: processes, figures, files, exit codes."""

from pathlib import Path

import pytest

from clients.console import Problem
from loadtest import main, result
from tests.loadtest.fake_server import Known, known
from tests.loadtest.test_measuring import near, sound

__all__ = ["sound"]
pytestmark = pytest.mark.socket


def options(url: str, folder: Path, *words: str) -> main.Options:
    said = ["--server", url, "--audio", str(folder), "--plain", "--frame", "25", "--warm", "0.2"]
    said += ["--seconds", "1.2", "--speakers", "3", "--processes", "2", "--languages", "1"]
    return main.parser().parse_args([*said, *words], main.Options())


async def test_a_server_that_holds(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = tmp_path / "result.json", tmp_path / "result.html"
    words = ["--json", str(files[0]), "--html", str(files[1]), "--budget", "2s"]
    async with known(Known(delay_s=0.2, recognize_ms=150)) as url:
        assert await main.tested(options(url, sound, *words)) == 0
    kept = result.load(files[0])
    shown = kept.times["chunk_to_caption"]
    assert shown.p50 == near(200) and shown.count >= 3 * 48
    assert kept.tester.processes == 2 and len(kept.timeline) >= 1
    assert kept.load["reads"] == ["es"] and kept.counts["undrained"] == 0
    assert files[1].read_text().startswith("<!doctype html>")
    said = capsys.readouterr().out
    assert "3 speakers, 1 language: everybody is in" in said
    assert "chunk to caption, p95:" in said and "MET" in said


async def test_a_server_that_is_too_slow(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with known(Known(delay_s=0.4, recognize_ms=390)) as url:
        assert await main.tested(options(url, sound, "--budget", "250ms")) in (
            1,
            2,
        )  # a busy machine
    said = capsys.readouterr().out
    assert "MISSED by recognizing" in said or "CANNOT TELL" in said


async def test_what_no_tester_could_tell(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody sends within a fifth of a microsecond, so nobody may say that a server did not."""
    async with known(Known()) as url:
        assert await main.tested(options(url, sound, "--budget-server", "0.001ms")) == 2
    said = capsys.readouterr().out
    assert "server added, p99:" in said and "CANNOT TELL" in said
    assert "this tester was too slow to tell" in said


async def test_a_server_that_loses_finals(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with known(Known(never_final=(2,))) as url:
        assert await main.tested(options(url, sound)) == 1
    assert "finals lost or doubled: 3, MISSED" in capsys.readouterr().out


async def test_a_language_that_nobody_translates_to(sound: Path) -> None:
    async with known(Known()) as url:
        with pytest.raises(Problem, match="translates en only to es"):
            await main.tested(options(url, sound, "--languages", "2"))


async def test_a_server_that_lets_nobody_in(sound: Path) -> None:
    async with known(Known(break_at=1)) as url:
        asked = options(url, sound)
        asked.protocol = "vosk"
        with pytest.raises(Problem, match=r"voice 1 was not let in|no message of Vosk"):
            await main.tested(asked)


@pytest.mark.slow
async def test_a_server_of_its_own_that_is_killed_comes_back(tmp_path: Path) -> None:
    """From the child process to the page, with everything real but the engines."""
    files = tmp_path / "result.json", tmp_path / "result.html"
    words = ["--speakers", "2", "--readers", "1", "--rooms", "1", "--seconds", "12", "--warm", "1"]
    words += ["--fault", "kill@2", "--json", str(files[0]), "--html", str(files[1]), "--plain"]
    assert await main.tested(main.parser().parse_args(words, main.Options())) == 0
    kept = result.load(files[0])
    assert kept.counts["rejoined"] == 3 and kept.counts["captions"] > 20
    assert kept.times["server_added"].count > 0 and kept.said.memory_mb is not None
    assert kept.load["faults"] == ["kill@2"] and "kill" in files[1].read_text()
