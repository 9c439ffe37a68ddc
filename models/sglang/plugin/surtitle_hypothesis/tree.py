"""The token tree that one verification pass tries: the likeliest continuations, best first."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WIDEST = 63  # nodes: a node's ancestors are bits of one integer

CHAIN = [(2 << node) - 1 for node in range(WIDEST)]  # every node's ancestors are all before it
FILLER = [1 | 1 << node for node in range(WIDEST)]  # hangs on the root


@dataclass(frozen=True, slots=True)
class Branch:
    """A guess at what comes next."""

    tokens: Sequence[int]
    chance: float
    """That it is the right one."""
    each: float = 0.95
    """That a token follows, given the ones before it."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes in the order in which they are verified, a parent before its children.

    Node 0 is the newest token of the output, whose successor is asked for.
    """

    tokens: list[int]
    masks: list[int]
    """Bit j of masks[i]: node j is node i, or an ancestor of it."""

    def __len__(self) -> int:
        return len(self.tokens)

    def parent(self, node: int) -> int:
        """-1 for the root."""
        return (self.masks[node] ^ (1 << node)).bit_length() - 1

    def children(self, node: int) -> Iterator[int]:
        """Its successors that are tried, the likeliest first."""
        return (child for child in range(node + 1, len(self)) if self.parent(child) == node)

    def node(self, path: Iterable[int]) -> int:
        """Where the tokens `path` lead from the root, as far as they are in it."""
        node = 0
        for token in path:
            right = (child for child in self.children(node) if self.tokens[child] == token)
            if not (child := next(right, 0)):
                break
            node = child
        return node


def chain(tokens: Sequence[int]) -> Tree:
    """One guess and no other, after the newest token, which comes first."""
    return Tree(list(tokens), CHAIN[: len(tokens)])


def grow(root: int, branches: Sequence[Branch], width: int, least: float = 0.0) -> Tree:
    """The `width - 1` likeliest tokens after `root`, none below the chance `least`.

    Branches that begin alike share their nodes, and their chances add up.
    """
    tokens, masks = [root], [1]
    # (-chance, when found, parent, depth, the branches that agree so far with their chances)
    waiting: list[tuple[float, int, int, int, list[tuple[Branch, float]]]] = []
    found = 0

    def sprout(parent: int, depth: int, agreeing: list[tuple[Branch, float]]) -> None:
        nonlocal found
        children: dict[int, list[tuple[Branch, float]]] = {}
        for branch, chance in agreeing:
            if depth < len(branch.tokens):
                child = branch, chance * branch.each
                children.setdefault(branch.tokens[depth], []).append(child)
        for same in children.values():
            chance = sum(one[1] for one in same)
            if chance >= least:
                found += 1
                heapq.heappush(waiting, (-chance, found, parent, depth + 1, same))

    sprout(0, 0, [(branch, branch.chance) for branch in branches])
    while waiting and len(tokens) < width:
        _, _, parent, depth, same = heapq.heappop(waiting)
        node = len(tokens)
        tokens.append(same[0][0].tokens[depth - 1])
        masks.append(masks[parent] | 1 << node)
        sprout(node, depth, same)
    return Tree(tokens, masks)


def laid_out(
    trees: Sequence[Tree], width: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """(tokens, masks) of shapes (trees, width) and (trees, width, width), as SGLang takes them.

    What a tree leaves free is filled with copies of its root that hang on the root: a filler is
    accepted only where the model's own next token is that one, so it never changes an answer.
    """
    tokens = [tree.tokens + tree.tokens[:1] * (width - len(tree)) for tree in trees]
    rows = [tree.masks + FILLER[len(tree) : width] for tree in trees]
    bits = np.array(rows, dtype=np.int64).reshape(len(trees), width, 1)
    return np.array(tokens, dtype=np.int64), (bits >> np.arange(width) & 1).astype(bool)
