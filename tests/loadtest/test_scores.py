"""What a conversation came to."""

from pathlib import Path

import pytest

from clients.console import Problem
from clients.latency import Meter
from loadtest.scores import chrf, joined, normalised, spelt, uncovered, word_error_rate
from loadtest.script import CONVERSATION, Line, Script, read
from loadtest.show import without_fonts
from loadtest.summary import Outcome, summary
from streaming.messages import Caption
from streaming.values import samples
from tests.clients.fakes import caption

SCRIPT = """\
language = "en"
translations = ["es"]
speakers.alan.name = "Alan"
speakers.rosa.name = "Rosa"
[[line]]
speaker = "alan"
start = 500
text = "Good morning, Rosa."
es = "Buenos días, Rosa."
[[line]]
speaker = "rosa"
start = 4000
text = "Good morning. You are early, and there is nobody here to open the door for you, is there?"
es = "Buenos días. Llegas temprano."
[[line]]
speaker = "alan"
start = 6000
text = "Wait."
es = "Espera."
"""


@pytest.fixture
def script(tmp_path: Path) -> Script:
    (tmp_path / "script.toml").write_text(SCRIPT, encoding="utf-8")
    return read(tmp_path)


def test_a_script_is_read_with_the_time_each_line_may_take(script: Script) -> None:
    assert script.names == {"alan": "Alan", "rosa": "Rosa"}
    assert [(line.start, line.end) for line in script.lines] == [
        (500, 2083),
        (4000, 6000),
        (6000, 6417),
    ]
    assert script.lines[0].translations == {"es": "Buenos días, Rosa."}
    assert script.track("rosa") == script.folder / "rosa.flac"


def test_only_lines_that_were_played_are_judged(script: Script) -> None:
    assert len(script.until(None)) == 3
    assert [line.speaker for line in script.until(6.0)] == ["alan", "rosa"]


@pytest.mark.parametrize(
    "text",
    [
        b"language = ",
        b"language = 'en'",
        b"line = 3\nspeakers = 1",
        b"line = " + b"9" * 5_000,
        b"line = " + b"[" * 100_000,
        b"\xff",
    ],
    ids=range(6),
)
def test_what_is_no_script_is_said(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "script.toml").write_bytes(text)
    with pytest.raises(Problem, match=r"script\.toml is not a script"):
        read(tmp_path)


def test_no_script_is_said(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="there is no conversation"):
        read(tmp_path)


def test_the_conversation_of_the_demo_can_be_read() -> None:
    script = read()
    assert len(script.names) == 2 and len(script.lines) >= 10
    assert all(script.track(speaker).exists() for speaker in script.names)
    assert all(line.speaker in script.names and line.translations for line in script.lines)
    assert script.folder == CONVERSATION


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't — I said: 'no'!", "don't i said no"),
        ("It’s 21 or 1,305.", "it's twenty one or one thousand three hundred five"),
        ("  ", ""),
    ],
)
def test_words_as_they_are_compared(text: str, words: str) -> None:
    assert normalised(text) == words


def test_numbers_in_words() -> None:
    assert [spelt(number) for number in (0, 40, 112, 2_000_000)] == [
        "zero",
        "forty",
        "one hundred twelve",
        "two zero zero zero zero zero zero",
    ]


def test_error_rate_over_several_speakers() -> None:
    assert word_error_rate(["One two", "three four"], ["one two", "three for"]) == 0.25
    assert word_error_rate(["one two"], [""]) == 1.0
    assert word_error_rate(["", "one"], ["noise", "one"]) == 0.0
    assert word_error_rate([""], ["noise"]) is None


def test_translation_score() -> None:
    assert chrf("Buenos días.", "Buenos días.") == 100
    assert chrf("", "hola") is None
    low = chrf("Buenos días.", "xyz")
    assert low is not None and low < 5


def test_finals_are_joined_in_the_order_they_were_said() -> None:
    assert joined([caption("two", start=9), caption("one ", start=2)]) == "one two"


def final(
    speaker: str, since_ms: int, to_ms: int, text: str = "words", language: str = "en"
) -> Caption:
    start, end = samples(since_ms), samples(to_ms)
    return caption(text, speaker=speaker, language=language, final=True, start=start, end=end)


def missing(script: Script, *finals: Caption) -> list[Line]:
    return uncovered(script.lines, finals, {"p1": "alan", "p2": "rosa"})


def test_a_line_is_covered_by_half_of_its_time(script: Script) -> None:
    assert [line.start for line in missing(script)] == [500, 4000, 6000]
    heard = final("p1", 400, 1400), final("p2", 4000, 4500), final("p2", 5000, 5600)
    assert [line.start for line in missing(script, *heard)] == [6000]


def test_another_speakers_final_covers_nothing(script: Script) -> None:
    assert len(missing(script, final("p2", 400, 2000), final("p9", 4000, 6000))) == 3


def outcome(script: Script, *finals: Caption) -> Outcome:
    late = Meter()
    late.add(120.4)
    speakers = {"p1": "alan", "p2": "rosa"}
    return Outcome(script, script.until(6.0), finals, speakers, late, 3.21)


def test_the_summary_names_what_is_missing(script: Script) -> None:
    heard = final("p1", 500, 2000, "good morning rosa")
    said = final("p1", 500, 2000, "Buenos días, Rosa.", language="es")
    text = summary(outcome(script, heard, said))
    assert "Alan      English   1 final    word error rate 0.00" in text
    assert "Alan      Spanish   1 final    chrF 100.0" in text
    assert "Rosa      English   0 finals   word error rate 1.00" in text
    assert "first caption after 3.2 s" in text
    assert "95 % within 120 ms (budget 300), 1 updates" in text
    assert "without a final: 1 of 2 lines" in text and "Rosa: Good morning. You are early" in text


def test_the_summary_of_a_conversation_heard_whole(script: Script) -> None:
    heard = final("p1", 500, 2000), final("p2", 4000, 6000)
    assert "every one of the 2 lines of the script got its final" in summary(
        outcome(script, *heard)
    )
    assert outcome(script, *heard).missing() == []


def test_pictures_need_no_font_from_the_web() -> None:
    svg = "<style>\n@font-face {\n src: url(https://x/y.woff2);\n}\n.a { fill: red }</style>"
    assert without_fonts(svg) == "<style>\n.a { fill: red }</style>"
