"""What models and people write is harmless wherever it is shown: captions, subtitles, terminals."""

import json
import re
from unicodedata import is_normalized

from hypothesis import example, given
from hypothesis import strategies as st

from clients.plain import clean as plain
from clients.plain import wrap
from streaming.clean import LONGEST, clean
from streaming.messages import Caption
from streaming.transcript import FORMS, conversation, render
from tests.fuzz.promise import UNFIT, kept

SEQUENCES = [
    "\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\u202eevil", "\u2066\u2069", "\u200b", "\ufeff",
    "\r\n\r\n", "\x00", "-->", "<b>", "<script>", "{\\an8}", "WEBVTT", "NOTE ", "\U000e0041",
    "\u0301" * 40, "👩‍💻", "a\u200db", "\ud800", "x" * 9_000,
]  # fmt: skip
texts = st.lists(st.text(max_size=20) | st.sampled_from(SEQUENCES), max_size=6).map("".join)


@given(texts)
@example("\x1b[\x1b[2J2J")
@example("\x1b" * 9_000 + "]")
@example("\u0301" * 100_000)
def test_text_has_nothing_that_anybody_would_obey(text: str) -> None:
    made = kept(lambda: clean(text))
    assert made is not None and not UNFIT.search(made)
    assert len(made) <= LONGEST and is_normalized("NFC", made)
    assert clean(made) == made


@given(texts)
@example("\u0301" * 100_000)
@example("\u0301 " * 2_000)
def test_a_terminal_gets_rows_and_nothing_that_moves_it(text: str) -> None:
    made = kept(lambda: wrap(plain(text), 40), stall_s=0.1)
    assert made is not None
    assert not any(UNFIT.search(row) for row in made)


@given(st.lists(texts.map(clean), max_size=4), st.sampled_from(["Ana", "a-->b", "<v Ana>"]))
def test_no_words_break_out_of_a_subtitle(said: list[str], name: str) -> None:
    captions = [
        Caption(n, "p1", n, "en", "transcript", text, "", True, 0, 9, 9, 2_000 * n, "scripted")
        for n, text in enumerate(said)
    ]
    shown = [text for text in said if text]
    whole = conversation(captions, {"p1": name})
    made = {form: kept(lambda form=form: render(whole, form, None)) for form in FORMS}  # type: ignore[misc]
    assert all(text is not None for text in made.values())
    times = re.compile(r"^\d+:\d\d:\d\d[.,]\d{3} --> ", re.MULTILINE)
    cues = {form: len(times.findall(made[form] or "")) for form in ("srt", "vtt")}
    blocks = {form: len(re.split(r"\n\n+", (made[form] or "").strip())) for form in ("srt", "vtt")}
    assert cues["srt"] == (blocks["srt"] if shown else 0)
    assert cues["vtt"] == blocks["vtt"] - 1  # of which the head is one
    assert [line["text"] for line in json.loads(made["json"] or "")["lines"]] == shown
