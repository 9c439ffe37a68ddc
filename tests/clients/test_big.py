"""Huge letters."""

from hypothesis import given
from hypothesis import strategies as st

from clients.plain import columns
from clients.tui.big import Said, bands, needed, page
from clients.tui.font import FONT, glyphs

LATIN = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 .,:;!?-'\"()"
ACCENTED = "áéíóúüñ¿¡çàèìòùâêîôûäöëïåæøœßşğčšžřőűłđ ÁÉÍÓÚÜÑÇÀÄÖÅÆØŠŽ «»“”‘’–—… €"


def drawn(text: str, width: int = 78, sure: int = 1_000) -> list[list[str]]:
    found = bands(Said("a", text, sure), width)
    return [["".join(piece for piece, _ in row) for row in band.rows] for band in found]


def test_european_letters_are_all_there() -> None:
    assert glyphs(LATIN) is not None and glyphs(ACCENTED) is not None
    assert all(any(columns) for letter, columns in FONT.items() if letter != " ")


def test_other_scripts_are_the_terminals() -> None:
    assert glyphs("你好") is glyphs("مرحبا") is None


def test_a_letter_is_drawn() -> None:
    assert [row.rstrip() for row in drawn("L", 160)[0]] == ["", "█", "█", "█", "▀▀▀▀▀"]


def test_han_stands_apart_and_arabic_joined() -> None:
    assert drawn("你好")[0][1].strip() == "你  好"
    assert drawn("مرحبا بكم")[0][1] == "مرحبا بكم"


@given(st.text(LATIN + ACCENTED + "你好，مرحبا🙂e\u0301", max_size=60), st.integers(20, 200))
def test_no_line_is_wider_than_the_screen(text: str, width: int) -> None:
    for band in drawn(" ".join(text.split()), width):
        assert all(columns(row) <= width for row in band)
        assert len(band) == len(drawn("a" if glyphs(text) is not None else "你")[0])


def test_more_words_move_no_line_that_stands() -> None:
    whole = "one two three four five six seven eight nine ten eleven"
    before: list[list[str]] = []
    for count in range(1, 12):
        now = drawn(" ".join(whole.split()[:count]))
        assert now[: len(before) - 1] == before[:-1]
        before = now


def test_what_may_change_is_apart() -> None:
    (band,) = bands(Said("a", "ab", 1), 78)
    assert [sure for _, sure in band.rows[2]] == [True, False]


def test_the_newest_lines_that_fit() -> None:
    said = [Said("a", f"line number {number} " * 3, 9) for number in range(9)]
    shown = page(said, 78, 22)
    assert 15 < needed(shown) <= 22
    assert shown[-1] == bands(said[-1], 78)[-1]
    assert len(page(said, 78, 1)) == 1  # something, however small the screen
