"""The small machines of a reader's screen: panels, answers, files, figures, memory."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from clients.console import Problem
from clients.latency import CaptionAge, Stages
from clients.lines import Lines
from clients.microphone import Level
from clients.plain import columns, wrap
from clients.tui import keys, level, panels, remembered, saving
from clients.tui.answers import offered, one, several
from clients.tui.remembered import Remembered
from clients.tui.status import Notice, notice_row
from streaming.messages import Participant
from tests.clients.fakes import ROSTER, WELCOME, caption


def test_widths_are_those_the_screen_counts_with() -> None:
    for text in ["👩‍💻", "❤️", "👍🏽", "e\u0301", "क्षि", "한국어", "مرحبا", "🇪🇸", "สวัสดี", "1️⃣", "각"]:
        assert columns(text) == cell_len(text), text


def test_no_row_begins_inside_a_character() -> None:
    for width in range(2, 8):
        assert "".join(wrap("👩‍💻👩‍💻👩‍💻", width)) == "👩‍💻" * 3
        assert all(row.startswith("👩") for row in wrap("👩‍💻👩‍💻👩‍💻", width))


def test_languages_by_code_and_by_name() -> None:
    assert several("Spanish, en; french zh-Hant") == (["es", "en", "fr", "zh-Hant"], [])
    assert several("klingon es") == (["es"], ["klingon"])
    assert several("") == ([], [])
    assert several("x" * 1_000_000)[0] == []
    assert one("portug") == "pt" and one("s") is None


def test_what_may_be_read_is_what_is_spoken_and_what_it_is_translated_into() -> None:
    pairs = [("en", "es", "fake"), ("en", "fr", "fake"), ("de", "pt", "fake")]
    assert offered(pairs, ["en"], ["ja"]) == [
        ("en", "spoken here"),
        ("fr", "translated from English"),
        ("ja", "no translation into it here"),
        ("es", "translated from English"),
    ]


def test_the_level_is_a_bar() -> None:
    assert level.bar(Level(rms=-96.0), 4) == "····"
    assert level.bar(Level(rms=-30.0), 4) == "██··"
    assert level.bar(Level(rms=6.0), 4) == "████"
    assert level.said(Level(rms=-30.0, clipping=True), False).endswith("too loud")
    assert level.said(Level(), True).startswith("MUTED")
    assert level.said(None, False) == ""


@given(st.text(max_size=80), st.integers(1, 90))
def test_the_notice_fits(text: str, width: int) -> None:
    shown = notice_row(Notice(trouble=panels.cut(text, 60), level=Level()), width)
    assert columns(shown) <= max(width, 20)


def test_who_speaks_in_words() -> None:
    ana = Participant("a", "Ana", ["en"], [], speaking=True)
    ben = Participant("b", "Ben", ["en"], [], speaking=True)
    assert panels.speaking([]) == "" and panels.speaking([ana]) == "Ana speaks"
    assert panels.speaking([ana, ben]) == "Ana and Ben speak"
    assert panels.people([], "a") == "Nobody is here yet."


def test_a_figure_beside_its_budget() -> None:
    stages = Stages()
    assert panels.promised("caption age", stages.meters["draw"]) == []
    stages.add("draw", 400)
    assert panels.promised("caption age", stages.meters["draw"])[0].endswith("of 300: MISSED")


def test_the_caption_age_counts_from_the_beginning_of_speech_to_its_final() -> None:
    lines, age = Lines(), CaptionAge(lambda position: position / 16_000)
    lines.push(WELCOME)

    def say(text: str, heard: int, drawn: float, final: bool = False) -> None:
        change = lines.push(caption(text, start=16_000, end=heard, final=final))
        assert change is not None
        age.push(change, drawn)

    assert age.sample(1.0) is None
    say("one", 20_000, 1.5)
    assert list(age.meter.values) == [50.0 * step for step in range(1, 11)]
    assert age.sample(1.75) == pytest.approx(500)
    say("one", 24_000, 1.8)  # nothing new to see: the words are as old as they were
    assert age.sample(1.8) == pytest.approx(550)
    say("one two", 24_000, 1.9)
    assert age.sample(1.9) == pytest.approx(400)
    say("One two.", 24_000, 2.0, final=True)
    assert age.sample(9.0) is None


def test_no_key_has_two_meanings_and_all_are_explained() -> None:
    found = [name for key in keys.ordered() for name in key.keys.split(",")]
    assert len(found) == len(set(found))
    assert all(key.help and len(key.help) < 64 for key in keys.ordered())
    assert keys.ordered()[0].shown == "?"


def test_what_is_remembered_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "join.toml"
    kept = Remembered('Ana "la\\ ñ', ("en",), ("es", "zh-Hant"), "mic:Yeti", "light", 3)
    assert remembered.save(kept, file) and remembered.load(file) == kept
    assert [path.name for path in file.parent.iterdir()] == ["join.toml"]


@pytest.mark.parametrize(
    "broken", ["", "name =", "name = 3\nreads = ['xx', 4, 'es']\ndensity = 9", "\x00", "[join]"]
)
def test_a_broken_memory_is_none(tmp_path: Path, broken: str) -> None:
    file = tmp_path / "join.toml"
    file.write_text(broken)
    found = remembered.load(file)
    assert found.name == "" and found.density == 2 and set(found.reads) <= {"es"}


def test_what_cannot_be_kept_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not remembered.save(Remembered("Ana"), tmp_path / "file" / "join.toml")


def test_a_megabyte_is_no_name() -> None:
    assert remembered.tidy("A\x1b[31m\n" + "x" * 1_000_000) == "A [31m " + "x" * 57
    assert remembered.tidy("\x00\x1b\u202e") == ""


def spoken() -> Lines:
    lines = Lines()
    for message in (
        WELCOME,
        ROSTER,
        caption("good morning", final=True),
        caption("buenos días", language="es", final=True),
        caption("solo esto", language="es", speaker="r", segment=4, at=900, final=True),
        caption("half", segment=5),
    ):
        lines.push(message)
    return lines


def test_every_form_has_what_was_read() -> None:
    lines = spoken()
    text = saving.text(lines, "txt")
    assert "Alan" in text and "good morning" in text and "buenos días" in text
    assert "solo esto" in text and "half" not in text
    assert len(json.loads(saving.text(lines, "json"))["lines"]) == 2
    assert "buenos días" in saving.text(lines, "srt", "es")
    assert saving.text(lines, "vtt").startswith("WEBVTT")


def test_what_is_saved_is_harmless_and_says_of_nobody_an_identifier() -> None:
    lines = Lines()
    lines.push(caption("\x1b[2Jhola\u202e", language="es", speaker="p3", final=True))
    assert saving.text(lines, "srt", "es").splitlines()[2] == "speaker 1: [2Jhola"


def test_what_one_reads_is_offered_first() -> None:
    labels = [choice.label for choice in saving.choices(spoken().finals(), ["es"])]
    assert labels[2:4] == ["SRT   subtitles in Spanish", "SRT   subtitles as spoken"]


def test_a_file_has_a_name_and_is_not_overwritten(tmp_path: Path) -> None:
    name = saving.proposed("a room/../x", "srt", datetime(2026, 11, 21, 9, 5))
    assert name == "a-room-x-2026-11-21-0905.srt"
    assert saving.renamed(name, "vtt").endswith("0905.vtt")
    assert saving.renamed("notes.final", "vtt") == "notes.final"
    target = str(tmp_path / name)
    assert saving.save(target, "one").read_text() == "one"
    with pytest.raises(saving.Exists, match="there already"):
        saving.save(target, "two")
    assert saving.save(target, "two", replace=True).read_text() == "two"
    for wrong in (" ", str(tmp_path), str(tmp_path / "none" / "x.srt"), "a\0b"):
        with pytest.raises(Problem):
            saving.save(wrong, "x")
