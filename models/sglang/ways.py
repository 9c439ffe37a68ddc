"""What the last answer is good for when its source has grown: four ways to ask, all of them exact.

    plugin    our algorithm in the server verifies the hypothesis, many tokens a pass  (Hypothesis)
    logprobs  any server: what it thinks of each token of the hypothesis is one pass   (Logprobs)
    ngram     the server drafts from what it said before: nothing to send              (Plain)
    none      nothing                                                                  (Plain)

Exact: decoding is greedy, so the answer is the same in all four but for ties within rounding. The
idea is that of Zeng et al. 2025 (https://arxiv.org/abs/2509.21740), without their bias.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from models.base import Spent

from .errors import Aborted, Garbage
from .frames import BROKEN, End, Event, Judged, Piece
from .tokens import Ids, Vocabulary

MOST_OFFERED = 256  # tokens: a line has 30, and every one of them is verified at a cost


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered, in tokens."""

    prompt: Ids
    """Everything before the answer, a prefix that was forced on it included."""
    hypothesis: Ids
    limit: int
    """Tokens that the answer may have, the accepted ones included."""
    stops: frozenset[int] = frozenset()
    """Tokens that end an answer."""


class Generate(Protocol):
    """`/generate`, greedy, with the deadline and the server of one translation."""

    def __call__(
        self, ids: Ids, limit: int, sampling: Mapping[str, object], more: Mapping[str, object]
    ) -> AsyncGenerator[Event, None]:
        """Continue `ids`; `sampling` and `more` are added to the question. ServerError."""
        ...


class Way(Protocol):
    """How to ask."""

    name: str

    def answer(self, question: Question, ask: Generate) -> AsyncGenerator[Piece | Spent, None]:
        """The answer, and at its end what it took. ServerError."""
        ...


class Plain:
    """The question alone. `name` says why: the server drafts by itself, or nobody does."""

    def __init__(self, name: str = "none") -> None:
        self.name = name

    async def answer(
        self, question: Question, ask: Generate
    ) -> AsyncGenerator[Piece | Spent, None]:
        """As it comes."""
        async with aclosing(ask(question.prompt, question.limit, {}, {})) as events:
            async for piece in _told(events, question, speculates=self.name == "ngram"):
                yield piece


class Plugin:
    """The hypothesis goes with the question; the server's algorithm does the rest."""

    name = "plugin"

    async def answer(
        self, question: Question, ask: Generate
    ) -> AsyncGenerator[Piece | Spent, None]:
        """As it comes, with many tokens a piece."""
        offered = question.hypothesis[:MOST_OFFERED]
        custom = {"custom_params": {"draft_token_ids": list(offered)}} if offered else {}
        async with aclosing(ask(question.prompt, question.limit, custom, {})) as events:
            async for piece in _told(events, question, speculates=True):
                if isinstance(piece, Spent):  # every other token of the answer needed a pass
                    saved = max(0, piece.tokens - piece.passes)
                    piece = replace(piece, offered=len(offered), accepted=min(len(offered), saved))
                yield piece


class Logprobs:
    """The hypothesis goes behind the prompt, and the server says what it would have said there.

    It goes on behind the hypothesis at once: if all of that was right, one question was enough. If
    not, its stream is dropped and a second one goes on from the first difference.
    """

    name = "logprobs"

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    async def answer(
        self, question: Question, ask: Generate
    ) -> AsyncGenerator[Piece | Spent, None]:
        """What was right of the hypothesis in one piece, and the rest as it comes."""
        offered = question.hypothesis[: min(MOST_OFFERED, question.limit - 1)]
        text = await self._vocabulary.decode(offered)
        if not offered or text.endswith(BROKEN):  # it would go on with half a character
            async with aclosing(Plain().answer(question, ask)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        size = len(offered)
        judging = {
            "return_logprob": True,
            "logprob_start_len": len(question.prompt) - 1,  # the first one is always null
            "top_logprobs_num": 1,
        }
        behind = question.prompt + offered
        async with aclosing(ask(behind, question.limit - size, {}, judging)) as events:
            judged = await _judged(events, size)
            right = common(offered, judged.greedy)
            if right == size:
                yield Piece(text, offered)
                async for piece in _told(events, question):
                    yield _with(piece, size, size, tokens=size)
                return
        async with aclosing(self._corrected(question, ask, judged.greedy[: right + 1])) as rest:
            async for piece in rest:
                yield _with(piece, size, right, passes=1, cached=judged.cached)

    async def _corrected(
        self, question: Question, ask: Generate, sure: Ids
    ) -> AsyncGenerator[Piece | Spent, None]:
        """The answer that begins with `sure`: what was right, and the model's own next token."""
        text = await self._vocabulary.decode(sure)
        if sure[-1] in question.stops or "\n" in text or len(sure) >= question.limit:
            yield Piece(text.partition("\n")[0], sure)
            yield Spent(tokens=len(sure), prompt=len(question.prompt))
            return
        while sure and text.endswith(BROKEN):  # half a character: the server would tell the rest
            sure = sure[:-1]
            text = await self._vocabulary.decode(sure)
        yield Piece(text, sure)
        behind = question.prompt + sure
        async with aclosing(ask(behind, question.limit - len(sure), {}, {})) as events:
            async for piece in _told(events, question):
                yield _with(piece, 0, 0, tokens=len(sure))


def common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens both begin with."""
    for n, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return n
    return min(len(a), len(b))


async def _judged(events: AsyncGenerator[Event, None], size: int) -> Judged:
    event = await anext(events, None)
    if isinstance(event, Judged) and len(event.greedy) == size:
        return event
    raise Garbage("The server does not say what it thinks of the hypothesis.")


async def _told(
    events: AsyncGenerator[Event, None], question: Question, speculates: bool = False
) -> AsyncGenerator[Piece | Spent, None]:
    """The pieces, and what they took. Aborted: the server gave up."""
    async for event in events:
        if isinstance(event, Piece):
            yield event
        elif isinstance(event, End):
            if event.reason == "abort":
                raise Aborted("The server gave its answer up.")
            counts = event.counts
            later = counts.verified or (0 if speculates else max(0, counts.completion - 1))
            yield Spent(
                passes=1 + later,  # that of the prompt yields the first token, if not more
                tokens=counts.completion,
                prompt=len(question.prompt),
                cached=min(counts.cached, len(question.prompt)),
            )


def _with(
    piece: Piece | Spent,
    offered: int,
    accepted: int,
    passes: int = 0,
    tokens: int = 0,
    cached: int | None = None,
) -> Piece | Spent:
    """The piece; what was spent, and this. `cached` of the first question counts."""
    if isinstance(piece, Piece):
        return piece
    return replace(
        piece,
        offered=piece.offered + offered,
        accepted=piece.accepted + accepted,
        passes=piece.passes + passes,
        tokens=piece.tokens + tokens,
        cached=piece.cached if cached is None else min(cached, piece.prompt),
    )
