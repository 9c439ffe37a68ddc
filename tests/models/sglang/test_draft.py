"""How few passes an old answer costs to verify, wherever the new one differs from it."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sglang.plugin.surtitle_hypothesis.draft import LONGEST, Draft, Refused, read
from models.sglang.plugin.surtitle_hypothesis.tree import Branch, Tree, grow, laid_out

LINE = random.Random(7).sample(range(100, 6000), 24)  # a caption line: no token twice
TOKENS = st.lists(st.integers(0, 30), max_size=40)


def verified(tree: Tree, answer: list[int]) -> int:
    """How many tokens of `answer` a greedy model accepts from the tree."""
    node = taken = 0
    while taken < len(answer):
        right = [
            child
            for child in range(1, len(tree))
            if tree.parent(child) == node and tree.tokens[child] == answer[taken]
        ]
        if not right:
            break
        node, taken = right[0], taken + 1
    return taken


def passes(hypothesis: list[int], answer: list[int], width: int, first: int = 1) -> int:
    """Verification passes until `answer` is written; its `first` tokens came with the prefill."""
    draft, count, at = Draft(hypothesis), 0, first
    draft.follow(answer[:at])
    while at < len(answer):
        tree = draft.tree(answer[at - 1], width)
        assert len(tree) <= width
        accepted = verified(tree, answer[at:])
        draft.learn(accepted)
        step = min(accepted + 1, len(answer) - at)
        draft.follow(answer[at : at + step])
        at, count = at + step, count + 1
    return count


@pytest.mark.parametrize(("width", "expected"), [(8, 3), (16, 2), (32, 1)])
def test_what_stayed_the_same_is_verified_many_tokens_a_pass(width: int, expected: int) -> None:
    assert passes(LINE, LINE, width) == expected


@pytest.mark.parametrize("at", range(1, 23))
@pytest.mark.parametrize("width", [8, 16])
def test_a_changed_word_costs_two_passes_and_not_the_rest_of_the_line(width: int, at: int) -> None:
    plain = passes(LINE, LINE, width)
    substituted = [*LINE[:at], 7, *LINE[at + 1 :]]
    inserted = [*LINE[:at], 7, *LINE[at:]]
    dropped = [*LINE[:at], *LINE[at + 1 :]]
    for answer in (substituted, inserted, dropped):
        assert passes(LINE, answer, width) <= plain + 2


@pytest.mark.parametrize("at", range(1, 18))
def test_a_word_that_moved_costs_three_passes(at: int) -> None:
    moved = [*LINE[:at], *LINE[at + 1 : at + 4], LINE[at], *LINE[at + 4 :]]
    assert passes(LINE, moved, 8) <= passes(LINE, LINE, 8) + 3


def test_one_word_substituted_and_one_inserted_cost_half_of_what_starting_over_costs() -> None:
    answer = list(LINE)
    answer[7] = 33
    answer.insert(12, 44)
    assert passes(LINE, answer, 8) <= 5  # without taking the line up again after them: 10


def test_words_that_are_new_cost_a_pass_each_and_no_more() -> None:
    assert passes(LINE[:12], [*LINE[:12], 1, 2, 3, 4], 16) <= 1 + 4


@given(hypothesis=TOKENS, answer=TOKENS, width=st.integers(2, 33))
def test_no_hypothesis_makes_an_answer_cost_more_passes_than_writing_it(
    hypothesis: list[int], answer: list[int], width: int
) -> None:
    assert passes(hypothesis, answer, width) <= max(0, len(answer) - 1)


@given(hypothesis=TOKENS, written=TOKENS, width=st.integers(2, 33))
def test_a_tree_is_drawn_parents_first_within_its_width(
    hypothesis: list[int], written: list[int], width: int
) -> None:
    draft = Draft(hypothesis)
    draft.follow([*written, 5])
    tree = draft.tree(5, width)
    assert tree.tokens[0] == 5 and len(tree) <= width
    for node in range(1, len(tree)):
        assert 0 <= tree.parent(node) < node
        assert tree.masks[node] == tree.masks[tree.parent(node)] | 1 << node


@given(hypothesis=TOKENS, written=TOKENS)
def test_siblings_differ(hypothesis: list[int], written: list[int]) -> None:
    draft = Draft(hypothesis)
    draft.follow([*written, 5])
    tree = draft.tree(5, 16, written[:4])
    seen = [(tree.parent(node), tree.tokens[node]) for node in range(1, len(tree))]
    assert len(seen) == len(set(seen))


def test_likelier_tokens_are_verified_first_and_shared_beginnings_once() -> None:
    likely, unlikely = Branch([1, 2, 3], 0.6), Branch([1, 4], 0.3)
    tree = grow(9, [unlikely, likely], 4)
    assert tree.tokens == [9, 1, 2, 3]
    assert [tree.parent(node) for node in range(4)] == [-1, 0, 1, 2]
    wider = grow(9, [unlikely, likely], 8)
    assert sorted(wider.tokens) == [1, 2, 3, 4, 9]


def test_a_guess_below_the_least_chance_is_not_worth_a_token() -> None:
    assert grow(9, [Branch([1, 2, 3, 4, 5, 6], 0.5, each=0.5)], 8, least=0.1).tokens == [9, 1, 2]


def test_free_places_hang_on_the_root_and_repeat_it() -> None:
    tokens, masks = laid_out([grow(9, [Branch([1, 2], 0.9)], 8), grow(7, [], 8)], 4)
    assert tokens.tolist() == [[9, 1, 2, 9], [7, 7, 7, 7]]
    first = [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1]]
    second = [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]]
    assert np.array_equal(masks, np.array([first, second], dtype=bool))


def test_who_is_wrong_again_and_again_is_given_fewer_tokens_to_be_wrong_with() -> None:
    draft = Draft(LINE)
    hopeful = draft.reach
    for _ in range(6):
        draft.learn(0)
    assert draft.reach < hopeful / 3


def test_without_a_hypothesis_the_n_grams_are_tried() -> None:
    draft = Draft([])
    draft.follow([1, 2])
    assert draft.tree(2, 8, [3, 4]).tokens == [2, 3, 4]
    assert draft.tree(2, 8).tokens == [2]


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"draft_token_ids": "text"}, "type"),
        ({"draft_token_ids": {"0": 1}}, "type"),
        ({"draft_token_ids": [1, "2"]}, "type"),
        ({"draft_token_ids": [1, 2.0]}, "type"),
        ({"draft_token_ids": [True]}, "type"),
        ({"draft_token_ids": [[1]]}, "type"),
        ({"draft_token_ids": [1, 6000]}, "range"),
        ({"draft_token_ids": [-1]}, "range"),
        ({"draft_token_ids": [10**30]}, "range"),
        ({"draft_token_ids": [1] * 1_000_000}, "length"),
    ],
)
def test_what_is_no_hypothesis_is_refused_by_name(sent: dict[str, object], why: str) -> None:
    with pytest.raises(Refused) as refused:
        read(sent, 6000)
    assert refused.value.why == why


@pytest.mark.parametrize("sent", [None, {}, {"draft_token_ids": None}, {"other": [1]}, "text"])
def test_who_brings_nothing_is_not_refused(sent: object) -> None:
    assert read(sent, 6000) == []


def test_the_longest_hypothesis_is_read() -> None:
    assert len(read({"draft_token_ids": [1] * LONGEST}, 6000)) == LONGEST
