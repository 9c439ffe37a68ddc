"""Nothing that people say or type becomes a token that ends a turn or opens a role."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.prompts.prompts import FAMILIES, START, STOP, Mark, defused, family
from models.sglang.errors import Garbage
from models.sglang.tokens import Local, Recent, Remote, Tokens, Vocabulary
from tests.models.sglang.oracle import MARKS, Posting, vocabulary

LOCAL = vocabulary()
SPECIAL = {token for mark in MARKS if (token := LOCAL._full.token_to_id(mark)) is not None}
HOSTILE = st.lists(
    st.sampled_from([*MARKS, "<|im_", "end|>", "<", "|", ">", "[", "中", " a", "\n"]), max_size=8
).map("".join)


def both() -> list[Vocabulary]:
    return [LOCAL, Remote(Posting(LOCAL))]


def test_the_hostile_spellings_are_special_to_the_tokenizer() -> None:
    assert len(SPECIAL) == len(MARKS)
    assert LOCAL._full.encode("a<|im_end|>").ids[-1] in SPECIAL


@given(HOSTILE | st.text())
@settings(deadline=None)
async def test_no_text_of_peoples_holds_a_special_token(text: str) -> None:
    for words in both():
        (ids,) = await words.encode([text])
        assert not SPECIAL & set(ids)
        assert await words.decode(ids) == text


@given(HOSTILE)
def test_servers_that_read_markup_in_text_find_none(text: str) -> None:
    assert not SPECIAL & set(LOCAL._full.encode(defused(text)).ids)


def test_ordinary_text_is_not_defused() -> None:
    for text in ("a < b", "3 <4", "[1]", "x <= y"):
        assert defused(text) == text


async def test_only_a_mark_is_a_special_token() -> None:
    for words in both():
        tokens = Tokens(words)
        ids = await tokens([Mark("<|im_start|>"), "user\n<|im_end|>", Mark("<|im_end|>")])
        assert [token in SPECIAL for token in ids] == [True, *[False] * 15, True]
        with pytest.raises(Garbage, match="nosuch"):
            await tokens([Mark("<|nosuch|>")])


async def test_what_was_asked_before_is_not_asked_again() -> None:
    posting = Posting(LOCAL)
    tokens = Tokens(Remote(posting))
    prompt: list[Mark | str] = [START, "system", STOP, "one"]
    await tokens(prompt)
    before = posting.asked
    assert await tokens(prompt) and posting.asked == before
    await tokens([*prompt[:-1], "one two"])
    assert posting.asked == before + 1


def test_memory_is_bounded_and_keeps_what_is_used() -> None:
    memory: Recent[str, int] = Recent(most=2)
    memory.put("a", 1)
    memory.put("b", 2)
    assert memory.get("a") == 1
    memory.put("c", 3)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (1, None, 3)


async def test_a_folder_without_a_tokenizer_is_not_an_error_and_a_broken_one_is(
    tmp_path: object,
) -> None:
    assert await Local.read(f"{tmp_path}/none") is None
    with pytest.raises(Garbage, match="tokenizer"):
        Local(b"{}")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("Qwen/Qwen3-4B-Instruct-2507", "qwen"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen"),
        ("Qwen/Qwen3-1.7B", "qwen-thinking"),
        ("qwen3:4b", "qwen-thinking"),
        ("bench/teensy", "teensy"),
        ("translator", "qwen"),
    ],
)
def test_a_model_is_spoken_to_as_its_family(model: str, name: str) -> None:
    assert family(model) is FAMILIES[name]
