"""What the frames of a model server say: native `/generate` and chat.

As recorded from SGLang 0.5.23, with the differences that other OpenAI-compatible servers have.
"""

from dataclasses import dataclass, replace

import msgspec

from models.foreign import decoded

BROKEN = "\ufffd"  # stands for bytes that are not, or not yet, a character


@dataclass(frozen=True, slots=True)
class Piece:
    """What came since the last piece."""

    text: str
    ids: tuple[int, ...] = ()
    """Tokens that came; their text may come later. () where the server does not say."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the model would have said in place of each token it was asked about (-1: unknown)."""

    greedy: tuple[int, ...]
    cached: int = 0
    """Tokens before them that the server remembered."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What an answer took, in tokens. 0 where the server does not say."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    audio: int = 0
    verified: int = 0
    """Verification passes of speculative decoding."""


@dataclass(frozen=True, slots=True)
class End:
    """The answer is whole."""

    reason: str
    """ "stop", "length", "abort", or another word of the server's."""
    counts: Counts = Counts()
    matched: int | str | None = None
    """The token or text that stopped it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The server says that it failed (`code` as of HTTP), or what no such server says (0)."""

    code: int
    message: str


Event = Piece | Judged | End | Failed


class Grown:
    """Text that grows; its end is held back while it may still be half a character."""

    def __init__(self) -> None:
        self.text = ""
        self._told = ""

    def push(self, text: str, final: bool) -> str:
        """What is new, given the whole `text` so far. ValueError: what was told has changed."""
        sure = text if final else text.rstrip(BROKEN)
        if self._told.startswith(sure):  # what the answer stops at is taken back again
            sure = self._told
        if not sure.startswith(self._told):
            raise ValueError(f"the text has changed after {self._told[-20:]!r}")
        news, self.text, self._told = sure[len(self._told) :], text, sure
        return news


class _Finish(msgspec.Struct):
    type: str
    matched: int | str | None = None
    message: str | None = None
    status_code: int | None = None


class _Meta(msgspec.Struct):
    finish_reason: _Finish | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    spec_verify_ct: int = 0
    input_top_logprobs: list[list[tuple[float | None, int, str | None]] | None] | None = None


class _Generated(msgspec.Struct):
    meta_info: _Meta
    text: str = ""
    output_ids: list[int] = []


class Generate:
    """Reads the frames of `/generate`, which are the whole answer each time, or (where the server
    runs with --incremental-streaming-output) what is new in it, several tokens at a time."""

    def __init__(self) -> None:
        self.whole = False
        self._grown = Grown()
        self._tokens = 0
        self._judged = False

    def push(self, data: bytes) -> list[Event]:
        """Take a frame. ValueError: it is none."""
        frame = decoded(data, _Generated)
        meta, ids = frame.meta_info, frame.output_ids
        events: list[Event] = []
        if meta.input_top_logprobs and not self._judged:
            self._judged = True  # every frame has them, the same
            # The first stands for the token before the ones we ask about, and is always null.
            tops = meta.input_top_logprobs[1:]
            greedy = tuple(top[0][1] if top else -1 for top in tops)
            events.append(Judged(greedy, meta.cached_tokens))
        # Both kinds begin alike; later only whole answers have as many tokens as they count.
        cumulative = len(ids) == meta.completion_tokens
        fresh = ids[self._tokens :] if cumulative else ids
        text = frame.text if cumulative else self._grown.text + frame.text
        self._tokens = meta.completion_tokens
        if (said := self._grown.push(text, meta.finish_reason is not None)) or fresh:
            events.append(Piece(said, tuple(fresh)))
        if meta.finish_reason is not None:
            self.whole = True
            events.append(_end(meta, meta.finish_reason))
        return events

    def close(self) -> list[Event]:
        """Nothing: the last frame said it all."""
        return []


def _end(meta: _Meta, finish: _Finish) -> Event:
    if finish.type == "abort" and finish.status_code:  # refused, or given up: no answer at all
        return Failed(finish.status_code, finish.message or "aborted")
    counts = Counts(
        prompt=meta.prompt_tokens,
        cached=meta.cached_tokens,
        completion=meta.completion_tokens,
        verified=meta.spec_verify_ct,
    )
    return End(finish.type, counts, finish.matched)


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta
    finish_reason: str | None = None
    matched_stop: int | str | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    audio_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Speculation(msgspec.Struct):
    spec_verify_ct: int = 0


class _Extra(msgspec.Struct):
    spec_tokens_details: _Speculation | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None
    sglext: _Extra | None = None


class Chat:
    """Reads the chunks of `/v1/chat/completions`. The figures come after the reason for the end, so
    the end is told last. What a model thinks aloud (`reasoning_content`) is not its answer."""

    def __init__(self) -> None:
        self._grown = Grown()
        self._counts = Counts()
        self._end: End | None = None

    @property
    def whole(self) -> bool:
        """The reason for the end has come."""
        return self._end is not None

    def push(self, data: bytes) -> list[Event]:
        """Take a chunk. ValueError: it is none."""
        chunk = decoded(data, _Chunk)
        self._count(chunk)
        if not chunk.choices:
            return []
        choice = chunk.choices[0]
        if choice.finish_reason is not None:
            self._end = End(choice.finish_reason, matched=choice.matched_stop)
        said = self._grown.push(self._grown.text + (choice.delta.content or ""), self.whole)
        return [Piece(said)] if said else []

    def close(self) -> list[Event]:
        """The end, with the figures."""
        return [replace(self._end, counts=self._counts)] if self._end else []

    def _count(self, chunk: _Chunk) -> None:
        if usage := chunk.usage:
            details = usage.prompt_tokens_details or _Details()
            self._counts = replace(
                self._counts,
                prompt=usage.prompt_tokens,
                completion=usage.completion_tokens or 0,
                cached=details.cached_tokens or 0,
                audio=details.audio_tokens or 0,
            )
        if chunk.sglext and (spec := chunk.sglext.spec_tokens_details):
            self._counts = replace(self._counts, verified=spec.spec_verify_ct)
