"""Conversations written down: what a player or a parser makes of them."""

import json
from pathlib import Path

import av
import pysrt
from hypothesis import given
from hypothesis import strategies as st

from streaming.messages import Caption, Kind
from streaming.transcript import COLUMNS, FORMS, Said, conversation, render

NAMES = {"p1": "Ana", "p2": "Ben <b>"}


def line(
    speaker: str, segment: int, at: int, text: str, language: str = "en", ms: int = 2_000
) -> Caption:
    kind: Kind = "transcript" if language == "en" else "translation"
    start = at * 16
    return Caption(
        1, speaker, segment, language, kind, text, "", True, start, start + ms * 16, 0, at, "e"
    )


TALK = [
    line("p2", 0, 3_000, "not now & never --> later", ms=4_000),
    line("p2", 0, 3_000, "ni ahora ni nunca", "es"),
    line("p1", 0, 1_000, "good morning", ms=3_000),
    line("p1", 0, 1_000, "buenos días", "es"),
    line("p1", 1, 3_600_000, "an hour later"),
]


def test_lines_come_in_the_order_they_were_said_and_may_overlap() -> None:
    subtitles = pysrt.from_string(render(conversation(TALK, NAMES), "srt"))
    assert [one.text for one in subtitles] == [
        "Ana: good morning",
        "Ben <b>: not now & never → later",
        "Ana: an hour later",
    ]
    first, second, third = subtitles
    assert (first.start.ordinal, first.end.ordinal) == (1_000, 4_000)
    assert second.start.ordinal == 3_000 < first.end.ordinal
    assert (third.start.hours, third.start.ordinal) == (1, 3_600_000)


def test_subtitles_are_in_the_language_asked_for() -> None:
    subtitles = pysrt.from_string(render(conversation(TALK, NAMES), "srt", "es"))
    assert [one.text for one in subtitles] == ["Ana: buenos días", "Ben <b>: ni ahora ni nunca"]


def test_a_long_line_becomes_several_subtitles_that_share_its_time() -> None:
    text = " ".join(f"word{n}" for n in range(60))
    subtitles = pysrt.from_string(render(conversation([line("p1", 0, 0, text)], NAMES), "srt"))
    assert len(subtitles) > 3
    assert [one.start.ordinal for one in subtitles[1:]] == [
        one.end.ordinal for one in subtitles[:-1]
    ]
    assert (subtitles[0].start.ordinal, subtitles[-1].end.ordinal) == (0, 2_000)
    assert " ".join(one.text.replace("\n", " ").removeprefix("Ana: ") for one in subtitles) == text


def test_no_subtitle_is_the_one_word_that_was_too_much_for_the_one_before() -> None:
    text = "buenos días leído sobre vuestros vasos última semana me gustaría ver alto les haces"
    subtitles = pysrt.from_string(render(conversation([line("p1", 0, 0, text)], {"p1": ""}), "srt"))
    assert [one.text for one in subtitles] == [
        "buenos días leído sobre\nvuestros vasos última semana",
        "me gustaría ver alto les haces",
    ]


def test_web_subtitles_name_the_voice_and_hide_no_markup() -> None:
    text = render(conversation(TALK, NAMES), "vtt")
    assert text.startswith("WEBVTT\n\n00:00:01.000 --> 00:00:04.000\n<v Ana>good morning\n")
    assert "<v Ben &lt;b&gt;>not now &amp; never → later" in text


def test_an_hour_in_which_two_speak_at_once_is_what_players_read(tmp_path: Path) -> None:
    talk = [
        line(speaker, n, 4_000 * n + late, f"{name} says line {n} & more", ms=5_000)
        for n in range(900)
        for speaker, name, late in (("p1", "Ana", 0), ("p2", "Ben", 1_500))
    ]
    said = conversation(talk, NAMES)
    subtitles = pysrt.from_string(render(said, "srt"))
    times = [(one.start.ordinal, one.end.ordinal) for one in subtitles]
    assert len(times) == 1_800 and times[-1] == (3_597_500, 3_602_500)
    assert times[0][1] > times[1][0]
    file = tmp_path / "talk.vtt"
    file.write_text(render(said, "vtt"), encoding="utf-8")
    with av.open(str(file)) as player:
        cues = [packet for packet in player.demux(subtitles=0) if packet.size]
    assert [(cue.pts, (cue.pts or 0) + (cue.duration or 0)) for cue in cues] == times
    assert bytes(cues[1]) == b"<v Ben &lt;b&gt;>Ben says line 0 &amp; more"


def test_who_has_no_name_is_not_named() -> None:
    said = conversation(TALK, {"p1": "", "p2": ""})
    assert pysrt.from_string(render(said, "srt"))[0].text == "good morning"
    assert "-->" in render(said, "vtt") and "<v" not in render(said, "vtt")


def test_text_and_json_have_the_languages_side_by_side() -> None:
    text = render(conversation(TALK, NAMES), "txt")
    assert text.splitlines()[:2] == [
        "[00:00:01] Ana (en): good morning",
        "           es: buenos días",
    ]
    lines = json.loads(render(conversation(TALK, NAMES), "json"))["lines"]
    assert lines[0]["translations"] == {"es": "buenos días"}
    assert lines[-1] == {
        "speaker": "p1",
        "name": "Ana",
        "segment": 1,
        "at": 3_600_000,
        "until": 3_602_000,
        "language": "en",
        "text": "an hour later",
        "translations": {},
    }


def test_a_line_that_was_withdrawn_or_is_open_is_not_written_down() -> None:
    assert conversation([line("p1", 0, 0, "")], NAMES) == []


words = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\x85"),
    min_size=1,
)


@given(st.lists(st.tuples(st.integers(0, 10**7), words, st.integers(0, 30_000)), max_size=8))
def test_whatever_is_said_can_be_parsed(said: list[tuple[int, str, int]]) -> None:
    told = [
        Said("p1", "Ana", n, at, at + ms + 1, "en", " ".join(text.split()), {})
        for n, (at, text, ms) in enumerate(said)
    ]
    for form in FORMS:
        render(told, form)
    subtitles = pysrt.from_string(render(sorted(told, key=lambda one: one.at), "srt"))
    starts = [one.start.ordinal for one in subtitles]
    assert starts == sorted(starts)
    assert all(one.end.ordinal >= one.start.ordinal for one in subtitles)


def test_rows_are_as_wide_as_subtitles_are() -> None:
    text = "一" * 100 + " " + "word " * 30
    subtitles = pysrt.from_string(render(conversation([line("p1", 0, 0, text)], NAMES), "srt"))
    rows = [row for one in subtitles for row in one.text.removeprefix("Ana: ").split("\n")]
    assert max(len(row) + row.count("一") for row in rows) <= COLUMNS
