"""What the model would say next, kept from one question of a growing line to the next.

A pass over the model says at each token it reads what the model would write there, also where that
is not written: behind a difference, and where the answer ends, had it gone on. These are guesses at
the words that come when the source has grown, and they cost nothing. Each pass makes better ones of
them, since it reads those of the pass before (Jacobi decoding, Santilli et al. 2023,
https://arxiv.org/abs/2305.10427; kept as n-grams, Fu et al. 2024, https://arxiv.org/abs/2402.02057).

Like any draft they decide on how many passes an answer takes, and never on the answer.
"""

from collections import OrderedDict
from collections.abc import Sequence

AHEAD = 6  # tokens behind the end of an answer: the words of one more
THEN = 4  # tokens behind one that is new
KEPT = 512  # tokens of a line whose successor is remembered
LINES = 4096  # of which guesses are kept, the latest ones
TAIL = 8  # tokens by which a line is known again


class Guesses:
    """Those of one line. `learn` from every pass, `then` for a branch, `ahead` behind the end."""

    def __init__(self) -> None:
        self.ahead: list[int] = []
        self._next: OrderedDict[int, int] = OrderedDict()

    def learn(self, read: Sequence[int], wanted: Sequence[int]) -> None:
        """After each token of `read` the model would have written the one of `wanted`."""
        for token, following in zip(read, wanted, strict=True):
            self._next[token] = following
            self._next.move_to_end(token)
        while len(self._next) > KEPT:
            self._next.popitem(last=False)

    def then(self, token: int) -> list[int]:
        """What may follow `token`, the newest of the answer."""
        found: list[int] = []
        while len(found) < THEN and (following := self._next.get(token)) is not None:
            found.append(following)
            token = following
        return found


class Memory:
    """The guesses of the latest lines, found again by how the last answer ended."""

    def __init__(self, lines: int = LINES) -> None:
        self._lines = lines
        self._kept: OrderedDict[tuple[int, ...], Guesses] = OrderedDict()

    def keep(self, prompt: Sequence[int], answer: Sequence[int], guesses: Guesses) -> None:
        """For a question whose hypothesis will be `answer`, or the end of it."""
        key = _tail(prompt, answer)
        self._kept[key] = guesses
        self._kept.move_to_end(key)
        if len(self._kept) > self._lines:
            self._kept.popitem(last=False)

    def find(self, prompt: Sequence[int], hypothesis: Sequence[int]) -> Guesses:
        """What was kept for this hypothesis, or nothing yet."""
        if not hypothesis:
            return Guesses()
        return self._kept.get(_tail(prompt, hypothesis)) or Guesses()

    def clear(self) -> None:
        """Forget all lines."""
        self._kept.clear()


def _tail(prompt: Sequence[int], answer: Sequence[int]) -> tuple[int, ...]:
    """The last tokens: of a short answer also the prompt's, where nothing grows any more."""
    missing = max(0, TAIL - len(answer))
    return (*prompt[len(prompt) - missing :], *answer[-TAIL:])


memory = Memory()
