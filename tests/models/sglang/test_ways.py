"""Every way to use a hypothesis gives the answer that there would be without it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.base import Spent
from models.sglang import errors
from models.sglang.frames import End, Event
from models.sglang.tokens import Ids
from models.sglang.ways import Generate, Logprobs, Plain, Plugin, Question, Way
from tests.models.sglang.oracle import Oracle, vocabulary

WORDS = vocabulary()
PROMPT: Ids = (1, 2, 3)
STOP = 259


def tokens(text: str) -> Ids:
    return tuple(WORDS._plain.encode(text).ids)


def decode(ids: Ids) -> str:
    return str(WORDS._full.decode(list(ids)))


async def answer(
    way: Way, model: Generate, hypothesis: Ids = (), limit: int = 200
) -> tuple[str, Ids, Spent]:
    """The text, its tokens, and what it took."""
    text, spent = "", None
    ids: Ids = ()
    question = Question(PROMPT, hypothesis, limit, frozenset({STOP}))
    async with aclosing(way.answer(question, model)) as pieces:
        async for piece in pieces:
            assert spent is None, "what it took comes last"
            if isinstance(piece, Spent):
                spent = piece
            else:
                text, ids = text + piece.text, (*ids, *piece.ids)
    assert spent is not None
    return text, ids, spent


def model(said: str, pace: int = 1) -> Oracle:
    return Oracle(PROMPT, tokens(said), STOP, decode, pace)


LINES = st.text(st.sampled_from("ab 中文é"), max_size=12)


@given(LINES, LINES, st.integers(1, 40))
@settings(deadline=None, max_examples=200)
async def test_log_probabilities_change_nothing(said: str, guess: str, limit: int) -> None:
    plain = await answer(Plain(), model(said), (), limit)
    verified = await answer(Logprobs(WORDS), model(said), tokens(guess), limit)
    assert (verified[0].rstrip("\ufffd"), verified[1]) == (plain[0].rstrip("\ufffd"), plain[1])


async def test_a_right_hypothesis_is_one_question_and_one_pass() -> None:
    oracle = model("ab ab")
    text, _, spent = await answer(Logprobs(WORDS), oracle, tokens("ab ab"))
    assert text == "ab ab" and len(oracle.questions) == 1
    assert (spent.offered, spent.accepted, spent.passes, spent.tokens) == (5, 5, 1, 6)


async def test_what_follows_a_right_hypothesis_costs_its_own_tokens() -> None:
    oracle = model("ab ab ba")
    text, _, spent = await answer(Logprobs(WORDS), oracle, tokens("ab ab"))
    assert text == "ab ab ba" and len(oracle.questions) == 1
    assert (spent.accepted, spent.passes) == (5, 4)  # " ba" and the stop


async def test_the_first_difference_drops_the_stream_and_goes_on_from_there() -> None:
    oracle = model("ab aa")
    text, _, spent = await answer(Logprobs(WORDS), oracle, tokens("ab ba"))
    assert text == "ab aa"
    assert [len(question[0]) for question in oracle.questions] == [8, 7]
    assert oracle.dropped == 0  # it was dropped before it said anything
    assert (spent.offered, spent.accepted) == (5, 3)


async def test_a_hypothesis_that_should_have_ended_needs_no_second_question() -> None:
    oracle = model("ab")
    text, ids, spent = await answer(Logprobs(WORDS), oracle, tokens("ab ba"))
    assert text == "ab" and ids[-1] == STOP and len(oracle.questions) == 1
    assert (spent.accepted, spent.passes) == (2, 1)


async def test_a_difference_inside_a_character_is_told_whole() -> None:
    oracle = model("中")
    text, _, _ = await answer(Logprobs(WORDS), oracle, tokens("丮"))  # shares two bytes of three
    assert text == "中"


async def test_the_plugin_gets_the_tokens_with_the_question() -> None:
    oracle = model("ab", pace=3)
    text, _, spent = await answer(Plugin(), oracle, tokens("ab"))
    assert text == "ab" and (spent.offered, spent.accepted, spent.passes) == (2, 2, 1)
    assert oracle.questions[0][2] == {"custom_params": {"draft_token_ids": list(tokens("ab"))}}


async def test_a_first_translation_has_nothing_to_send() -> None:
    for way in (Plain(), Plugin(), Logprobs(WORDS)):
        oracle = model("ab")
        _, _, spent = await answer(way, oracle)
        assert oracle.questions == [(PROMPT, 200, {}, {})]
        assert (spent.offered, spent.accepted) == (0, 0)
        assert spent.passes == (1 if way.name == "plugin" else 3)


async def test_an_endless_hypothesis_is_cut() -> None:
    oracle = model("ab")
    await answer(Plugin(), oracle, tokens("b" * 10_000))
    draft = oracle.questions[0][2]["custom_params"]
    assert isinstance(draft, dict) and len(draft["draft_token_ids"]) < 1_000


async def test_a_server_that_gives_up_or_does_not_judge_is_an_error() -> None:
    async def aborts(
        ids: Ids, limit: int, sampling: Mapping[str, object], more: Mapping[str, object]
    ) -> AsyncGenerator[Event, None]:
        yield End("abort")

    with pytest.raises(errors.Aborted):
        await answer(Plain(), aborts)
    with pytest.raises(errors.Garbage):
        await answer(Logprobs(WORDS), aborts, tokens("ab"))
