"""Finding words in what was said."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clients.lines import Lines
from clients.tui.blocks import Blocks
from clients.tui.search import Search, find
from tests.clients.fakes import ROSTER, WELCOME, caption


def blocks(*texts: str, width: int = 40) -> Blocks:
    lines = Lines()
    found = Blocks(lines, ["es"], True, kept=100)
    found.lay(width, True)
    lines.push(WELCOME)
    lines.push(ROSTER)
    for number, text in enumerate(texts):
        told = lines.push(caption(text, language="es", segment=number, at=number, final=True))
        assert told is not None
        found.push(told)
    return found


def test_capitals_and_accents_do_not_matter() -> None:
    assert find("manana", "Mañana, MAÑANA") == [(0, 6), (8, 14)]
    assert find("STRASSE", "die Straße") == [(4, 10)]
    assert find("天气", "今天天气很好") == [(2, 4)]
    assert find("", "x") == find(" ́", "x") == []


@given(st.text(max_size=30), st.text(min_size=1, max_size=5))
def test_what_is_found_is_in_the_text(text: str, query: str) -> None:
    spans = find(query, text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


@given(st.text("aábñ x", max_size=8), st.text("aábñ x", min_size=1, max_size=4))
def test_what_is_there_is_found(before: str, query: str) -> None:
    assert find(query, before + query)


def test_it_begins_at_the_newest_and_goes_around() -> None:
    search, said = Search(), blocks("uno dos", "dos", "tres")
    search.look("dos", said.shown)
    assert search.said == "2 of 2"
    search.step(-1)
    assert search.said == "1 of 2"
    search.step(-1)
    assert search.said == "2 of 2"


def test_it_begins_above_the_end_of_the_view() -> None:
    search, said = Search(), blocks("uno", "uno", "uno")
    search.look("uno", said.shown, before=2)
    assert search.said == "2 of 3"


def test_the_match_one_is_at_stays_while_more_is_said() -> None:
    said = blocks("uno", "uno")
    search = Search()
    search.look("uno", said.shown)
    change = said.lines.push(caption("uno", language="es", segment=9, at=9))
    assert change is not None
    said.push(change)
    search.refresh(said.shown)
    assert search.said == "2 of 3"


def test_what_is_not_there_is_said() -> None:
    search = Search()
    search.look("nada", blocks("uno").shown)
    search.step(1)
    assert search.said == "not found"


def test_words_are_found_across_the_end_of_a_row() -> None:
    said = blocks("una palabra larguísima y otra", width=12)
    search = Search()
    search.look("palabra larguisima", said.shown)
    assert search.said == "1 of 1" and len(said.shown[0].rows) > 2
