"""What the model would have said next is a draft for the next question of the line."""

from collections.abc import Sequence

from models.sglang.plugin.surtitle_hypothesis.draft import Draft
from models.sglang.plugin.surtitle_hypothesis.guesses import AHEAD, KEPT, THEN, Guesses, Memory
from models.sglang.plugin.surtitle_hypothesis.recall import behind
from models.sglang.plugin.surtitle_hypothesis.tree import Branch, grow

TURN = [90, 91, 92, 93, 94, 95, 96, 97]  # how every prompt ends
LINE = list(range(10, 40))


def asked(words: int) -> list[int]:
    """A prompt whose source has so many words."""
    return [*range(200, 200 + words), *TURN]


def ahead(*tokens: int) -> Guesses:
    guesses = Guesses()
    guesses.ahead = list(tokens)
    return guesses


def test_guesses_behind_the_end_are_tried_with_the_answer() -> None:
    draft = Draft(LINE[:4], ahead(*LINE[4:7]))
    draft.follow(LINE[:1])
    assert draft.tree(LINE[0], 16).tokens == LINE[:7]


def test_what_was_wanted_after_a_token_is_tried_beside_the_old_answer() -> None:
    guesses = Guesses()
    guesses.learn([70, 71, 72], [71, 72, 73])
    draft = Draft(LINE, guesses)
    draft.follow([*LINE[:3], 70])
    tree = draft.tree(70, 16)
    assert [tree.tokens[tree.node(path)] for path in ([71], LINE[4:6])] == [71, LINE[5]]


def test_a_line_without_a_hypothesis_is_drafted_from_what_was_wanted() -> None:
    guesses = Guesses()
    guesses.learn([70], [71])
    draft = Draft([], guesses)
    draft.follow([70])
    assert draft.tree(70, 16).tokens == [70, 71]


def test_the_newest_wish_counts_and_the_oldest_are_forgotten() -> None:
    guesses = Guesses()
    guesses.learn([1], [2])
    guesses.learn([1], [3])
    assert guesses.then(1) == [3]
    guesses.learn(range(1000, 1000 + KEPT), [0] * KEPT)
    assert guesses.then(1) == []


def test_wishes_that_go_round_in_a_circle_end() -> None:
    guesses = Guesses()
    guesses.learn([1, 2], [2, 1])
    assert guesses.then(1) == [2, 1, 2, 1][:THEN]


def test_a_line_is_known_again_when_its_source_has_grown() -> None:
    memory, guesses = Memory(), Guesses()
    memory.keep(asked(3), LINE, guesses)
    assert memory.find(asked(4), LINE) is guesses
    assert memory.find(asked(4), LINE[:-1]) is not guesses


def test_a_line_is_known_again_when_more_of_its_answer_is_held_to() -> None:
    for answer in (LINE, LINE[:3]):
        memory, guesses = Memory(), Guesses()
        memory.keep(asked(3), answer, guesses)
        assert memory.find([*asked(4), *answer[:2]], answer[2:]) is guesses


def test_nothing_is_known_of_a_question_without_a_hypothesis() -> None:
    memory, guesses = Memory(), Guesses()
    memory.keep(asked(3), [], guesses)
    assert memory.find(asked(4), []) is not guesses


def test_only_the_latest_lines_are_kept() -> None:
    memory, first = Memory(lines=2), Guesses()
    memory.keep(asked(1), [1], first)
    memory.keep(asked(1), [2], Guesses())
    assert memory.find(asked(1), [1]) is first
    memory.keep(asked(1), [3], Guesses())
    assert memory.find(asked(1), [1]) is not first
    memory.keep(asked(1), [4], kept := Guesses())
    memory.clear()
    assert memory.find(asked(1), [4]) is not kept


def test_an_answer_that_ends_in_a_tree_is_thought_on_along_its_likeliest_branch() -> None:
    tree = grow(9, [Branch([1, 2, 3], 0.6), Branch([1, 4], 0.3)], 8)
    wanted = [100 + token for token in tree.tokens]
    assert behind(tree, tree.node([1]), wanted) == [101, 102, 103]
    assert behind(tree, tree.node([1, 4]), wanted) == [104]


def test_no_more_is_thought_than_is_worth_a_token() -> None:
    tree = grow(9, [Branch(LINE, 0.9, each=1.0)], 30)
    assert len(behind(tree, 0, tree.tokens)) == AHEAD


def passes(answers: Sequence[list[int]], model: Sequence[int], remembering: bool) -> int:
    """Passes, prefills included, of a line whose model says more and more of `model`: wherever it
    ends it would have gone on with that."""
    count, guesses = 0, Guesses()
    last: list[int] = []
    for answer in answers:
        if not remembering:
            guesses = Guesses()
        draft = Draft(last, guesses)
        lead = [*last, *guesses.ahead]
        right = sum(a == b for a, b in zip(lead, answer, strict=False))
        at, count = right + 1, count + 1
        draft.follow(answer[:at])
        while at <= len(answer):
            tree = draft.tree(answer[at - 1], 16)
            node = tree.node(answer[at:])
            step = tree.masks[node].bit_count()
            draft.follow(answer[at : at + step])
            at, count = at + step, count + 1
        guesses.ahead = list(model[len(answer) : len(answer) + AHEAD])
        last = answer
    return count


def test_a_line_that_grows_as_the_model_expected_costs_a_pass_an_update() -> None:
    answers = [LINE[:size] for size in (2, 2, 5, 5, 8, 12)]
    assert passes(answers, LINE, remembering=True) == 3 + 5
    assert passes(answers, LINE, remembering=False) == 3 + 1 + 4 + 1 + 4 + 5
