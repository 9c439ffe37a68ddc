"""How long a verification pass takes on this card, and how many speakers that allows.

One file, to be copied to a machine with one NVIDIA card. It needs PyTorch, and transformers only
for two of its checks and one comparison; it imports nothing of ours and downloads nothing: the
shapes are real, the weights random.

    python gpu.py --out card.json          # all of it, in at most eight minutes
    python gpu.py --tiny --out tiny.json   # every path with tiny shapes on a processor, in seconds
    python gpu.py --again card.json        # the speakers computed anew from figures measured before

**What is timed.** A decoder of the Qwen3 shape as a serving engine runs it: a pool of token slots
for keys and values, requests of different lengths (385 to 400 tokens, read out of 448), positions,
cache writes and masks made inside the pass, the greedy token and the count of accepted draft tokens
at its end; bfloat16, recorded as one CUDA graph. Attention is PyTorch's, with the heads that share
keys folded into the queries, so that no key is copied. A *verification pass of length K* is the
last token and K - 1 draft tokens. Sampling, tokenising, scheduling and HTTP are not in it. Engines
with fused kernels are somewhat faster at small batches: take the figures as an upper bound. Before
anything is timed, the same code in float32 must give the same tokens in one pass as one by one, at
every row, reject a wrong draft where it is wrong, and agree with transformers; if not, that is said
above the table.

**What the figures allow** is a computation, not a measurement: events on a virtual clock, the same
on every run. Everybody speaks without a pause and is read in one other language. Every 320 ms a
speaker's newest sample sets out. The stages that are no model take what the budget gives them at
p95, each time: 63 ms before recognition (capture 25, uplink 25, jitter buffer 10, detection 3), 3
ms of policy, 45 ms after translation (downlink 28, drawing 17). Each of the two engine calls adds
`--request-ms` (5) and each pass `--pass-ms` (1): both are assumed. An engine batches by pass:
whoever waits is taken into the next pass of first tokens, up to the largest batch that was
measured; otherwise all who run take one step. A pass takes its measured p95, read linearly between
the measured points. Recognition is encoder, prefill and 8 tokens over a window that grows from 0.3
to 8 s; an update that finds its speaker's last one unfinished is skipped. Translation is a line of
25 tokens, by one of the schemes in `SCHEMES`, which assume a hypothesis that mostly holds; a
speaker's newest update waits for his last one to finish, and replaces an older. On one card, the
two engines take turns pass by pass. The chunk-to-caption time runs from the capture of an update's
newest sample to its drawing; the caption age is looked at every 50 ms: now minus the newest sample
whose words are to be seen. N speakers are served while p95 stays under 300 ms and 620 ms.
"""

import argparse
import gc
import importlib
import itertools
import json
import math
import os
import platform
import random
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

torch: Any = (
    None  # PyTorch, once `load_torch` has found it: the computation and the tables need none
)
Tensor = Any
Point = dict[str, Any]


# --- The shapes ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shape:
    """A Qwen3 decoder: `width` is config.json's hidden_size, `ffn` its intermediate_size."""

    name: str
    layers: int
    width: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int = 128
    vocab: int = 151_936

    @property
    def parameters(self) -> int:
        """Embeddings are tied: the last matrix is the first."""
        attention = self.width * self.head_dim * 2 * (self.heads + self.kv_heads)
        norms = 2 * self.width + 2 * self.head_dim
        layer = attention + 3 * self.width * self.ffn + norms
        return self.vocab * self.width + self.layers * layer + self.width

    @property
    def group(self) -> int:
        """Query heads that share one head of keys and values."""
        return self.heads // self.kv_heads


@dataclass(frozen=True, slots=True)
class AudioShape:
    """Qwen3-ASR's encoder: convolutions over each second, a transformer over windows of 8 s."""

    layers: int
    width: int
    ffn: int
    heads: int
    channels: int  # of the convolutions: downsample_hidden_size
    output: int
    mels: int = 128
    frames: int = 100  # mel frames in a second, the piece the convolutions see: 2 * n_window
    tokens: int = 13  # what is left of them
    window: int = 8  # seconds that attend to each other: n_window_infer / 100

    @property
    def parameters(self) -> int:
        c, w = self.channels, self.width
        convolutions = 9 * c + c + 2 * (9 * c * c + c) + c * self.high * w
        layer = 4 * (w * w + w) + 2 * w * self.ffn + self.ffn + w + 4 * w
        return (
            convolutions + self.layers * layer + 2 * w + w * w + w + w * self.output + self.output
        )

    @property
    def high(self) -> int:
        """Mel bins left after the convolutions."""
        return math.ceil(math.ceil(math.ceil(self.mels / 2) / 2) / 2)


# From each model's config.json. Qwen3-4B-Instruct-2507 differs from Qwen3-4B in its rotation base.
QWEN3_4B = Shape("Qwen3-4B", layers=36, width=2560, ffn=9728, heads=32, kv_heads=8)
QWEN3_2B = Shape("Qwen3-1.7B", layers=28, width=2048, ffn=6144, heads=16, kv_heads=8)
ASR_TEXT = Shape("Qwen3-ASR-0.6B", layers=28, width=1024, ffn=3072, heads=16, kv_heads=8)
ASR_AUDIO = AudioShape(layers=18, width=896, ffn=3584, heads=14, channels=480, output=1024)
TINY = Shape("tiny", layers=2, width=64, ffn=96, heads=4, kv_heads=2, head_dim=32, vocab=512)
TINY_2 = Shape("tiny-2", layers=1, width=32, ffn=64, heads=2, kv_heads=2, head_dim=16, vocab=256)
TINY_TEXT = Shape(
    "tiny-ASR", layers=2, width=48, ffn=96, heads=4, kv_heads=2, head_dim=16, vocab=512
)
TINY_AUDIO = AudioShape(layers=2, width=32, ffn=64, heads=2, channels=8, output=48, mels=16)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. `room` is a request's share of the cache, a multiple of 64."""

    translators: tuple[Shape, ...] = (QWEN3_4B, QWEN3_2B)
    text: Shape = ASR_TEXT
    audio: AudioShape = ASR_AUDIO
    batches: tuple[int, ...] = (1, 8, 32, 64, 128, 200)
    lengths: tuple[int, ...] = (1, 8, 16, 32)
    prefills: tuple[tuple[int, int], ...] = ((8, 32), (16, 32), (16, 0))  # new tokens, hypothesis
    eager: tuple[tuple[int, int], ...] = ((1, 1), (1, 16), (32, 1), (32, 16), (200, 16))
    stock: tuple[tuple[int, int], ...] = ((1, 1), (1, 16), (32, 16), (128, 16))
    audio_batches: tuple[int, ...] = (1, 8, 32, 64)
    seconds: tuple[int, ...] = (2, 4, 8, 12)
    context: int = 400
    room: int = 448
    line: int = 25  # tokens of a caption
    heard: int = 8  # new tokens of a recognition
    prompt: int = 16  # text tokens around the audio
    repeats: int = 50
    half: bool = True  # bfloat16, or float32
    speech: float = 20.0  # seconds of conversation computed


FULL = Plan()
SMALL = Plan(
    translators=(TINY, TINY_2),
    text=TINY_TEXT,
    audio=TINY_AUDIO,
    batches=(1, 3),
    lengths=(1, 8, 16, 32),
    eager=((1, 16),),
    stock=((1, 16), (3, 1)),
    audio_batches=(1, 2),
    seconds=(2, 12),
    repeats=2,
    half=False,
    speech=5.0,
)


# --- The computation: what the figures allow ----------------------------------------------------

