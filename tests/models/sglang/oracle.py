"""A model without a server: its tokens, and what it says after any of them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from zlib import crc32

import msgspec
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from models.sglang.frames import Counts, End, Event, Grown, Judged, Piece
from models.sglang.tokens import Ids, Local

MARKS = (
    *("<|im_start|>", "<|im_end|>", "<|audio_start|>", "<|audio_pad|>", "<|audio_end|>"),
    *("<think>", "</think>", "<asr_text>"),
)


def definition(marks: Sequence[str] = MARKS) -> bytes:
    """A tokenizer of single bytes and special tokens, Qwen's, some of them not called special."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: n for n, letter in enumerate(alphabet)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([mark for mark in marks if mark.startswith("<|")])
    made.add_tokens([mark for mark in marks if not mark.startswith("<|")])
    return str(made.to_str()).encode()


def vocabulary() -> Local:
    return Local(definition())


class Posting:
    """The tokenizer's pages of a server: special tokens are read wherever they are spelled."""

    def __init__(self, vocabulary: Local) -> None:
        self._full = vocabulary._full
        self.asked = 0

    async def __call__(self, path: str, body: Mapping[str, object]) -> bytes:
        self.asked += 1
        if path == "/v1/detokenize":
            tokens = body["tokens"]
            assert isinstance(tokens, Sequence)
            return msgspec.json.encode({"text": self._full.decode(tokens)})
        prompt = body["prompt"]
        assert path == "/v1/tokenize" and isinstance(prompt, list)
        found = [self._full.encode(text, add_special_tokens=False).ids for text in prompt]
        return msgspec.json.encode({"tokens": found})


class Oracle:
    """Greedy: after `prompt` it says `answer`, and after any other beginning something else, always
    the same. Answers as `/generate` does, `pace` tokens a piece."""

    def __init__(
        self, prompt: Ids, answer: Ids, stop: int, decode: Callable[[Ids], str], pace: int = 1
    ) -> None:
        self.prompt, self.told, self.stop = prompt, answer, stop
        self.decode, self.pace = decode, pace
        self.questions: list[tuple[Ids, int, Mapping[str, object], Mapping[str, object]]] = []
        self.dropped = 0

    def after(self, said: Ids) -> int:
        """The token that follows."""
        if said == self.told[: len(said)]:
            return (*self.told, self.stop)[len(said)]
        return crc32(repr(said).encode()) % 97

    async def __call__(
        self, ids: Ids, limit: int, sampling: Mapping[str, object], more: Mapping[str, object]
    ) -> AsyncGenerator[Event, None]:
        self.questions.append((ids, limit, sampling, more))
        size = len(self.prompt)
        assert ids[:size] == self.prompt and limit > 0
        if more.get("return_logprob"):
            start = more["logprob_start_len"]
            assert isinstance(start, int)
            known = ids[size:]
            yield Judged(tuple(self.after(known[:n]) for n in range(start + 1 - size, len(known))))
        said, ended, text = ids[size:], False, Grown()
        try:
            while not ended:
                fresh: Ids = ()
                while len(fresh) < self.pace and not ended:
                    fresh += (self.after(said + fresh),)
                    total = len(said) + len(fresh) - len(ids) + size
                    ended = fresh[-1] == self.stop or total >= limit
                said += fresh
                shown = tuple(token for token in said[len(ids) - size :] if token != self.stop)
                yield Piece(text.push(self.decode(shown), ended), fresh)
                await asyncio.sleep(0)
        except GeneratorExit:
            self.dropped += 1
            raise
        yield End("stop", Counts(prompt=len(ids), completion=len(said) - len(ids) + size))
