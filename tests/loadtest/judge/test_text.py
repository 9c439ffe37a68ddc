"""Policies on a text that is said: from the file to the verdict."""

import json
from pathlib import Path

import pytest

from clients.console import Problem
from loadtest.judge import main, text
from loadtest.judge.text import Texts

SAID = "We met them at the station on Monday. It was late, and nobody had slept.\n"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.txt"
    path.write_text(SAID * 3 + "\n" + "word " * 100 + "\n")
    return path


def test_lines_are_said_as_they_are_written_and_long_ones_left_out(talk: Path) -> None:
    found = text.read(talk, "en", 10)
    assert [one.heard[-1].text for one in found] == [SAID.strip()] * 3
    assert len({one.name for one in found}) == 3
    assert text.read(talk, "en", 10) == found
    assert text.read(talk.parent, "en", 2) == found[:2]


@pytest.mark.parametrize("content", ["", "\n\n", "word " * 100])
def test_a_text_without_a_line_is_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "empty.txt").write_text(content)
    with pytest.raises(Problem, match="has no line of 1 to 40 words"):
        text.read(tmp_path, "en", 10)


def test_what_is_no_text_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be read as text"):
        text.read(tmp_path / "none.txt", "en", 10)


async def test_without_a_translation_nothing_is_started(talk: Path) -> None:
    found = await text.judged(Texts(talk, "en", None, 2))
    assert found["translations"] == {} and found["lines"] == 2
    policies = found["transcripts"]["en"]
    assert set(policies) == {"live", "steady", "re-send all", "agreement", "final"}
    assert policies["live"]["erasure"] < policies["re-send all"]["erasure"]
    assert policies["final"]["erasure"] == 0 and policies["re-send all"]["later_words"] == 0


@pytest.mark.parametrize(
    ("erasure", "later", "verdict"),
    [(0.2, 2.0, "MET"), (0.21, 1.0, "MISSED"), (0.1, 2.1, "MISSED")],
)
def test_the_bar_is_what_is_taken_back_and_what_that_costs(
    erasure: float, later: float, verdict: str
) -> None:
    names = ("by_finals", "first_words", "settled_words", "updates")
    row = {"erasure": erasure, "later_words": later, **dict.fromkeys(names, 1.0)}
    kept = {"text": "x", "lines": 1, "transcripts": {}, "translations": {"a to b": {"live": row}}}
    assert text.table(kept).endswith(verdict)


@pytest.mark.socket
async def test_a_translator_in_a_process_of_its_own(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "judged.json"
    words = ["--text", str(talk), "--to", "es", "--lines", "1", "--translator", "scripted"]
    options = main.parser().parse_args([*words, "--json", str(kept)], main.Options())
    assert await main.judge_text(options) == 0
    said = capsys.readouterr().out
    assert "en to es, scripted: live takes back" in said
    found = json.loads(kept.read_text())
    assert found["asked"] > 5 and found["failed"] == 0
    assert found["text"] == "talk.txt"  # and not where it is


@pytest.mark.socket
async def test_a_translator_that_cannot_is_a_sentence(talk: Path) -> None:
    with pytest.raises(Problem, match="scripted does not translate en to th"):
        await text.judged(Texts(talk, "en", "th", 1, "scripted"))


async def test_a_translator_on_a_server_needs_its_address(talk: Path) -> None:
    words = ["--text", str(talk), "--to", "zh", "--translator", "sglang"]
    with pytest.raises(Problem, match="name --translator-url"):
        await main.judge_text(main.parser().parse_args(words, main.Options()))
