"""The conversation as rows of text."""

from hypothesis import given
from hypothesis import strategies as st

from clients.lines import Lines
from clients.tui.blocks import Blocks, Row
from streaming.messages import Caption
from tests.clients.fakes import ROSTER, WELCOME, caption


def told(*captions: Caption, width: int = 20, source: bool = True) -> Blocks:
    lines = Lines()
    blocks = Blocks(lines, ["es"], source, kept=100)
    blocks.lay(width, source)
    lines.push(WELCOME)
    lines.push(ROSTER)
    tell(blocks, *captions)
    return blocks


def tell(blocks: Blocks, *captions: Caption) -> None:
    for one in captions:
        change = blocks.lines.push(one)
        if change is not None:
            blocks.push(change)


def page(blocks: Blocks) -> list[str]:
    """All rows, from the first to the last."""
    found = [blocks.row(number) for number in range(blocks.height)]
    rows = [block.rows[own] if block else Row() for block, own in (f or (None, 0) for f in found)]
    return [row.sure + row.draft for row in rows]


def test_what_is_certain_and_what_is_not() -> None:
    blocks = told(caption("good morning to", " all of you"), width=12)
    assert blocks.shown[0].rows == [
        Row("good morning", "", True),
        Row("to", " all of", True),
        Row("", "you", True),
    ]


def test_a_free_row_before_each_turn() -> None:
    one = caption("uno", language="es", final=True)
    two = caption("dos", language="es", final=True, segment=2, at=1)
    three = caption("tres", language="es", final=True, speaker="r", at=2)
    assert page(told(one, two, three)) == ["uno", "dos", "", "tres"]


def test_a_turn_goes_on_around_a_block_with_nothing_to_read() -> None:
    hidden = caption("thinking", speaker="r", at=1)
    one = caption("uno", language="es", final=True)
    two = caption("dos", language="es", final=True, segment=2, at=2)
    assert page(told(one, hidden, two, source=False)) == ["uno", "dos"]


def test_there_is_nothing_beside_the_rows() -> None:
    blocks = told(caption("uno", language="es"))
    assert blocks.row(-1) is None and blocks.row(1) is None
    assert told().row(0) is None


def test_withdrawing_one_line_of_a_block_leaves_the_others() -> None:
    blocks = told(caption("one"), caption("uno", language="es"))
    tell(blocks, caption("", language="es", final=True))
    assert page(blocks) == ["one"]
    tell(blocks, caption("", final=True))
    assert page(blocks) == [] and blocks.height == 0


WORDS = st.lists(st.sampled_from(["sí", "palabra", "extraordinario", "你好"]), max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=6), WORDS, st.integers(8, 30))
def test_an_open_block_only_grows_and_its_final_is_as_high_as_its_words(
    drafts: list[list[str]], last: list[str], width: int
) -> None:
    blocks = told(width=width)
    heights = [0]
    for draft in drafts:
        tell(blocks, caption("", " ".join(draft), language="es"))
        heights.append(blocks.height)
    assert heights == sorted(heights)
    text = " ".join(["fin", *last])
    tell(blocks, caption(text, language="es", final=True))
    assert "".join(page(blocks)).replace(" ", "") == text.replace(" ", "")


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_what_is_final_is_where_it_was_whatever_comes_after(after: list[list[str]]) -> None:
    blocks = told(caption("una palabra extraordinaria", language="es", final=True))
    before = page(blocks)
    for words in after:
        tell(blocks, caption(" ".join(words), language="es", speaker="r", at=5))
        assert page(blocks)[: len(before)] == before
