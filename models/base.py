"""What the server asks of a model. An engine is anything with these methods.

All of them may raise `EngineError`, whose text is a sentence an operator understands; nothing else
that an engine raises is expected. Deadlines are the caller's: every call may be cancelled, and an
engine that was cancelled must be usable by the next call.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from streaming.values import Pair


class EngineError(Exception):
    """The engine cannot do this, in words for the person who runs the server."""

    @property
    def passing(self) -> bool:
        """It may be over in a while: the same is worth asking then."""
        return False


class Heard(Struct, frozen=True, gc=False):
    """The newest hypothesis for a whole segment."""

    text: str
    """Everything said in the segment so far, '' for nothing, spaced as it should be read."""
    language: str
    """The language it was said in: one of those the segment was opened with."""


class Request(Struct, frozen=True, gc=False):
    """A translation wanted: `prefix` and what follows it together translate `text`."""

    source: str
    """Language of `text`, as a code: "en"."""
    target: str
    text: str
    """What is to be translated: a sentence, or what was heard so far of one or two."""
    prefix: str = ""
    """What the answer must begin with and will not repeat. Always '' unless `forces_prefix`."""
    hypothesis: str = ""
    """What was answered last time after the prefix: a guess to verify, never to trust."""
    context: tuple[Pair, ...] = ()
    """The last closed lines of the conversation, oldest first."""
    glossary: tuple[tuple[str, str], ...] = ()
    """(term, translation) pairs whose term occurs in `text`: to be obeyed."""
    final: bool = False
    """`text` is a whole sentence, or the end of what was said: the answer stays."""
    room: str = ""
    """Whose conversation it is: equal ones are best asked at the same place. Never logged."""
    columns: int = 0
    """Of the widest display it is read on, if all of them are known; else 0."""


class Spent(Struct, frozen=True, gc=False):
    """What one translation took, in tokens and in passes through the model."""

    offered: int = 0
    """Tokens of the hypothesis that the model was given to verify."""
    accepted: int = 0
    """Those of them that it would have said itself."""
    passes: int = 0
    tokens: int = 0
    """Of the answer, the accepted ones included."""
    prompt: int = 0
    cached: int = 0
    """Tokens of the prompt that the server remembered."""
    room: str = ""
    """Whose conversation it was, as in `Request`."""


class Ear(Protocol):
    """A detector's memory of one microphone. Opaque."""


class Detector(Protocol):
    """Says how likely 32 ms of sound are speech, for many microphones in one call.

    Called from the event loop or from one worker thread, never from two threads at once.
    """

    name: str

    def ear(self) -> Ear:
        """A fresh memory, for a new microphone or after a long silence."""
        ...

    def probabilities(self, windows: Sequence[tuple[Ear, bytes]]) -> Sequence[float]:
        """The likelihood of speech in each window of 512 samples (1,024 bytes).

        An ear may occur several times in a call: its windows come in order, call after call.
        """
        ...


class Hints(Struct, frozen=True, gc=False):
    """What a segment may be about."""

    terms: tuple[str, ...] = ()
    """Names and terms of the room's glossary, in the languages of the microphone."""
    said: str = ""
    """The last sentence of the conversation, in one of those languages."""


class Hearing(Protocol):
    """One segment being recognized."""

    async def hear(self, pcm: bytes, committed: str) -> Heard:
        """Take the audio since the last call (any length, may be empty); say what the segment says.

        `committed` is text already promised to readers: engines that can, continue from it.
        """
        ...

    async def finish(self, pcm: bytes) -> Heard:
        """Take the last audio; the best answer for the whole segment. Called once, at the end."""
        ...

    async def close(self) -> None:
        """Free what the segment holds. Safe after an error and when called twice."""
        ...


class Recognizer(Protocol):
    """Writes down what is said. One for the server; its methods are called from the event loop."""

    name: str
    hop_ms: int
    """How much new audio is worth an update."""
    punctuates: bool
    """Its text carries sentence ends, so that a complete clause can be told by its last mark."""

    @property
    def languages(self) -> Collection[str]:
        """What it can hear."""
        ...

    async def start(self) -> None:
        """Load and warm up; returns when it can answer."""
        ...

    async def open(self, speaker: str, languages: Sequence[str]) -> Hearing:
        """Begin a segment of `speaker`, in one of `languages`. Segments of one speaker come one
        after the other, so an engine may keep what it has learned of the voice between them.
        """
        ...

    async def leave(self, speaker: str) -> None:
        """The speaker is gone: free what was kept of the voice."""
        ...

    async def close(self) -> None:
        """Stop; leave no process behind."""
        ...


@runtime_checkable
class Primed(Protocol):
    """A recognizer that hears names and terms better when it knows that they may come."""

    def prime(self, speaker: str, hints: Hints) -> None:
        """Take what the segments of `speaker` that are opened from now on may be about."""
        ...


@runtime_checkable
class Doubting(Protocol):
    """A recognizer that does not believe all its model writes (`models.guards.transcripts`)."""

    on_doubt: Callable[[str], None]
    """Told what is wrong with each answer that is not shown, in a word or two."""


@runtime_checkable
class Frugal(Protocol):
    """A translator that says what each answer took."""

    on_spent: Callable[[Spent], None]


@runtime_checkable
class Bounded(Protocol):
    """An engine that takes so many questions at a time, and may take fewer tomorrow."""

    @property
    def slots(self) -> int | None:
        """Questions at a time; None: nobody knows."""
        ...


@runtime_checkable
class Generative(Protocol):
    """A translator that may answer anything, as language models do: `models.guards.translations`
    judges what it says before anybody reads it."""

    generative: bool


class Translator(Protocol):
    """Translates. One for the server; its methods are called from the event loop."""

    name: str
    forces_prefix: bool
    """It can be made to continue a given translation."""

    @property
    def pairs(self) -> Collection[tuple[str, str]]:
        """(source, target) languages it translates."""
        ...

    async def start(self) -> None:
        """Load and warm up; returns when it can answer."""
        ...

    def translate(self, request: Request) -> AsyncIterator[str]:
        """Pieces that join to the translation of `text` after `prefix`. Closing the iterator
        cancels the work."""
        ...

    async def close(self) -> None:
        """Stop; leave no process behind."""
        ...
