"""Who reads which line: decided from what a reader asked for, never from who is connected."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from .languages import base
from .messages import Caption, Hello, Stability


@dataclass(frozen=True, slots=True)
class Reader:
    """What one participant asked to read."""

    reads: tuple[str, ...]
    source: bool
    stability: Stability
    trace: bool

    @classmethod
    def of(cls, hello: Hello) -> "Reader":
        """The same object for everybody who asks for the same, as far as can be: rooms may go by
        identity, which is quicker."""
        return _reader(tuple(hello.reads), hello.source, hello.stability, hello.trace)


@lru_cache(1_000)
def _reader(reads: tuple[str, ...], source: bool, stability: Stability, trace: bool) -> Reader:
    return Reader(reads, source, stability, trace)


def foreign(reads: Collection[str], spoken: str) -> list[str]:
    """The languages read that are not the one spoken."""
    return [language for language in reads if base(language) != base(spoken)]


def untranslated(reader: Reader, spoken: str, works: Callable[[str, str], bool]) -> bool:
    """Some language this reader reads cannot be had for what is spoken now."""
    return any(not works(spoken, language) for language in foreign(reader.reads, spoken))


def wants(reader: Reader, caption: Caption, works: Callable[[str, str], bool]) -> Caption | None:
    """The caption as this reader gets it, None if it is not for this reader.

    Words in a language that is read, or asked for by `source`, come as they were said; where a
    translation is wanted that cannot be had, they come in its place and say so.
    """
    if caption.kind == "translation":
        return caption if caption.language in reader.reads else None
    direct = reader.source or any(base(r) == base(caption.language) for r in reader.reads)
    if untranslated(reader, caption.language, works):
        return msgspec.structs.replace(caption, degraded="untranslated")
    return caption if direct else None
