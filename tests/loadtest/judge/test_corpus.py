"""Recordings whose words are known, and what is said of a folder that is none."""

from pathlib import Path

import pytest

from clients.console import Problem
from loadtest.judge.corpus import Said, read
from loadtest.script import CONVERSATION

TABLE = "start\tend\ten\tes\n0.5\t2\tGood morning.\tBuenos días.\n2\t4.25\tWe begin.\tEmpezamos.\n"


def corpus(folder: Path, table: str = TABLE) -> Path:
    (folder / "talk.flac").write_bytes(b"")
    (folder / "talk.tsv").write_text(table, encoding="utf-8")
    return folder


def test_a_recording_has_its_words_beside_it(tmp_path: Path) -> None:
    (talk,) = read(corpus(tmp_path))
    assert (talk.name, talk.language, talk.targets) == ("talk", "en", ["es"])
    assert talk.said[1] == Said(2000, 4250, {"en": "We begin.", "es": "Empezamos."})
    assert talk.text("es") == "Buenos días. Empezamos."


def test_a_language_that_is_not_there_throughout_is_not_judged(tmp_path: Path) -> None:
    (talk,) = read(corpus(tmp_path, TABLE.replace("\tEmpezamos.", "\t")))
    assert talk.targets == []


def test_the_demo_is_a_corpus_too() -> None:
    found = read(CONVERSATION)
    assert len(found) >= 2 and all(one.audio.is_file() and one.targets == ["es"] for one in found)


@pytest.mark.parametrize(
    "table, says",
    [
        ("", "is start, end and codes of languages"),
        ("start\tend\n", "is start, end and codes of languages"),
        ("start\tend\tenglish\n", "english"),
        ("start\tend\ten\n", "names no sentence"),
        ("start\tend\ten\nsoon\t2\thi\n", "does not begin with two times"),
        ("start\tend\ten\n2\t1\thi\n", "has no time or no words"),
        ("start\tend\ten\n1\t2\t\n", "has no time or no words"),
    ],
)
def test_a_table_that_is_none_says_where(tmp_path: Path, table: str, says: str) -> None:
    with pytest.raises(Problem, match=says):
        read(corpus(tmp_path, table))


def test_a_folder_without_recordings_is_said(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="has no recordings"):
        read(tmp_path)
    with pytest.raises(Problem, match="is no folder"):
        read(tmp_path / "nowhere")
    (tmp_path / "talk.wav").write_bytes(b"")
    with pytest.raises(Problem, match=r"talk.wav needs talk\.tsv"):
        read(tmp_path)