HOP_MS = 320.0
BEFORE_MS = 25 + 25 + 10 + 3  # capture and queue, uplink, jitter buffer, resampling and detection
POLICY_MS = 3
AFTER_MS = 28 + 17  # downlink, drawing
C2C_MS, AGE_MS = 300.0, 300.0 + HOP_MS
LOOK_MS = 50.0  # how often the caption age is looked at
WARM_MS = 2_000.0  # not counted: everybody's first words
SEGMENT_HOPS = 25  # 8 s, then the window begins anew
SPEAKERS = (1, 10, 50, 100, 200)
MOST_SPEAKERS = 400


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a line of 25 tokens is made: the pass that reads the new words, then some of `length`."""

    name: str
    hypothesis: int  # tokens verified together with the new words
    length: int
    passes: tuple[int, ...]  # how many, by turns


SCHEMES = (
    Scheme("plain, token by token", 0, 1, (24,)),
    Scheme("2 verifications of 16", 0, 16, (2,)),
    Scheme("verified in the prefill, 1.5 passes", 32, 8, (0, 1)),
)
NEW_WORDS = 16  # source tokens an update brings, and the end of the prompt after them


@dataclass(slots=True)
class Update:
    """One hop of a speaker on its way. `heard` is when its newest sample was captured, ms."""

    speaker: int
    heard: float
    seconds: float
    left: int = 0  # passes after the first


@dataclass(slots=True, eq=False)
class Engine:
    """A model that takes requests pass by pass; `first` and `step` give the ms of a pass."""

    first: Callable[[Sequence[Update]], float]
    step: Callable[[int], float]
    passes: Iterator[int]  # after the first, for each request in turn
    most: int  # the largest batch
    waiting: deque[Update] = field(default_factory=deque)
    running: deque[Update] = field(default_factory=deque)

    def form(self) -> tuple[list[Update], float]:
        """The next pass: who is in it, and the ms it takes."""
        if self.waiting:
            batch = [self.waiting.popleft() for _ in range(min(self.most, len(self.waiting)))]
            return batch, self.first(batch)
        batch = [self.running.popleft() for _ in range(min(self.most, len(self.running)))]
        for update in batch:
            update.left -= 1
        return batch, self.step(len(batch))


@dataclass(frozen=True, slots=True)
class Served:
    """What became of a conversation. `skipped` is the share of hops without a caption."""

    c2c: Mapping[str, float]
    age: Mapping[str, float]
    skipped: float

    def figures(self) -> Point:
        """Rounded, and None where no caption came at all."""
        c2c, age = (
            {p: round(ms, 1) if math.isfinite(ms) else None for p, ms in found.items()}
            for found in (self.c2c, self.age)
        )
        return {"c2c": c2c, "age": age, "skipped": round(self.skipped, 3)}

    @property
    def in_time(self) -> bool:
        return self.c2c["p95"] < C2C_MS and self.age["p95"] < AGE_MS


def percentiles(values: Iterable[float]) -> dict[str, float]:
    """p50 and p95, nearest rank; without end where there is nothing."""
    ranked = sorted(values) or [math.inf]
    return {f"p{p}": ranked[max(0, math.ceil(len(ranked) * p / 100) - 1)] for p in (50, 95)}


def between(known: Iterable[tuple[float, float]], at: float) -> float:
    """The value at `at`, linear between the known (place, value) pairs and flat outside them."""
    pairs = sorted(known)
    for (x0, y0), (x1, y1) in itertools.pairwise(pairs):
        if at <= x0:
            return y0
        if at <= x1:
            return y0 + (y1 - y0) * (at - x0) / (x1 - x0)
    return pairs[-1][1]


class Conversation:
    """Everybody speaks on a virtual clock. `serve` returns what the captions were like."""

    def __init__(
        self, speakers: int, recognizer: Engine, translator: Engine, *, cards: int, pass_ms: float,
        request_ms: float, speech: float,
    ) -> None:  # fmt: skip
        self.recognizer, self.translator = recognizer, translator
        self.cards = [[recognizer, translator]] if cards == 1 else [[recognizer], [translator]]
        self.idle = [True] * len(self.cards)
        self.pass_ms, self.request_ms = pass_ms, request_ms
        self.speakers, self.until = speakers, speech * 1_000
        self.clock: list[tuple[float, int, Callable[[], None]]] = []
        self.order = itertools.count()
        self.now = 0.0
        self.recognizing: set[int] = set()
        self.translating: set[int] = set()
        self.newest: dict[int, Update] = {}  # waits for its speaker's translation to finish
        self.hops = 0
        self.drawn: list[list[tuple[float, float]]] = [[] for _ in range(speakers)]  # (when, heard)

    def serve(self) -> Served:
        phases = random.Random(1)
        for speaker in range(self.speakers):
            begin = phases.uniform(HOP_MS, 2 * HOP_MS)
            within = phases.randrange(SEGMENT_HOPS)  # segments begin at their own times too
            for hop in range(int((self.until - begin) / HOP_MS) + 1):
                seconds = ((within + hop) % SEGMENT_HOPS + 1) * HOP_MS / 1_000
                update = Update(speaker, begin + hop * HOP_MS, seconds)
                self._at(update.heard + BEFORE_MS, partial(self._hear, update))
        while self.clock and self.clock[0][0] < self.until:
            self.now, _, act = heappop(self.clock)
            act()
        return self._result()

    def _at(self, when: float, act: Callable[[], None]) -> None:
        heappush(self.clock, (when, next(self.order), act))

    def _hear(self, update: Update) -> None:
        self.hops += update.heard >= WARM_MS
        if update.speaker not in self.recognizing:  # else skipped: the next one has its sound too
            self.recognizing.add(update.speaker)
            self._at(self.now + self.request_ms, partial(self._ask, self.recognizer, update))

    def _ask(self, engine: Engine, update: Update) -> None:
        update.left = next(engine.passes)
        engine.waiting.append(update)
        self._run(next(n for n, engines in enumerate(self.cards) if engine in engines))

    def _run(self, card: int) -> None:
        """Begin a pass if the card is free: the engine whose turn it is, if it has work."""
        engines = self.cards[card]
        busy = next((engine for engine in engines if engine.waiting or engine.running), None)
        if busy is None or not self.idle[card]:
            return
        engines.remove(busy)
        engines.append(busy)
        batch, ms = busy.form()
        self.idle[card] = False
        self._at(self.now + ms + self.pass_ms, partial(self._passed, card, busy, batch))

    def _passed(self, card: int, engine: Engine, batch: list[Update]) -> None:
        self.idle[card] = True
        for update in batch:
            if update.left:
                engine.running.append(update)
            elif engine is self.recognizer:
                self.recognizing.remove(update.speaker)
                self._at(self.now + POLICY_MS, partial(self._translate, update))
            else:
                self._draw(update)
        self._run(card)

    def _translate(self, update: Update) -> None:
        if update.speaker in self.translating:
            self.newest[update.speaker] = update
            return
        self.translating.add(update.speaker)
        self._at(self.now + self.request_ms, partial(self._ask, self.translator, update))

    def _draw(self, update: Update) -> None:
        self.drawn[update.speaker].append((self.now + AFTER_MS, update.heard))
        self.translating.remove(update.speaker)
        if update.speaker in self.newest:
            self._translate(self.newest.pop(update.speaker))

    def _result(self) -> Served:
        """Captions of samples after the warm-up; the age to the very end, so no lag is spared."""
        counted = [
            when - heard for drawn in self.drawn for when, heard in drawn if heard >= WARM_MS
        ]
        ages = [age for drawn in self.drawn for age in self._ages(drawn)]
        due = max(1, self.hops - self.speakers)  # each speaker's last hop may still be under way
        skipped = max(0.0, 1 - len(counted) / due)
        return Served(percentiles(counted), percentiles(ages), skipped)

    def _ages(self, drawn: Sequence[tuple[float, float]]) -> Iterator[float]:
        seen, heard = 0, 0.0
        for look in range(int(WARM_MS / LOOK_MS), int(self.until / LOOK_MS)):
            now = look * LOOK_MS
            while seen < len(drawn) and drawn[seen][0] <= now:
                heard = drawn[seen][1]
                seen += 1
            yield now - heard


@dataclass(frozen=True, slots=True)
class Figures:
    """What passes take, ms at p95, by batch and one other thing."""

    verify: Mapping[tuple[int, int], float]  # (batch, tokens)
    first: Mapping[tuple[int, int], float]  # (batch, hypothesis)
    hear: Mapping[tuple[int, int], float]  # (batch, seconds)
    hear_step: Mapping[tuple[int, int], float]
    heard: int

    @classmethod
    def of(cls, phases: Mapping[str, Any], translator: str, heard: int) -> "Figures":
        """Read from a run's phases; LookupError, with a sentence, if one has no figure."""

        def read(
            phase: str, axis: str, p95: str = "p95", **only: Any
        ) -> dict[tuple[int, int], float]:
            points = phases.get(phase, {}).get("points", [])
            found = {
                (point["batch"], point[axis]): point[p95]
                for point in points
                if p95 in point and all(point.get(key) == value for key, value in only.items())
            }
            if not found:
                raise LookupError(f"no figure of {phase!r}")
            return found

        return cls(
            verify=read(f"{translator}: verification", "length", graph=True),
            first=read(f"{translator}: prefill", "hypothesis", new=NEW_WORDS),
            hear=read("recognition", "seconds", "first_p95"),
            hear_step=read("recognition", "seconds", "step_p95"),
            heard=heard,
        )

    def recognizer(self) -> Engine:
        def first(batch: Sequence[Update]) -> float:
            mean = sum(update.seconds for update in batch) / len(batch)
            return _read(self.hear, len(batch), mean)

        def step(batch: int) -> float:
            return _read(self.hear_step, batch, SEGMENT_HOPS * HOP_MS / 2_000)

        return Engine(
            first,
            _remembered(step),
            itertools.repeat(self.heard - 1),
            _largest(self.hear, self.hear_step),
        )

    def translator(self, scheme: Scheme) -> Engine:
        first = _remembered(lambda batch: _read(self.first, batch, scheme.hypothesis))
        step = _remembered(lambda batch: _read(self.verify, batch, scheme.length))
        most = _largest(
            {at: ms for at, ms in self.first.items() if at[1] == scheme.hypothesis},
            {at: ms for at, ms in self.verify.items() if at[1] == scheme.length},
        )
        return Engine(lambda batch: first(len(batch)), step, itertools.cycle(scheme.passes), most)


