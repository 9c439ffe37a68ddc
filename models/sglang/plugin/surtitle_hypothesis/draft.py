"""What one request has to offer for verification, and how much of it is worth the computing."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from .alignment import Alignment
from .guesses import Guesses
from .tree import Branch, Tree, chain, grow

KEY = "draft_token_ids"
"""Where a request carries its hypothesis: `sampling_params.custom_params[KEY]`, token ids."""
LONGEST = 512  # tokens; a caption line has 60, and whoever sends more pays for it himself
SURE = 0.95  # that a hypothesis which was right so far goes on being right
LOST = 0.9  # that some place in it is right after it was wrong
NEVER = 0.02  # a guess less likely than this is not worth a token verified
BEHIND = 0.35  # how much less likely a place is for each edit it lies behind the best
MATCHED = 2.1  # and how much likelier for each token before it that is right
GRAMS = 0.3  # what n-grams are worth beside a hypothesis
GRAM = 0.8  # and that each further token of theirs is right
WANTED = 0.3  # what is worth a token that the model wanted to write at this place before
WANT = 0.6  # and each further one


class Refused(ValueError):
    """This is no hypothesis; `why` is one word for a counter."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def read(custom_params: Any, vocabulary: int) -> list[int]:
    """The hypothesis of a request, [] if it has none. Refused: "type", "length" or "range"."""
    if not isinstance(custom_params, dict) or custom_params.get(KEY) is None:
        return []
    tokens = custom_params[KEY]
    if not isinstance(tokens, list):
        raise Refused("type")
    if len(tokens) > LONGEST:
        raise Refused("length")
    if not all(type(token) is int for token in tokens):
        raise Refused("type")
    if not all(0 <= token < vocabulary for token in tokens):
        raise Refused("range")
    return tokens


class Draft:
    """One request's hypothesis at work: `follow` the output, `tree` for the next pass.

    What the model would have said next, `guesses`, stands behind it and beside it.
    """

    def __init__(self, hypothesis: Sequence[int], guesses: Guesses | None = None) -> None:
        self.guesses = guesses or Guesses()
        self.alignment = Alignment([*hypothesis, *self.guesses.ahead])
        self.each = 0.93  # of its tokens, so many were right lately
        self.passes = 0

    @property
    def length(self) -> int:
        """Tokens of output followed so far."""
        return len(self.alignment.produced)

    def follow(self, tokens: Iterable[int]) -> None:
        """The output went on with `tokens`."""
        for token in tokens:
            self.alignment.push(token)

    def learn(self, accepted: int) -> None:
        """A pass took `accepted` of the tokens it was offered."""
        self.passes += 1
        right = (accepted + 1) / (accepted + 2)
        self.each += 0.3 * (right - self.each)
        self.each = min(max(self.each, 0.5), 0.97)

    @property
    def rest(self) -> Sequence[int] | None:
        """What follows if the output goes on as it began; None once they have come apart."""
        if not self.alignment.together:
            return None
        return self.alignment.hypothesis[self.length :]

    @property
    def reach(self) -> int:
        """So many tokens of a chain are worth verifying in one pass."""
        return max(1, int(math.log(NEVER / SURE) / math.log(self.each)))

    def tree(self, root: int, width: int, grams: Sequence[int] = ()) -> Tree:
        """At most `width` tokens to verify, the newest token `root` among them."""
        rest = self.rest
        if rest:
            return chain([root, *rest[: min(width - 1, self.reach)]])
        places = self.alignment.places()
        weights = [BEHIND**place.behind * MATCHED**place.matched for place in places]
        total = sum(weights)
        branches = [
            Branch(
                self.alignment.hypothesis[place.at : place.at + width],
                LOST * weight / total,
                self.each,
            )
            for place, weight in zip(places, weights, strict=True)
        ]
        if wanted := self.guesses.then(root):
            branches.append(Branch(wanted, WANTED if places else LOST, WANT))
        if grams:
            branches.append(Branch(grams, GRAMS if places else LOST, GRAM))
        return grow(root, branches, width, NEVER)
