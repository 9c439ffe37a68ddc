"""Translation by a language model on SGLang: its last answer is verified, not said again."""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from functools import partial

from msgspec.structs import replace

from models.base import EngineError, Request, Spent
from models.prompts import prompts
from streaming.languages import UNSPACED, base

from .facts import Facts, facts
from .frames import Event, Generate
from .servers import Servers
from .tokens import Ids, Local, Recent, Remote, Tokens, Vocabulary
from .ways import Logprobs, Plain, Plugin, Question, Way

DEADLINE_S = 4.0
START_S = 120.0  # large weights load for minutes; the launcher waits longer and says what happens
PAIRS = (("zh", "en"), ("en", "zh"))  # what every Qwen is good at
ROOM_FOR = 0.5  # tokens of an answer for each byte of its source, twice what is usual; and
SPARE = 24  # these: "OK." may become a sentence
SAMPLE = ("Hello, 你好! It's 8:30 now.", "one\ntwo")

Pair = tuple[str, str]


class SGLang:
    """A `Translator` that can be made to continue, and is told what it said last time."""

    name = "sglang"
    forces_prefix = True
    generative = True

    def __init__(
        self,
        *,
        urls: Sequence[str] = (),
        model: str = "",
        key: str = "",
        pairs: Collection[Pair] = PAIRS,
        way: str = "",
        family: str = "",
        deadline_s: float = DEADLINE_S,
        start_s: float = START_S,
    ) -> None:
        """`urls`: of servers that serve the same model; `model`: its name there, by default the
        only one; `way`: how to use hypotheses (ways.py), `family`: how to talk to it
        (prompts.py), by default what suits the server; `deadline_s`: for one translation;
        `start_s`: for a server that is loading.

        EngineError: no such way or family.
        """
        if way and way not in WAYS:
            raise EngineError(f"There is no way {way!r} to use hypotheses; use {', '.join(WAYS)}.")
        self.on_spent: Callable[[Spent], None] = lambda spent: None
        self.facts = Facts(model)
        self._servers = Servers(urls, key=key, deadline_s=deadline_s)
        self._pairs = tuple(pairs)
        self._way, self._family, self._start_s = way, prompts.check(family), start_s
        self._said: Recent[tuple[str, str], Ids] = Recent()

    @property
    def pairs(self) -> Collection[Pair]:
        """Those asked for: a language model cannot say what it knows."""
        return self._pairs

    @property
    def slots(self) -> int | None:
        """Questions at a time, of all its servers; None: they do not say."""
        return self._servers.slots

    async def start(self) -> None:
        """Find out what is there, and translate a word. EngineError."""
        async with self._servers.starting("translator", self.name, self._start_s):
            self.facts = await facts(self._servers, self.facts.model)
            await self._choose()
            source, target = self._pairs[0]
            async with aclosing(self.translate(Request(source, target, "OK"))) as pieces:
                async for _ in pieces:
                    pass

    async def translate(self, request: Request) -> AsyncGenerator[str, None]:
        """The answer after the prefix, piece by piece. EngineError."""
        question = await self._question(request)
        ask = partial(self._generate, request=request)
        text = ""
        ids: Ids = ()
        async with aclosing(self.way.answer(question, ask)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Spent):
                    self.on_spent(replace(piece, room=request.room))
                    continue
                ids += piece.ids
                said = piece.text if text else piece.text.lstrip()
                text += said
                if said:
                    yield said
        self._said.put((_key(request.prefix), _key(text)), self._without_stop(ids))

    async def close(self) -> None:
        """Leave no connection."""
        await self._servers.close()

    async def _choose(self) -> None:
        """The vocabulary, the family and the way that suit the server."""
        known = self.facts
        self.family = prompts.FAMILIES.get(self._family) or prompts.family(
            f"{known.path} {known.model}"
        )
        vocabulary = await self._vocabulary()
        self.tokens = Tokens(vocabulary)
        (stop,) = await self.tokens([self.family.stop])
        self._stops = frozenset({stop})
        self.way: Way = WAYS[self._way or known.way](vocabulary)

    async def _vocabulary(self) -> Vocabulary:
        """The tokenizer's file, if it can be read here and is the one the server has."""

        async def post(path: str, body: Mapping[str, object]) -> bytes:
            return await self._servers.ask(path, lambda: body)

        there = Remote(post)
        here = await Local.read(self.facts.tokenizer) if self.facts.tokenizer else None
        if here is None or await here.encode(SAMPLE) != await there.encode(SAMPLE):
            return there
        return here

    async def _question(self, request: Request) -> Question:
        prompt = await self.tokens(self.family.prompt(request))
        limit = SPARE + int(ROOM_FOR * len(request.text.encode()))
        prefix: Ids = ()
        if forced := request.prefix.rstrip():
            prefix = await self.tokens([forced])
        hypothesis = await self._hypothesis(request) if self.way.name != "none" else ()
        return Question(prompt + prefix, hypothesis, limit, self._stops)

    async def _hypothesis(self, request: Request) -> Ids:
        """The tokens of the last answer: as they came, or of its text if the prefix has grown."""
        guess = request.hypothesis.strip()
        if not guess:
            return ()
        known = self._said.get((_key(request.prefix), _key(guess)))
        if known is not None:
            return known
        spaced = request.prefix and base(request.target) not in UNSPACED
        (ids,) = await self.tokens.vocabulary.encode([f" {guess}" if spaced else guess])
        return ids

    async def _generate(
        self,
        ids: Ids,
        limit: int,
        sampling: Mapping[str, object],
        more: Mapping[str, object],
        *,
        request: Request,
    ) -> AsyncGenerator[Event, None]:
        greedy = {"temperature": 0, "max_new_tokens": limit, "stop": ["\n"], **sampling}
        body = {"input_ids": ids, "sampling_params": greedy, **more}
        if self.facts.adapter:
            body["lora_path"] = self.facts.adapter
        if self.facts.priorities:  # finals overtake partials that wait
            body["priority"] = int(request.final)
        async with aclosing(
            self._servers.stream("/generate", body, Generate, request.room)
        ) as events:
            async for event in events:
                yield event

    def _without_stop(self, ids: Ids) -> Ids:
        return ids[:-1] if ids and ids[-1] in self._stops else ids


WAYS: dict[str, Callable[[Vocabulary], Way]] = {
    "plugin": lambda _: Plugin(),
    "logprobs": Logprobs,
    "ngram": lambda _: Plain("ngram"),
    "none": lambda _: Plain("none"),
}


def _key(text: str) -> str:
    """The text as it comes back: one line, single spaces."""
    return " ".join(text.split())