def _read(figures: Mapping[tuple[int, int], float], batch: float, other: float) -> float:
    by_batch: dict[int, list[tuple[float, float]]] = {}
    for (size, place), ms in figures.items():
        by_batch.setdefault(size, []).append((place, ms))
    return between([(size, between(known, other)) for size, known in by_batch.items()], batch)


def _remembered(cost: Callable[[int], float]) -> Callable[[int], float]:
    known: dict[int, float] = {}
    return lambda batch: known[batch] if batch in known else known.setdefault(batch, cost(batch))


def _largest(*tables: Mapping[tuple[int, int], float]) -> int:
    if not all(tables):
        raise LookupError("a pass of this scheme was not measured")
    return min(max(batch for batch, _ in table) for table in tables)


def speakers_served(
    figures: Figures, *, pass_ms: float, request_ms: float, speech: float
) -> Iterator[Point]:
    """For each scheme, on one card and on two: each count of speakers, then where it breaks."""

    def served(count: int) -> Served:
        return Conversation(
            count, figures.recognizer(), figures.translator(scheme), cards=cards, pass_ms=pass_ms,
            request_ms=request_ms, speech=speech,
        ).serve()  # fmt: skip

    for cards, scheme in itertools.product((1, 2), SCHEMES):
        at = {count: served(count) for count in SPEAKERS}
        for count, found in at.items():
            yield {"scheme": scheme.name, "cards": cards, "speakers": count} | found.figures()
        yield {"scheme": scheme.name, "cards": cards, "most": most_in_time(served, at)}


