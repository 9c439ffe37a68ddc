"""Translation by any server that speaks OpenAI's chat: llama.cpp, Ollama, vLLM, a company's own.

No hypotheses and no forced beginnings: some servers continue a last message of the assistant
if a field of their own says so, and the others answer it: readers would see the beginning twice.
SGLang has an engine of its own.
"""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing

from models.base import Request
from models.prompts import prompts
from models.sglang import errors
from models.sglang.facts import facts
from models.sglang.frames import Chat, End
from models.sglang.servers import Servers

PAIRS = (("zh", "en"), ("en", "zh"))
ROOM_FOR, SPARE = 0.5, 24  # tokens of an answer for each byte of its source, and these
START_S = 120.0
UNTHINKING = {"chat_template_kwargs": {"enable_thinking": False}}  # vLLM, SGLang, llama.cpp

Pair = tuple[str, str]


class OpenAI:
    """A `Translator`, by /v1/chat/completions."""

    name = "openai"
    forces_prefix = False
    generative = True

    def __init__(
        self,
        *,
        urls: Sequence[str] = (),
        model: str = "",
        key: str = "",
        pairs: Collection[Pair] = PAIRS,
        family: str = "",
        deadline_s: float = 4.0,
        start_s: float = START_S,
    ) -> None:
        """`urls`: of servers of the same model; `model`: its name there, by default the only one;
        `family`: how to talk to it (prompts.py); `deadline_s`: for one translation; `start_s`: for
        a server that is loading.

        EngineError: no such family.
        """
        self._servers = Servers(urls, key=key, deadline_s=deadline_s)
        self._model, self._pairs, self._start_s = model, tuple(pairs), start_s
        self._family = prompts.check(family)
        self._more: Mapping[str, object] = UNTHINKING

    @property
    def pairs(self) -> Collection[Pair]:
        """Those asked for."""
        return self._pairs

    @property
    def slots(self) -> int | None:
        """Questions at a time, of all its servers; None: they do not say."""
        return self._servers.slots

    async def start(self) -> None:
        """Find out what is there, and translate a word. EngineError."""
        async with self._servers.starting("translator", self.name, self._start_s):
            known = await facts(self._servers, self._model)
            self._model = known.model
            self._family = self._family or prompts.family(f"{known.path} {known.model}").name
            await self._try()

    async def translate(self, request: Request) -> AsyncGenerator[str, None]:
        """The first line of the answer, piece by piece. EngineError."""
        turns = prompts.FAMILIES[self._family].turns(request)
        body = {
            "model": self._model,
            "messages": [
                {"role": turn.role, "content": prompts.defused(turn.text)} for turn in turns
            ],
            "temperature": 0,
            "max_tokens": SPARE + int(ROOM_FOR * len(request.text.encode())),
            **self._more,
        }
        line = Line()
        async with aclosing(
            self._servers.stream("/v1/chat/completions", body, Chat, request.room)
        ) as events:
            async for event in events:
                if isinstance(event, End):
                    if event.reason == "abort":
                        raise errors.Aborted("The server gave its answer up.")
                elif said := line.push(getattr(event, "text", "")):
                    yield said
                if line.over:
                    return

    async def close(self) -> None:
        """Leave no connection."""
        await self._servers.close()

    async def _try(self) -> None:
        """A word; without the field that not every server knows, if that is what is wrong."""
        source, target = self._pairs[0]
        try:
            async with aclosing(self.translate(Request(source, target, "OK"))) as pieces:
                async for _ in pieces:
                    pass
        except errors.Refused as error:
            if not self._more or isinstance(error, errors.WrongKey | errors.NoModel):
                raise
            self._more = {}
            await self._try()


class Line:
    """The first line of an answer, without what a model thinks aloud before it."""

    OPEN, CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        self.over = False
        """What comes now is not of it."""
        self._held = ""
        self._begun = False

    def push(self, text: str) -> str:
        """What is new of the line."""
        self._held += text
        if not self._begun:
            self._held = self._held.lstrip()
            if self._held.startswith(self.OPEN):
                _, closed, self._held = self._held.partition(self.CLOSE)
                if not closed:
                    self._held = self.OPEN
                    return ""
                return self.push("")
            if self.OPEN.startswith(self._held):
                return ""
            self._begun = True
        said, newline, _ = self._held.partition("\n")
        self._held, self.over = "", bool(newline)
        return said
