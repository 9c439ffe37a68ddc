"""Text to tokens, such that nothing people say or type can become one that ends a turn.

Where the model's tokenizer can be read here it is used here; else the server is asked, which has
one in any case. Special tokens come of a `Mark` of ours and of nothing else.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec
from tokenizers import Tokenizer

from models.foreign import decoded
from models.prompts.prompts import Mark
from streaming.clean import clean

from .errors import Garbage

Ids = tuple[int, ...]
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

REMEMBERED = 4_096  # texts: the lines of a hundred rooms, 2 MB


class Vocabulary(Protocol):
    """A model's tokens."""

    async def encode(self, texts: Sequence[str]) -> list[Ids]:
        """The tokens of each text, none of them special, whatever the text spells."""
        ...

    async def mark(self, spelling: str) -> int:
        """The special token spelled so. Garbage: there is none."""
        ...

    async def decode(self, ids: Sequence[int]) -> str:
        """Their text, without that of special tokens; U+FFFD for half a character."""
        ...


class Local:
    """A tokenizer that was read from its file."""

    def __init__(self, definition: bytes) -> None:
        """`definition`: the content of tokenizer.json. Garbage: it is none."""
        try:
            # Without added tokens there is nothing but the text of what people say.
            plain = {**msgspec.json.decode(definition, type=dict), "added_tokens": []}
            self._plain = Tokenizer.from_str(msgspec.json.encode(plain).decode())
            self._full = Tokenizer.from_str(definition.decode())
        except Exception as error:  # what the library raises is of no narrower type
            raise Garbage(f"The tokenizer cannot be read: {clean(str(error), 300)}") from error

    @classmethod
    async def read(cls, folder: str) -> "Local | None":
        """The tokenizer of a model's folder, None if it is not to be had here. Garbage."""
        file = Path(folder, "tokenizer.json")
        try:
            return await asyncio.to_thread(lambda: cls(file.read_bytes()))
        except OSError:
            return None

    async def encode(self, texts: Sequence[str]) -> list[Ids]:
        return [tuple(self._plain.encode(text, add_special_tokens=False).ids) for text in texts]

    async def mark(self, spelling: str) -> int:
        found = self._full.token_to_id(spelling)
        if found is None:
            raise Garbage(f"The model's tokenizer has no {spelling}.")
        return int(found)

    async def decode(self, ids: Sequence[int]) -> str:
        return str(self._full.decode(list(ids), skip_special_tokens=True))


Post = Callable[[str, Mapping[str, object]], Awaitable[bytes]]


class Remote:
    """The server's own tokenizer. It reads special tokens wherever they are spelled, so text goes
    there in pieces that spell none: every one there is begins with one of these two letters."""

    def __init__(self, post: Post) -> None:
        """`post(path, body)`: the body of the answer."""
        self._post = post

    async def encode(self, texts: Sequence[str]) -> list[Ids]:
        pieces = [[piece for piece in re.split(r"(?<=[<\[])", text) if piece] for text in texts]
        found = iter(await self._tokens([piece for text in pieces for piece in text]))
        return [tuple(token for _ in text for token in next(found)) for text in pieces]

    async def mark(self, spelling: str) -> int:
        (found,) = await self._tokens([spelling])
        if len(found) != 1:
            raise Garbage(f"The model's tokenizer has no {spelling}.")
        return found[0]

    async def decode(self, ids: Sequence[int]) -> str:
        if not ids:
            return ""
        body = {"tokens": list(ids), "skip_special_tokens": True}
        data = await self._post("/v1/detokenize", body)
        return _decoded(data, _Text).text

    async def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        body = {"prompt": list(texts), "add_special_tokens": False}
        found = _decoded(await self._post("/v1/tokenize", body), _Tokens).tokens
        if len(found) != len(texts):
            raise Garbage("The server's tokenizer answers for another number of texts.")
        return found


class _Tokens(msgspec.Struct):
    tokens: list[list[int]]


class _Text(msgspec.Struct):
    text: str


S = TypeVar("S", bound=msgspec.Struct)


def _decoded(data: bytes, kind: type[S]) -> S:
    try:
        return decoded(data, kind)
    except ValueError as error:
        raise Garbage(f"The server's tokenizer answers garbage: {error}.") from error


class Recent(Generic[K, V]):
    """A memory that forgets what was not asked for the longest."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._held: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        if key in self._held:
            self._held.move_to_end(key)
        return self._held.get(key)

    def put(self, key: K, value: V) -> None:
        self._held[key] = value
        self._held.move_to_end(key)
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def __len__(self) -> int:
        return len(self._held)


class Tokens:
    """Prompts to tokens, by a vocabulary, each part of them once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._known: Recent[Mark | str, Ids] = Recent()

    async def __call__(self, parts: Iterable[Mark | str]) -> Ids:
        """The tokens of the parts, one after the other."""
        parts = tuple(parts)
        found: dict[Mark | str, Ids] = {}
        for part in parts:
            if (known := self._known.get(part)) is not None:
                found[part] = known
        missing = [part for part in dict.fromkeys(parts) if part not in found]
        texts = [part for part in missing if isinstance(part, str)]
        if texts:
            found.update(zip(texts, await self.vocabulary.encode(texts), strict=True))
        for part in missing:
            if isinstance(part, Mark):
                found[part] = (await self.vocabulary.mark(part.spelling),)
            self._known.put(part, found[part])
        return tuple(token for part in parts for token in found[part])