def most_in_time(served: Callable[[int], Served], known: Mapping[int, Served]) -> int:
    """The most speakers served in time, to 2 %, at most MOST_SPEAKERS; 0 if not even one."""
    good, bad = 0, MOST_SPEAKERS + 1
    for count in sorted(known):
        if not known[count].in_time:
            bad = count
            break
        good = count
    while bad - good > max(1, good // 50):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if served(middle).in_time else (good, middle)
    return good


# --- The models ---------------------------------------------------------------------------------

EPSILON = 1e-6
ROTATION_BASE = 1e6


def load_torch() -> None:
    """Import PyTorch, for inference. ImportError if it is not there."""
    global torch
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # transformers has nothing to fetch
    torch = importlib.import_module("torch")
    torch.set_grad_enabled(False)
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = False  # the checks are in float32, and mean it
    torch.backends.cudnn.allow_tf32 = False
    if not cuda():
        torch.set_num_threads(1)  # tiny shapes: threads only get in each other's way


def cuda() -> bool:
    return bool(torch.cuda.is_available())


def device() -> str:
    return "cuda" if cuda() else "cpu"


KERNELS = ("EFFICIENT_ATTENTION", "MATH")


def attention_by(*kernels: str) -> AbstractContextManager[Any]:
    """On a card, attention by these of PyTorch's kernels only, in its own order; else as it likes.

    The first of KERNELS takes masks and strides as they come, the other one anything, slowly.
    """
    if not cuda():
        return nullcontext()
    attention = importlib.import_module("torch.nn.attention")
    allowed = [getattr(attention.SDPBackend, kernel) for kernel in kernels]
    context: AbstractContextManager[Any] = attention.sdpa_kernel(allowed)
    return context


def matrix(rows: int, columns: int, dtype: Any) -> Tensor:
    """Random, so large that outputs are as large as inputs: zeros hide mistakes and save power."""
    made = torch.empty(rows, columns, dtype=dtype, device=device())
    return made.normal_(0.0, columns**-0.5)


@dataclass(slots=True)
class Layer:
    """The weights of one decoder layer; those that read the same input are one matrix."""

    before_attention: Tensor
    qkv: Tensor
    qk_norm: Tensor  # [heads + kv_heads, head_dim]
    out: Tensor
    before_ffn: Tensor
    gate_up: Tensor
    down: Tensor


class Decoder:
    """A Qwen3 decoder over a cache of token slots."""

    def __init__(self, shape: Shape, dtype: Any, longest: int) -> None:
        self.shape, self.dtype = shape, dtype
        s, d = shape, shape.head_dim
        ones = partial(torch.ones, dtype=dtype, device=device())
        self.embedding = matrix(s.vocab, s.width, dtype)
        self.final = ones(s.width)
        self.layers = [
            Layer(
                before_attention=ones(s.width),
                qkv=matrix((s.heads + 2 * s.kv_heads) * d, s.width, dtype),
                qk_norm=ones(s.heads + s.kv_heads, d),
                out=matrix(s.width, s.heads * d, dtype),
                before_ffn=ones(s.width),
                gate_up=matrix(2 * s.ffn, s.width, dtype),
                down=matrix(s.width, s.ffn, dtype),
            )
            for _ in range(s.layers)
        ]
        frequencies = ROTATION_BASE ** -(torch.arange(0, d, 2, device=device()).float() / d)
        angles = torch.outer(torch.arange(longest, device=device()).float(), frequencies)
        self.cos = torch.cat((angles.cos(), angles.cos()), -1).to(dtype)
        self.sin = torch.cat((-angles.sin(), angles.sin()), -1).to(
            dtype
        )  # for halves that are swapped

    def adopt(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of a transformers Qwen3ForCausalLM of the same shape."""
        s = self.shape
        self.embedding.copy_(weights["model.embed_tokens.weight"])
        self.final.copy_(weights["model.norm.weight"])
        for n, layer in enumerate(self.layers):
            own = {key: weights[f"model.layers.{n}.{key}.weight"] for key in QWEN3_WEIGHTS}
            query, key, value, up, gate = (
                own[f"{name}_proj"]
                for name in ("self_attn.q", "self_attn.k", "self_attn.v", "mlp.up", "mlp.gate")
            )
            layer.before_attention.copy_(own["input_layernorm"])
            layer.before_ffn.copy_(own["post_attention_layernorm"])
            layer.qkv.copy_(torch.cat((query, key, value)))
            layer.qk_norm[: s.heads] = own["self_attn.q_norm"]
            layer.qk_norm[s.heads :] = own["self_attn.k_norm"]
            layer.out.copy_(own["self_attn.o_proj"])
            layer.gate_up.copy_(torch.cat((gate, up)))
            layer.down.copy_(own["mlp.down_proj"])

    def cache(self, rows: int, room: int) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of every layer, [rows * room, kv_heads, head_dim], full of noise."""
        size = (rows * room, self.shape.kv_heads, self.shape.head_dim)
        make = partial(torch.randn, *size, dtype=self.dtype, device=device())
        return [(make(), make()) for _ in self.layers]

    def __call__(
        self, hidden: Tensor, positions: Tensor, cache: Sequence[tuple[Tensor, Tensor]], room: int,
        keep: int,
    ) -> Tensor:  # fmt: skip
        """Logits of the last `keep` tokens of [rows, length, width] at `positions` [rows, length].

        Keys and values are written to the cache; a token sees what is at or before its position.
        """
        functional, s = torch.nn.functional, self.shape
        rows, length = positions.shape
        both, d = s.heads + s.kv_heads, s.head_dim
        begins = torch.arange(rows, device=positions.device)[:, None] * room
        slots = (positions + begins).flatten()
        mask = self.mask(s, self.dtype, positions, room)
        cos, sin = self.cos[positions][:, :, None], self.sin[positions][:, :, None]
        for layer, (keys, values) in zip(self.layers, cache, strict=True):
            x = functional.rms_norm(hidden, (s.width,), layer.before_attention, EPSILON)
            qkv = functional.linear(x, layer.qkv).view(rows, length, both + s.kv_heads, d)
            qk = functional.rms_norm(qkv[:, :, :both], (d,), None, EPSILON) * layer.qk_norm
            qk = torch.addcmul(qk * cos, qk.roll(d // 2, -1), sin)
            keys.index_copy_(0, slots, qk[:, :, s.heads :].flatten(0, 1))
            values.index_copy_(0, slots, qkv[:, :, both:].flatten(0, 1))
            # Heads that share keys become queries of one: [rows, kv_heads, length * group, d].
            query = qk[:, :, : s.heads].reshape(rows, length, s.kv_heads, s.group, d)
            seen = functional.scaled_dot_product_attention(
                query.permute(0, 2, 1, 3, 4).reshape(rows, s.kv_heads, length * s.group, d),
                keys.view(rows, room, s.kv_heads, d).transpose(1, 2),
                values.view(rows, room, s.kv_heads, d).transpose(1, 2),
                attn_mask=mask,
            ).reshape(rows, s.kv_heads, length, s.group, d)
            seen = seen.permute(0, 2, 1, 3, 4).reshape(rows, length, s.heads * d)
            hidden = hidden + functional.linear(seen, layer.out)
            x = functional.rms_norm(hidden, (s.width,), layer.before_ffn, EPSILON)
            gate, up = functional.linear(x, layer.gate_up).chunk(2, -1)
            hidden = hidden + functional.linear(functional.silu(gate) * up, layer.down)
        last = functional.rms_norm(hidden[:, -keep:], (s.width,), self.final, EPSILON)
        return functional.linear(last, self.embedding)

    @staticmethod
    def mask(s: Shape, dtype: Any, positions: Tensor, room: int) -> Tensor:
        """[rows, 1, length * group, room]: 0 where a token may look, -inf where it may not."""
        rows, length = positions.shape
        places = torch.arange(room, device=positions.device)
        hidden = (places > positions[:, :, None])[:, :, None].expand(rows, length, s.group, room)
        mask = torch.zeros(rows, length, s.group, room, dtype=dtype, device=device())
        return mask.masked_fill_(hidden, -math.inf).view(rows, 1, length * s.group, room)


QWEN3_WEIGHTS = (
    "input_layernorm", "post_attention_layernorm", "self_attn.q_proj", "self_attn.k_proj",
    "self_attn.v_proj", "self_attn.o_proj", "self_attn.q_norm", "self_attn.k_norm", "mlp.gate_proj",
    "mlp.up_proj", "mlp.down_proj",
)  # fmt: skip


class Pass:
    """A forward pass of a batch, over tensors that stay in place: a CUDA graph can repeat it.

    `ids` [rows, length] goes in. Out come `said` [rows, keep], the greedy token after each of the
    last `keep`, and `accepted` [rows], how many draft tokens are what greedy decoding says. With
    `advance` the token said is the next one read: the pass repeated is plain decoding.
    """

    def __init__(
        self, decoder: Decoder, cache: Sequence[tuple[Tensor, Tensor]], room: int, contexts: Tensor,
        ids: Tensor, *, keep: int | None = None, advance: bool = False,
    ) -> None:  # fmt: skip
        self.decoder, self.cache, self.room, self.advance = decoder, cache, room, advance
        length = ids.shape[1]
        self.start = contexts[:, None] + torch.arange(length, device=ids.device)
        self.first, self.ids, self.positions = ids, ids.clone(), self.start.clone()
        self.keep = keep or length
        self.said = torch.zeros(ids.shape[0], self.keep, dtype=torch.long, device=ids.device)
        self.accepted = torch.zeros(ids.shape[0], dtype=torch.long, device=ids.device)

    def __call__(self) -> None:
        hidden = torch.nn.functional.embedding(self.ids, self.decoder.embedding)
        logits = self.decoder(hidden, self.positions, self.cache, self.room, self.keep)
        self.said.copy_(logits.argmax(-1))
        if self.keep > 1:
            right = self.said[:, :-1] == self.ids[:, 1 - self.keep :]
            self.accepted.copy_(right.long().cumprod(1).sum(1))
        if self.advance:
            self.ids.copy_(self.said)
            self.positions.add_(1)

    def reset(self) -> None:
        self.ids.copy_(self.first)
        self.positions.copy_(self.start)


class Encoder:
    """Qwen3-ASR's audio encoder and projector, for sounds of the same whole seconds."""

    def __init__(self, shape: AudioShape, dtype: Any) -> None:
        self.shape = s = shape
        zeros = partial(torch.zeros, dtype=dtype, device=device())
        ones = partial(torch.ones, dtype=dtype, device=device())

        def linear(rows: int, columns: int) -> list[Tensor]:
            return [matrix(rows, columns, dtype), zeros(rows)]

        self.convolutions = [
            [matrix(s.channels, into * 9, dtype).view(s.channels, into, 3, 3), zeros(s.channels)]
            for into in (1, s.channels, s.channels)
        ]
        self.conv_out = matrix(s.width, s.channels * s.high, dtype)
        self.layers = [
            {
                "self_attn_layer_norm": [ones(s.width), zeros(s.width)],
                "qkv": linear(3 * s.width, s.width),
                "self_attn.out_proj": linear(s.width, s.width),
                "final_layer_norm": [ones(s.width), zeros(s.width)],
                "fc1": linear(s.ffn, s.width),
                "fc2": linear(s.width, s.ffn),
            }
            for _ in range(s.layers)
        ]
        self.after = [ones(s.width), zeros(s.width)]
        self.project = [linear(s.width, s.width), linear(s.output, s.width)]
        half = s.width // 2
        scale = torch.exp(-math.log(10_000) / (half - 1) * torch.arange(half, device=device()))
        angles = torch.outer(torch.arange(s.tokens, device=device()).float(), scale)
        self.places = torch.cat((angles.sin(), angles.cos()), 1).to(dtype)

    def adopt(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of transformers' Qwen3ASRModel: encoder and projector."""

        def take(into: Sequence[Tensor], name: str) -> None:
            for tensor, part in zip(into, ("weight", "bias"), strict=True):
                tensor.copy_(weights[f"{name}.{part}"])

        for n, convolution in enumerate(self.convolutions, 1):
            take(convolution, f"audio_tower.conv2d{n}")
        self.conv_out.copy_(weights["audio_tower.conv_out.weight"])
        for n, layer in enumerate(self.layers):
            at = f"audio_tower.layers.{n}."
            for name in layer.keys() - {"qkv"}:
                take(layer[name], at + name)
            for tensor, part in zip(layer["qkv"], ("weight", "bias"), strict=True):
                rows = [weights[f"{at}self_attn.{name}_proj.{part}"] for name in "qkv"]
                tensor.copy_(torch.cat(rows))
        take(self.after, "audio_tower.ln_post")
        take(self.project[0], "multi_modal_projector.linear_1")
        take(self.project[1], "multi_modal_projector.linear_2")

    def __call__(self, mels: Tensor) -> Tensor:
        """[rows, mels, 100 * seconds] to [rows, 13 * seconds, output]."""
        functional, s = torch.nn.functional, self.shape
        rows, _, frames = mels.shape
        seconds, d = frames // s.frames, s.width // s.heads
        pieces = mels.view(rows, s.mels, seconds, s.frames).transpose(1, 2).flatten(0, 1)[:, None]
        for weight, bias in self.convolutions:
            pieces = functional.gelu(functional.conv2d(pieces, weight, bias, stride=2, padding=1))
        pieces = pieces.permute(0, 3, 1, 2).flatten(2)
        hidden = functional.linear(pieces, self.conv_out) + self.places
        length = seconds * s.tokens
        hidden = hidden.reshape(rows, length, s.width)
        for layer in self.layers:
            x = functional.layer_norm(hidden, (s.width,), *layer["self_attn_layer_norm"])
            qkv = functional.linear(x, *layer["qkv"]).view(rows, length, 3, s.heads, d)
            query, key, value = qkv.permute(2, 0, 3, 1, 4)
            window = (
                s.window * s.tokens
            )  # whole windows, and what is left: they do not see each other
            seen = [
                functional.scaled_dot_product_attention(q, k, v)
                for q, k, v in zip(*(t.split(window, 2) for t in (query, key, value)), strict=True)
            ]
            x = torch.cat(seen, 2).transpose(1, 2).reshape(rows, length, s.width)
            hidden = hidden + functional.linear(x, *layer["self_attn.out_proj"])
            x = functional.layer_norm(hidden, (s.width,), *layer["final_layer_norm"])
            x = functional.gelu(functional.linear(x, *layer["fc1"]))
            hidden = hidden + functional.linear(x, *layer["fc2"])
        hidden = functional.layer_norm(hidden, (s.width,), *self.after)
        first, second = self.project
        return functional.linear(functional.gelu(functional.linear(hidden, *first)), *second)


class Recognition:
    """A recognition's first pass: encode, read prompt and audio, say a token; then `decode`."""

    def __init__(
        self, encoder: Encoder, decoder: Decoder, plan: Plan, rows: int, seconds: int
    ) -> None:
        audio = encoder.shape.tokens * seconds
        length = plan.prompt + audio
        self.encoder, self.decoder = encoder, decoder
        self.room = 64 * math.ceil((length + plan.heard) / 64)
        self.cache = decoder.cache(rows, self.room)
        shape = encoder.shape
        self.mels = torch.randn(
            rows, shape.mels, shape.frames * seconds, dtype=decoder.dtype, device=device()
        )
        self.ids = torch.randint(decoder.shape.vocab, (rows, plan.prompt), device=device())
        self.positions = torch.arange(length, device=device()).expand(rows, length).contiguous()
        contexts = torch.full((rows,), length, device=device())
        first = torch.zeros(rows, 1, dtype=torch.long, device=device())
        self.decode = Pass(decoder, self.cache, self.room, contexts, first, advance=True)

    def __call__(self) -> None:
        words = torch.nn.functional.embedding(self.ids, self.decoder.embedding)
        half = (
            words.shape[1] // 2
        )  # the instruction before the audio, the language and the text so far after it
        hidden = torch.cat((words[:, :half], self.encoder(self.mels), words[:, half:]), 1)
        logits = self.decoder(hidden, self.positions, self.cache, self.room, 1)
        self.decode.first.copy_(logits.argmax(-1))


# --- Timing -------------------------------------------------------------------------------------


def graphed(step: Callable[[], Any]) -> Callable[[], None]:
    """The step recorded as a CUDA graph; on a processor, the step itself."""
    if not cuda():
        return step
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(3):  # libraries choose kernels and take their memory on the first calls
            step()
    torch.cuda.current_stream().wait_stream(beside)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    replay: Callable[[], None] = graph.replay
    return replay


def timed(
    step: Callable[[], Any], repeats: int, before: Callable[[], None] = lambda: None,
    longest: float = 6.0,
) -> Point:  # fmt: skip
    """p50 and p95 of a step in ms, by the card's own clock, after two that do not count.

    Fewer repeats, but five at least, where they would take over `longest` seconds.
    """
    once = longest
    for _ in range(2):
        before()
        began = time.perf_counter()
        step()
        _wait()
        once = time.perf_counter() - began
    count = max(5, min(repeats, int(longest / max(once, 1e-6)))) if repeats > 5 else repeats
    found = _by_events(step, before, count) if cuda() else _by_clock(step, before, count)
    return {key: round(ms, 4) for key, ms in percentiles(found).items()} | {"repeats": count}


def _wait() -> None:
    if cuda():
        torch.cuda.synchronize()


def _by_clock(step: Callable[[], None], before: Callable[[], None], count: int) -> list[float]:
    found = []
    for _ in range(count):
        before()
        began = time.perf_counter()
        step()
        found.append((time.perf_counter() - began) * 1_000)
    return found


def _by_events(step: Callable[[], None], before: Callable[[], None], count: int) -> list[float]:
    event = partial(torch.cuda.Event, enable_timing=True)
    marks = [(event(), event()) for _ in range(count)]
    for begin, end in marks:
        before()
        begin.record()
        step()
        end.record()
    torch.cuda.synchronize()
    return [float(begin.elapsed_time(end)) for begin, end in marks]


# --- Checks: is what is timed the real thing? ---------------------------------------------------


def check_verification() -> Iterator[Point]:
    """A pass over K tokens says what K single ones say, at every row, and stops at a wrong one."""
    rows, room, length = 5, 128, 16
    decoder = Decoder(TINY, torch.float32, room)
    cache = decoder.cache(rows, room)
    contexts = torch.tensor([40, 41, 57, 64, 90], device=device())
    first = torch.randint(TINY.vocab, (rows, 1), device=device())
    decode = Pass(decoder, cache, room, contexts, first, advance=True)
    step = graphed(decode)
    decode.reset()
    line = [first]
    for _ in range(length):
        step()
        line.append(decode.said.clone())
    said = torch.cat(line, 1)
    yield _passed("decoding says different words", len(said.unique()) > length, TINY.name)
    for wrong in (None, 0, 7, length - 2):
        ids = said[:, :length].clone()
        if wrong is not None:
            ids[:, wrong + 1] = (ids[:, wrong + 1] + 1) % TINY.vocab
        verify = Pass(decoder, cache, room, contexts, ids)
        step = graphed(verify)
        step()
        _wait()
        right = length - 1 if wrong is None else wrong
        same = bool((verify.said[:, : right + 1] == said[:, 1 : right + 2]).all())
        counted = bool((verify.accepted == right).all())
        what = "a right draft" if wrong is None else f"a draft wrong at {wrong + 1} of {length - 1}"
        yield _passed(
            f"one pass and single steps agree on {what}", same and counted, "float32, graph"
        )


def check_decoder() -> Iterator[Point]:
    """The decoder is transformers' Qwen3: the same logits, read in two pieces."""
    transformers = importlib.import_module("transformers")
    s, length, cut = TINY, 24, 15
    model = transformers.Qwen3ForCausalLM(_config(transformers, s)).float().eval().to(device())
    counted = sum(weight.numel() for weight in model.parameters())
    yield _passed("the decoder has as many parameters", counted == s.parameters, f"{counted:,}")
    decoder = Decoder(s, torch.float32, 64)
    # A fresh model's norms are all one, which would hide a norm that is forgotten.
    weights = {
        name: weight * (1 + 0.3 * torch.rand_like(weight)) if "norm" in name else weight * 4
        for name, weight in model.state_dict().items()
        if name != "lm_head.weight"
    }
    model.load_state_dict(weights, strict=False)
    model.tie_weights()
    decoder.adopt(weights)
    ids = torch.randint(s.vocab, (3, length), device=device())
    expected = model(input_ids=ids).logits
    cache, found = decoder.cache(3, 64), []
    for begin, end in ((0, cut), (cut, length)):
        hidden = torch.nn.functional.embedding(ids[:, begin:end], decoder.embedding)
        positions = torch.arange(begin, end, device=device()).expand(3, end - begin)
        found.append(decoder(hidden, positions, cache, 64, end - begin))
    yield _close("the decoder and transformers' Qwen3ForCausalLM", torch.cat(found, 1), expected)


def check_encoder() -> Iterator[Point]:
    """The encoder is transformers' Qwen3-ASR: the same features, over more than one window."""
    transformers = importlib.import_module("transformers")
    if not hasattr(transformers, "Qwen3ASRForConditionalGeneration"):
        raise LookupError(
            "this transformers has no Qwen3-ASR; its figures stand on the shape alone"
        )
    s, t, seconds = TINY_AUDIO, TINY_TEXT, 11
    config = transformers.Qwen3ASRConfig(
        audio_config={
            "num_mel_bins": s.mels, "encoder_layers": s.layers, "encoder_attention_heads": s.heads,
            "encoder_ffn_dim": s.ffn, "d_model": s.width, "output_dim": s.output,
            "downsample_hidden_size": s.channels,
        },
        text_config=_config(transformers, t).to_dict(),
    )  # fmt: skip
    model = transformers.Qwen3ASRForConditionalGeneration(config).float().eval().to(device())
    encoder = Encoder(s, torch.float32)
    weights = model.model.state_dict()
    counted = sum(w.numel() for name, w in weights.items() if "language_model" not in name)
    yield _passed("the encoder has as many parameters", counted == s.parameters, f"{counted:,}")
    for name, weight in weights.items():
        if name.startswith(("audio_tower", "multi_modal")):
            weight.add_(
                0.1 * torch.randn_like(weight)
            )  # in place: biases are zero in a fresh model
    encoder.adopt(weights)
    mels = torch.randn(2, s.mels, seconds * s.frames, device=device())
    everything = torch.ones(2, seconds * s.frames, dtype=torch.long, device=device())
    expected = model.get_audio_features(mels, everything, return_dict=True).pooler_output
    yield _close("the encoder and transformers' Qwen3-ASR", encoder(mels).flatten(0, 1), expected)


def _config(transformers: Any, s: Shape) -> Any:
    return transformers.Qwen3Config(
        vocab_size=s.vocab, hidden_size=s.width, intermediate_size=s.ffn,
        num_hidden_layers=s.layers,
        num_attention_heads=s.heads, num_key_value_heads=s.kv_heads, head_dim=s.head_dim,
        max_position_embeddings=4096, rope_theta=ROTATION_BASE,
        rope_parameters={"rope_type": "default", "rope_theta": ROTATION_BASE},
        tie_word_embeddings=True, rms_norm_eps=EPSILON,
    )  # fmt: skip


def _close(what: str, found: Tensor, expected: Tensor) -> Point:
    expected = expected.float().reshape(found.shape)
    apart = float((found.float() - expected).norm() / expected.norm())
    return _passed(what, apart < 1e-3, f"{apart:.1e} apart")  # NaN is not less either


def _passed(what: str, passed: bool, how: str) -> Point:
    return {"check": what, "passed": bool(passed), "how": how}


# --- What is measured ---------------------------------------------------------------------------


class OutOfTime(Exception):
    """The minutes given are used up."""


class Bench:
    """One run: its plan, its time, the model at hand, what was found."""

    def __init__(self, plan: Plan, out: Path | None, minutes: float) -> None:
        self.plan, self.out = plan, out
        self.deadline = time.monotonic() + 60 * minutes
        self.report: dict[str, Any] = {"phases": {}}
        self.dtype = torch.bfloat16 if plan.half else torch.float32
        self.decoder: Decoder | None = None

    def phase(self, name: str, points: Iterable[Point]) -> None:
        """Keep what comes, and an error as one sentence; then go on with the next."""
        kept: dict[str, Any] = {"points": []}
        self.report["phases"][name] = kept
        began = time.monotonic()
        try:
            self._in_time()
            for point in points:
                kept["points"].append(point)
                self._in_time()
        except OutOfTime:
            kept["failed"] = "out of time: the rest was not measured"
        except Exception as error:
            kept["failed"] = sentence(error)
        kept["seconds"] = round(time.monotonic() - began, 1)
        print(f"  {name}: {kept.get('failed', 'done')}, {kept['seconds']} s", file=sys.stderr)
        self.tidy()
        self.save()

    def save(self) -> None:
        if self.out is not None:
            save(self.report, self.out)

    def tidy(self) -> None:
        if cuda():
            gc.collect()  # graphs hold memory of their own until they are gone
            torch.cuda.empty_cache()

    def _in_time(self) -> None:
        if time.monotonic() > self.deadline:
            raise OutOfTime

    def attempt(self, point: Point, measure: Callable[[], Point]) -> Point:
        """The point measured, or why it was not: one that is too large leaves the others alone."""
        try:
            return point | measure()
        except Exception as error:
            failed = sentence(error)
        self.tidy()
        return point | {"failed": failed}

    def load(self, shape: Shape) -> Decoder:
        """The decoder of this shape. Only one is at hand: a small card has room for no more."""
        if self.decoder is None or self.decoder.shape != shape:
            self.decoder = None
            self.tidy()
            self.decoder = Decoder(shape, self.dtype, self.plan.room)
        return self.decoder

    def contexts(self, rows: int) -> Tensor:
        """How long each request is: the longest first, and no two neighbours alike."""
        return self.plan.context - torch.arange(rows, device=device()) * 7 % 16

    def ceilings(self) -> Iterator[Point]:
        """What the card can do at most: a large copy and a large matrix product."""
        large, wide = (2**30, 8192) if self.plan.half else (2**20, 256)
        source = torch.randn(large // 2, dtype=self.dtype, device=device())
        target = torch.empty_like(source)
        found = timed(lambda: target.copy_(source), 20)
        size = 2 * source.numel() * source.element_size()
        yield found | {"ceiling": "copy", "tb_s": size / found["p50"] / 1e9}
        left, right = (matrix(wide, wide, self.dtype) for _ in range(2))
        found = timed(lambda: torch.matmul(left, right), 20)
        yield found | {"ceiling": "matrix product", "tflop_s": 2 * wide**3 / found["p50"] / 1e9}

    def attention(self, shape: Shape) -> Iterator[Point]:
        """One layer's attention by each kernel: the one the passes get, and what others would do.

        `apart` is the distance from plain float32 arithmetic. All else uses the first of KERNELS,
        and the second where the first has failed here.
        """
        room, length, d = self.plan.room, 16, shape.head_dim
        masked = partial(Decoder.mask, shape, self.dtype)
        for rows in (self.plan.batches[0], self.plan.batches[-1]):
            make = partial(torch.randn, rows, shape.kv_heads, dtype=self.dtype, device=device())
            query = make(length * shape.group, d)
            keys, values = make(room, d), make(room, d)
            mask = masked(
                self.contexts(rows)[:, None] + torch.arange(length, device=device()), room
            )
            measure = partial(self._attention, query, keys, values, mask)
            for kernel in ("EFFICIENT_ATTENTION", "CUDNN_ATTENTION", "MATH"):
                point = {"kernel": kernel, "batch": rows}
                yield self.attempt(point, partial(measure, kernel))

    def _attention(self, *given: Any) -> Point:
        query, keys, values, mask, kernel = given
        attend = torch.nn.functional.scaled_dot_product_attention

        def step() -> Tensor:
            return attend(query, keys, values, attn_mask=mask)

        with attention_by("MATH"):
            exact = attend(query.float(), keys.float(), values.float(), attn_mask=mask.float())
        with attention_by(kernel):
            apart = float((step().float() - exact).norm() / exact.norm())
            return timed(graphed(step), self.plan.repeats) | {"apart": apart}

    def one_pass(
        self, decoder: Decoder, cache: Any, rows: int, length: int, keep: int, graph: bool = True
    ) -> Point:
        ids = torch.randint(decoder.shape.vocab, (rows, length), device=device())
        step = Pass(decoder, cache, self.plan.room, self.contexts(rows), ids, keep=keep)
        return timed(graphed(step) if graph else step, self.plan.repeats)

    def verification(self, shape: Shape) -> Iterator[Point]:
        decoder = self.load(shape)
        yield from self._by_batch(partial(self._verifications, decoder), decoder)

    def prefill(self, shape: Shape) -> Iterator[Point]:
        """New source tokens and the hypothesis after them in one pass."""
        decoder = self.load(shape)
        yield from self._by_batch(partial(self._prefills, decoder), decoder)

    def decoding(self, shape: Shape) -> Iterator[Point]:
        """A line, token by token: what verification is to be compared with."""
        decoder = self.load(shape)
        yield from self._by_batch(partial(self._line, decoder), decoder)

    def _by_batch(
        self, points: Callable[[int, Any], Iterator[Point]], decoder: Decoder
    ) -> Iterator[Point]:
        for rows in self.plan.batches:
            cache, failed = None, ""
            try:
                cache = decoder.cache(rows, self.plan.room)
            except Exception as error:
                failed = sentence(error)
            if cache is None:
                yield {"batch": rows, "failed": failed}
            else:
                yield from points(rows, cache)
            del cache
            self.tidy()

    def _verifications(self, decoder: Decoder, rows: int, cache: Any) -> Iterator[Point]:
        for graph in (True, False):
            for length in self.plan.lengths:
                if graph or (rows, length) in self.plan.eager:
                    yield self.attempt(
                        {"batch": rows, "length": length, "graph": graph},
                        partial(self.one_pass, decoder, cache, rows, length, length, graph),
                    )

    def _prefills(self, decoder: Decoder, rows: int, cache: Any) -> Iterator[Point]:
        for new, hypothesis in self.plan.prefills:
            yield self.attempt(
                {"batch": rows, "new": new, "hypothesis": hypothesis},
                partial(self.one_pass, decoder, cache, rows, new + hypothesis, hypothesis + 1),
            )

    def _line(self, decoder: Decoder, rows: int, cache: Any) -> Iterator[Point]:
        def measure() -> Point:
            first = torch.randint(decoder.shape.vocab, (rows, 1), device=device())
            decode = Pass(decoder, cache, self.plan.room, self.contexts(rows), first, advance=True)
            step = graphed(decode)

            def line() -> None:
                for _ in range(self.plan.line):
                    step()

            return timed(line, self.plan.repeats, decode.reset)

        yield self.attempt({"batch": rows, "tokens": self.plan.line}, measure)

    def recognition(self) -> Iterator[Point]:
        """Encoder, prefill of prompt and audio, and the tokens after it."""
        self.decoder = None
        self.tidy()
        plan = self.plan
        longest = plan.prompt + plan.audio.tokens * max(plan.seconds) + plan.heard
        encoder = Encoder(plan.audio, self.dtype)
        decoder = Decoder(plan.text, self.dtype, longest)
        for rows, seconds in itertools.product(plan.audio_batches, plan.seconds):
            measure = partial(self._recognition, encoder, decoder, rows, seconds)
            yield self.attempt({"batch": rows, "seconds": seconds}, measure)
            self.tidy()

    def _recognition(self, encoder: Encoder, decoder: Decoder, rows: int, seconds: int) -> Point:
        work = Recognition(encoder, decoder, self.plan, rows, seconds)
        first, step = graphed(work), graphed(work.decode)

        def whole() -> None:
            first()
            work.decode.reset()
            for _ in range(self.plan.heard - 1):
                step()

        def mel_to_features() -> None:
            work.encoder(work.mels)

        encoding = timed(graphed(mel_to_features), self.plan.repeats)
        named = {"first": timed(first, self.plan.repeats)}
        named["step"] = timed(step, self.plan.repeats, work.decode.reset)
        found = {f"{name}_{p}": point[p] for name, point in named.items() for p in ("p50", "p95")}
        return timed(whole, self.plan.repeats) | found | {"encoder_p50": encoding["p50"]}

    def stock(self, shape: Shape) -> Iterator[Point]:
        """The same passes through transformers' own classes, with the same cache."""
        self.decoder = None
        self.tidy()
        transformers = importlib.import_module("transformers")
        torch.set_default_dtype(self.dtype)
        try:
            with torch.device(device()):
                model = transformers.Qwen3ForCausalLM(_config(transformers, shape)).eval()
        finally:
            torch.set_default_dtype(torch.float32)
        for rows, length in self.plan.stock:
            measure = partial(self._stock, model, shape, rows, length)
            yield self.attempt({"batch": rows, "length": length}, measure)
            self.tidy()

    def _stock(self, model: Any, shape: Shape, rows: int, length: int) -> Point:
        room, contexts = self.plan.room, self.contexts(rows)
        ids = torch.randint(shape.vocab, (rows, length), device=device())
        positions = contexts[:, None] + torch.arange(length, device=device())
        slots = (positions + torch.arange(rows, device=device())[:, None] * room).flatten()
        places = torch.arange(room, device=device())
        mask = (places <= positions[:, :, None])[:, None]
        cache = SlotCache(shape, rows, room, slots, self.dtype)
        said = torch.zeros(rows, length, dtype=torch.long, device=device())

        def step() -> None:
            found = model(
                input_ids=ids, position_ids=positions, attention_mask={"full_attention": mask},
                past_key_values=cache, use_cache=True,
            )  # fmt: skip
            said.copy_(found.logits.argmax(-1))

        return timed(graphed(step), self.plan.repeats)


class SlotCache:
    """The token slots as a cache of transformers, whose own StaticCache has one length for all."""

    is_compileable = False

    def __init__(self, shape: Shape, rows: int, room: int, slots: Tensor, dtype: Any) -> None:
        size = (rows * room, shape.kv_heads, shape.head_dim)
        make = partial(torch.randn, *size, dtype=dtype, device=device())
        self.layers = [(make(), make()) for _ in range(shape.layers)]
        self.shape, self.rows, self.room, self.slots = shape, rows, room, slots

    def update(
        self, keys: Tensor, values: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """[rows, kv_heads, length, head_dim] in; all that the layer knows out."""
        whole = []
        for kept, new in zip(self.layers[layer_idx], (keys, values), strict=True):
            kept.index_copy_(0, self.slots, new.transpose(1, 2).flatten(0, 1))
            rows = kept.view(self.rows, self.room, self.shape.kv_heads, self.shape.head_dim)
            whole.append(rows.transpose(1, 2))
        return whole[0], whole[1]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0  # positions and mask are given, so nothing is derived from it


def sentence(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    if "out of memory" in text.lower():
        return "out of memory"
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


# --- The report ---------------------------------------------------------------------------------


def save(report: Mapping[str, Any], out: Path) -> None:
    """Whole or not at all, so that a run that is cut off leaves what it had."""
    beside = out.with_name(out.name + ".part")
    beside.write_text(json.dumps(report, indent=1) + "\n")
    beside.replace(out)


def facts(plan: Plan) -> dict[str, Any]:
    """Card, driver, clocks and versions; nothing that names the machine."""
    try:
        transformers = importlib.import_module("transformers").__version__
    except Exception as error:  # a broken one must not end the run
        transformers = sentence(error)
    shapes = [(s.name, s.parameters) for s in plan.translators]
    shapes.append((plan.text.name, plan.text.parameters + plan.audio.parameters))
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "card": torch.cuda.get_device_name(0)
        if cuda()
        else f"none: {platform.machine()} processor",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "transformers": transformers,
        "python": platform.python_version(),
        "dtype": "bfloat16" if plan.half else "float32",
        "parameters": dict(shapes),
        "heard": plan.heard,
        "context": plan.context,
        "speech": plan.speech,
        **({"before": card_state()} if cuda() else {}),
    }


CARD_STATE = (
    "driver_version", "clocks.sm", "clocks.max.sm", "clocks.mem", "power.limit", "power.draw",
    "temperature.gpu", "memory.total",
)  # fmt: skip


def card_state() -> dict[str, str]:
    """What nvidia-smi says of the first card (MHz, W, C, MiB); empty where it says nothing."""
    query = ["nvidia-smi", "-i", "0", f"--query-gpu={','.join(CARD_STATE)}"]
    query.append("--format=csv,noheader,nounits")
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    values = [value.strip() for value in done.stdout.strip().partition("\n")[0].split(",")]
    if done.returncode or len(values) != len(CARD_STATE):
        return {}
    return dict(zip(CARD_STATE, values, strict=True))


def columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table: the first column to the left, the others to the right."""
    lines = [list(head), *map(list, rows)]
    wide = [max(len(line[n]) for line in lines) for n in range(len(head))]

    def laid(line: Sequence[str]) -> str:
        rest = (f"{cell:>{width}}" for cell, width in zip(line[1:], wide[1:], strict=True))
        return "  ".join([f"{line[0]:{wide[0]}}", *rest]).rstrip()

    return "\n".join(map(laid, lines))


def grid(points: Iterable[Point], down: str, across: str, cell: Callable[[Point], str]) -> str:
    """One line for each value of `down`, one column for each of `across`."""
    kept = [point for point in points if down in point and across in point]
    tops = sorted({point[across] for point in kept})
    by_place = {(point[down], point[across]): cell(point) for point in kept}
    return columns(
        [down, *map(str, tops)],
        (
            [str(side), *(by_place.get((side, top), "-") for top in tops)]
            for side in sorted({point[down] for point in kept})
        ),
    )


def ms(point: Point, name: str = "") -> str:
    """p50 / p95, or why there is none."""
    if f"{name}p50" not in point:
        return str(point.get("failed", "-"))[:24]
    return f"{point[name + 'p50']:.2f} / {point[name + 'p95']:.2f}"


def table(report: Mapping[str, Any]) -> str:
    """All that was found, for a person to read."""
    about, phases = report["about"], report["phases"]
    parts = [
        f"{about['card']}, {about['date']}; torch {about['torch']}, CUDA {about['cuda']}, "
        f"transformers {about['transformers']}; {about['dtype']}"
    ]
    for when in ("before", "after"):
        state = about.get(when)
        if state:
            parts.append(f"{when}: " + ", ".join(f"{key} {state[key]}" for key in CARD_STATE))
    counts = (f"{name} {count / 1e6:,.1f} M" for name, count in about["parameters"].items())
    parts.append("parameters: " + ", ".join(counts))
    if not report.get("sound", False):
        parts.append(
            "*** A CHECK FAILED OR DID NOT RUN: what follows may not be the real thing. ***"
        )
    for name, phase in phases.items():
        title = f"\n{name}, {phase.get('seconds', 0)} s"
        if "failed" in phase:
            title += f"\n  {phase['failed']}"
        parts.append(title)
        if phase["points"]:
            parts.append(_laid_out(name, phase["points"]))
            parts.extend(reasons(phase["points"]))
    return "\n".join([*parts, *in_short(phases)])


def reasons(points: Iterable[Point]) -> list[str]:
    """Why points are missing, whole, and each reason once."""
    missing: dict[str, list[str]] = {}
    for point in points:
        if "failed" in point:
            missing.setdefault(point["failed"], []).append(str(point.get("batch", "?")))
    return [
        f"  batch {', '.join(dict.fromkeys(batches))}: {reason}"
        for reason, batches in missing.items()
    ]


def _laid_out(name: str, points: list[Point]) -> str:
    if "check" in points[0]:
        return "\n".join(
            f"{'ok' if point['passed'] else 'FAILED':6}  {point['check']} ({point['how']})"
            for point in points
        )
    if "ceiling" in points[0]:
        units = {"tb_s": "TB/s", "tflop_s": "TFLOP/s"}
        return ", ".join(
            f"{point['ceiling']} {point[key]:.2f} {unit}"
            for point in points
            for key, unit in units.items()
            if key in point
        )
    if "kernel" in points[0]:
        return "one layer, 16 tokens, ms p50 / p95, graph\n" + grid(points, "kernel", "batch", ms)
    if "scheme" in points[0]:
        return _speakers(points)
    if name == "recognition":
        return _recognitions(points)
    if any("tokens" in point for point in points):
        rows = ([str(point["batch"]), ms(point)] for point in points)
        return columns(("batch", "ms p50 / p95, graph"), rows)
    if any("new" in point for point in points):
        named = [
            point | {"new + old": f"{point.get('new')} + {point.get('hypothesis')}"}
            for point in points
        ]
        laid = grid(named, "batch", "new + old", ms)
        return "ms p50 / p95, graph, by new tokens + tokens of the old hypothesis\n" + laid
    graphs = [point for point in points if point.get("graph", True)]
    laid = "ms p50 / p95, graph, by query length\n" + grid(graphs, "batch", "length", ms)
    eager = [point for point in points if not point.get("graph", True)]
    return laid + ("\nwithout a graph\n" + grid(eager, "batch", "length", ms) if eager else "")


def _recognitions(points: list[Point]) -> str:
    head = ("batch x seconds", "all", "encoder + prefill", "one token", "encoder p50")
    rows = (
        [
            f"{point['batch']} x {point['seconds']}",
            ms(point),
            ms(point, "first_") if "first_p50" in point else "",
            ms(point, "step_") if "step_p50" in point else "",
            f"{point['encoder_p50']:.2f}" if "encoder_p50" in point else "",
        ]
        for point in points
    )
    return columns(head, rows)


def _speakers(points: list[Point]) -> str:
    head = ("cards, scheme", *map(str, SPEAKERS), "most in time")
    rows: dict[str, list[str]] = {}
    for point in points:
        row = rows.setdefault(f"{point['cards']}, {point['scheme']}", [])
        if "most" in point:
            row.append(f"{point['most']}{'+' if point['most'] == MOST_SPEAKERS else ''}")
        else:
            c2c, age = point["c2c"], point["age"]
            came = f"{c2c['p50']:.0f}/{c2c['p95']:.0f}" if c2c["p95"] is not None else "none came"
            row.append(f"{came} {age['p95']:.0f}")
    whole = [[name, *row] for name, row in rows.items() if len(row) == len(head) - 1]
    return (
        "computed, not measured; by speakers, ms: chunk-to-caption p50/p95, then caption age p95\n"
        + columns(head, whole)
    )


def in_short(phases: Mapping[str, Any]) -> list[str]:
    """A line beside its verification: 25 tokens one by one, two passes of 16, one of 32."""
    lines = []
    for name, phase in phases.items():
        shape, _, what = name.partition(": ")
        if what != "decode":
            continue
        verified = {
            (point["batch"], point["length"]): point["p50"]
            for point in phases.get(f"{shape}: verification", {}).get("points", [])
            if point.get("graph") and "p50" in point
        }
        for point in phase["points"]:
            two, one = (verified.get((point["batch"], length)) for length in (16, 32))
            if "p50" in point and two and one:
                plain = point["p50"]
                lines.append(
                    [f"{shape}, batch {point['batch']}", f"{plain:.1f}"]
                    + [f"{verify:.1f} ({plain / verify:.1f}x)" for verify in (2 * two, one)]
                )
    head = ("ms for a line, p50", "token by token", "2 passes of 16", "1 pass of 32")
    return ["\nin short", columns(head, lines)] if lines else []


# --- The command --------------------------------------------------------------------------------


def measure(bench: Bench) -> None:
    """Everything that needs PyTorch, what matters most first."""
    plan, first = bench.plan, bench.plan.translators[0]
    bench.phase("check: verification", check_verification())
    bench.phase("check: decoder", check_decoder())
    bench.phase("check: encoder", check_encoder())
    bench.report["sound"] = sound(bench.report["phases"])
    bench.phase("ceilings", bench.ceilings())
    bench.phase(f"{first.name}: attention", bench.attention(first))
    bench.phase(f"{first.name}: verification", bench.verification(first))
    if cuda():
        bench.report["about"]["after"] = card_state()  # still warm: the clocks it ran at
    bench.phase(f"{first.name}: prefill", bench.prefill(first))
    bench.phase("recognition", bench.recognition())
    bench.phase(f"{first.name}: decode", bench.decoding(first))
    for other in plan.translators[1:]:
        bench.phase(f"{other.name}: verification", bench.verification(other))
        bench.phase(f"{other.name}: prefill", bench.prefill(other))
        bench.phase(f"{other.name}: decode", bench.decoding(other))
    bench.phase(f"{first.name}, transformers' own classes", bench.stock(first))


def sound(phases: Mapping[str, Any]) -> bool:
    """Our own check has run and no check has failed; transformers need not be there."""
    checks = [phase for name, phase in phases.items() if name.startswith("check: ")]
    points = [point for phase in checks for point in phase["points"]]
    own = phases.get("check: verification", {})
    return bool(own.get("points")) and "failed" not in own and all(p["passed"] for p in points)


def compute(report: dict[str, Any], *, pass_ms: float, request_ms: float, speech: float) -> None:
    """Add the speakers that the figures allow, for each translator measured."""
    phases = report["phases"]
    names = [name.partition(": ")[0] for name in phases if name.endswith(": verification")]
    for name in names:
        if name == "check":
            continue
        kept: dict[str, Any] = {
            "points": [],
            "assumed": {"pass_ms": pass_ms, "request_ms": request_ms},
        }
        began = time.monotonic()
        try:
            figures = Figures.of(phases, name, report["about"]["heard"])
            kept["points"].extend(
                speakers_served(figures, pass_ms=pass_ms, request_ms=request_ms, speech=speech)
            )
        except LookupError as error:
            kept["failed"] = f"cannot be computed: {error.args[0]}"
        kept["seconds"] = round(time.monotonic() - began, 1)
        phases[f"speakers with {name}"] = kept


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="How long a verification pass takes, and how many speakers that allows."
    )
    parser.add_argument(
        "--out", type=Path, help="write the figures here, as JSON, after every phase"
    )
    parser.add_argument(
        "--minutes", type=amount, default=8.0, help="stop measuring after this long (8)"
    )
    parser.add_argument(
        "--tiny", action="store_true", help="tiny shapes and 2 repeats, on a processor too"
    )
    parser.add_argument(
        "--again", type=Path, metavar="JSON", help="compute the speakers from an earlier run"
    )
    parser.add_argument("--pass-ms", type=amount, default=1.0, help="assumed around a pass (1)")
    parser.add_argument(
        "--request-ms", type=amount, default=5.0, help="assumed around a request (5)"
    )
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Measure, compute, print. 1 if what was timed is not the real thing, 2 if nothing could be."""
    chosen = options().parse_args(words)
    assumed = {"pass_ms": chosen.pass_ms, "request_ms": chosen.request_ms}
    if chosen.out is not None and not chosen.out.resolve().parent.is_dir():
        return _no(f"there is no folder for {chosen.out}")
    if chosen.again is not None:
        try:
            report = json.loads(chosen.again.read_text())
            compute(report, **assumed, speech=report["about"]["speech"])
            text = table(report)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            return _no(f"{chosen.again} holds no figures of this program: {sentence(error)}")
    else:
        try:
            load_torch()
        except ImportError as error:
            return _no(f"this needs PyTorch: {sentence(error)}")
        if not (chosen.tiny or cuda()):
            return _no("PyTorch sees no NVIDIA card here; --tiny runs on a processor")
        report = measured(SMALL if chosen.tiny else FULL, chosen.out, chosen.minutes)
        compute(report, **assumed, speech=report["about"]["speech"])
        text = table(report)
    print(text)
    if chosen.out is not None:
        save(report, chosen.out)
    return 0 if report.get("sound") else 1


def measured(plan: Plan, out: Path | None, minutes: float) -> dict[str, Any]:
    """The report of one run; an eighth of the minutes is left to the computation after it."""
    bench = Bench(plan, out, minutes * 7 / 8)
    bench.report["about"] = facts(plan)
    try:
        with attention_by(*KERNELS):
            measure(bench)
    except KeyboardInterrupt:
        print("  stopped; what there is follows", file=sys.stderr)
    return bench.report


def amount(word: str) -> float:
    """A number that is not negative."""
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"not a number from 0 up: {word!r}")
    return number


def _no(why: str) -> int:
    print(f"gpu.py: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
