"""Lines that grow while they are translated, and what that took: `hypotheses` measures by them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.sglang.tokens import Ids

MODEL = Path(__file__).parent / "teensy"
HAN = 1  # characters that a source in Chinese grows by where one in English grows by a word
SENTENCES = 4  # of a long line

Language = str


@dataclass(frozen=True, slots=True)
class Line:
    """What somebody says, and how it grows."""

    target: Language
    words: tuple[str, ...]
    windowed: bool = False
    """Its older tokens, once answered twice, are held to, as the server does it."""

    def states(self, hop: int) -> Iterator[str]:
        """The text after every `hop` words, and whole."""
        for count in range(hop, len(self.words) + hop, hop):
            yield "".join(self.words[:count]).strip()


@dataclass(slots=True)
class Tally:
    """What one scheme took for one kind of line."""

    updates: int = 0
    passes: int = 0
    tokens: int = 0
    verified: int = 0
    offered: int = 0
    accepted: int = 0
    """Tokens that did not need a pass of their own."""
    different: int = 0
    """Updates whose answer is not the plain one's, token for token."""
    erased: int = 0
    final: int = 0
    """Tokens of the lines' last answers."""
    answers: list[list[Ids]] = field(default_factory=list)

    def figures(self, plain: "Tally") -> dict[str, float]:
        """Per update, and against plain."""
        return {
            "updates": self.updates,
            "passes": round(self.passes / self.updates, 3),
            "times_fewer": round(plain.passes / self.passes, 2),
            "verified": round(self.verified / self.updates, 1),
            "acceptance": round(self.accepted / self.offered, 3) if self.offered else 0.0,
            "different": self.different,
            "erasure": round(self.erased / self.final, 2),
        }


def lines(kind: str, target: Language, count: int) -> list[Line]:
    """Held-out sentences: one by one ("short"), or several in a row, which are translated again
    as a whole ("long") or but for what is old enough ("windowed")."""
    pairs = json.loads((MODEL / "heldout.json").read_text("utf-8"))
    said = [english if target == "Chinese" else chinese for english, chinese in pairs]
    if kind != "short":
        between = " " if target == "Chinese" else ""
        starts = range(0, count * SENTENCES, SENTENCES)
        said = [between.join(said[at : at + SENTENCES]) for at in starts]
    return [Line(target, words(text, target), kind == "windowed") for text in said[:count]]


def words(text: str, target: Language) -> tuple[str, ...]:
    """The words of a source in the language that is not `target`."""
    if target == "Chinese":
        return tuple(f"{word} " for word in text.split())
    return tuple(text[at : at + HAN] for at in range(0, len(text), HAN))


def least(answers: Sequence[Sequence[Ids]]) -> float:
    """Passes an update that no draft made of the last answer alone can do with less than: one for
    each token that is not in that answer, in its order, and one in any case."""
    passes = updates = 0
    for line in answers:
        last: Ids = ()
        for answer in line:
            passes += max(1, len(answer) + 1 - _shared(last, answer))
            updates += 1
            last = answer
    return passes / updates


def _shared(a: Ids, b: Ids) -> int:
    """Length of the longest common subsequence; what ends an answer is common to all but none."""
    if not a:
        return 0
    row = [0] * (len(b) + 1)
    for x in a:
        before, row = row, [0]
        for at, y in enumerate(b):
            row.append(before[at] + 1 if x == y else max(before[at + 1], row[at]))
    return row[-1] + 1
