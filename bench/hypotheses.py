"""What the last answer saves when a line is translated again: passes and tokens through the model.

Lines grow by a few words at a time, and each state is translated anew by a small Qwen trained for
it (bench/teensy), which the real SGLang serves on this machine's CPU. All schemes ask for the same:

    plain      every token a pass; its answers are what the others' are held to
    logprobs   any server: the old answer behind the prompt, judged in one question
    ngram      SGLang's own speculation, from what it said before
    drafts     our algorithm: verified after the prefill, taken up again after a difference
    plugin     the same, and verified within the prefill already, with how it might have gone on
    forced     the old answer but its last three tokens, believed: not exact, for comparison

A pass is one run of the model for one request; the prefill, which every scheme needs, is one.
Tokens verified are those that went through it beyond the prompt. What is counted does not depend on
the machine.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from tokenizers import Tokenizer

from models.base import Spent
from models.sglang.frames import Event, Generate, Piece
from models.sglang.servers import Servers
from models.sglang.tokens import Ids, Local
from models.sglang.ways import Logprobs, Plain, Plugin, Question, Way, common

from .growing import MODEL, Line, Tally, least, lines

SPACE = "SURTITLE_SGLANG"  # the variable that names the environment SGLang is in
KINDS = ("short", "long", "windowed")
HOPS = (1, 2, 3, 4)  # words
LINES = 12  # of each kind and direction
DRAFTED = 16  # tokens a pass
LIMIT = 96  # tokens of an answer
WINDOW = 12  # tokens of a windowed line that may still be revised
DROPPED = 3  # tokens that prefix-forcing leaves open
TOGETHER = 4  # lines that are translated at a time

# -- schemes


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to ask, and the server for it."""

    name: str
    algorithm: str
    prefill: bool = False
    forced: bool = False


SCHEMES = (
    Scheme("plain", "none"),
    Scheme("logprobs", "none"),
    Scheme("forced", "none", forced=True),
    Scheme("ngram", "ngram"),
    Scheme("drafts", "hypothesis"),
    Scheme("plugin", "hypothesis", prefill=True),
)


class Asked:
    """One scheme at work on one server."""

    def __init__(self, scheme: Scheme, servers: Servers, definition: bytes) -> None:
        self._scheme = scheme
        self._servers = servers
        self._tokens = Tokenizer.from_str(definition.decode())
        stop = self._tokens.token_to_id("<|im_end|>")
        assert stop is not None
        self._stop = stop
        ways: Mapping[str, Callable[[], Way]] = {
            "logprobs": lambda: Logprobs(Local(definition)),
            "drafts": Plugin,
            "plugin": Plugin,
        }
        self._way = ways.get(scheme.name, Plain)()

    async def line(self, line: Line, hop: int, tally: Tally) -> list[Ids]:
        """The answers to a line's states; `tally` is added to."""
        answers: list[Ids] = []
        before: Ids = ()
        last: Ids = ()
        frozen: Ids = ()
        for text in line.states(hop):
            if line.windowed:
                agreed = common(before, last)
                frozen = last[: max(len(frozen), min(agreed, len(last) - WINDOW))]
            answer = await self._answer(self._prompt(line, text), frozen, last, tally)
            tally.erased += len(last) - common(last, answer)
            before, last = last, answer
            answers.append(answer)
        tally.final += len(last)
        return answers

    async def _answer(self, prompt: Ids, frozen: Ids, last: Ids, tally: Tally) -> Ids:
        """The answer to one state, `frozen` included."""
        held = last[: max(len(frozen), len(last) - DROPPED)] if self._scheme.forced else frozen
        guess = () if self._scheme.forced else last[len(frozen) :]
        question = Question(prompt + held, guess, LIMIT - len(held), frozenset({self._stop}))
        ids: Ids = ()
        spent = Spent()
        async with aclosing(self._way.answer(question, self._ask)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Piece):
                    ids += piece.ids
                else:
                    spent = piece
        tally.updates += 1
        tally.passes += spent.passes
        tally.tokens += len(ids)
        tally.offered += len(guess)
        tally.accepted += max(0, len(ids) - spent.passes)  # each pass writes one token by itself
        tally.verified += self._verified(spent, ids)
        return held + (ids[:-1] if ids[-1:] == (self._stop,) else ids)

    def _verified(self, spent: Spent, ids: Ids) -> int:
        """Tokens through the model beyond the prompt; of our algorithm, the server tells."""
        if self._scheme.algorithm == "ngram":
            return (spent.passes - 1) * DRAFTED
        if self._scheme.algorithm == "hypothesis":
            return 0
        return spent.offered + max(0, spent.passes - 1)

    def _prompt(self, line: Line, text: str) -> Ids:
        asked = f"<|im_start|>user\n{line.target}: {text}<|im_end|>\n<|im_start|>assistant\n"
        return tuple(self._tokens.encode(asked, add_special_tokens=False).ids)

    async def _ask(
        self, ids: Ids, limit: int, sampling: Mapping[str, object], more: Mapping[str, object]
    ) -> AsyncGenerator[Event, None]:
        greedy = {"temperature": 0, "max_new_tokens": limit, **sampling}
        body = {"input_ids": ids, "sampling_params": greedy, **more}
        async with aclosing(self._servers.stream("/generate", body, Generate)) as events:
            async for event in events:
                yield event


# -- servers


@asynccontextmanager
async def served(scheme: Scheme, environment: Path, log: Path) -> AsyncIterator[str]:
    """The URL of a server for `scheme`, in float32, started by our launcher."""
    told, ready = os.pipe()
    parent, held = os.pipe()  # `held` closes when this process ends, however it does
    command = [
        *(sys.executable, "surtitle.py", "models", "serve", "translator", "--gpu", "cpu"),
        *("--model", str(MODEL), "--algorithm", scheme.algorithm),
        *("--environment", str(environment), "--port", "0", "--ready-fd", str(ready)),
        *("--parent-fd", str(parent)),
        *("--", "--dtype", "float32"),
    ]
    if scheme.algorithm != "none":
        command += ["--speculative-num-draft-tokens", str(DRAFTED)]
    with open(log, "wb") as out:
        launcher = subprocess.Popen(
            command, stdout=out, stderr=out, pass_fds=(ready, parent), cwd=MODEL.parents[1],
            env={**os.environ, "SURTITLE_HYPOTHESIS_PREFILL": str(int(scheme.prefill))},
        )  # fmt: skip
    os.close(ready)
    os.close(parent)
    try:
        said = await asyncio.to_thread(os.read, told, 4096)
        if not said:
            raise RuntimeError(f"SGLang did not start: {log.read_text(errors='replace')[-500:]}")
        yield json.loads(said)["url"]
    finally:
        os.close(told)
        os.close(held)
        launcher.terminate()
        await asyncio.to_thread(launcher.wait)


async def verified(url: str) -> int:
    """Tokens that our algorithm has had verified so far, as the server counts them."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        text = await answer.text()
    values = (line.split()[-1] for line in text.splitlines() if line.startswith(VERIFIED))
    return int(sum(map(float, values)))


FLUSH = "/flush_cache?timeout=30"  # with what n-grams have learned of the same lines
VERIFIED = "surtitle_hypothesis_verified_total"


# -- measuring


def measure(quick: bool = False) -> dict[str, Any]:
    """Everything, or with `quick` a few lines at one and two words."""
    named = os.environ.get(SPACE)
    if not named:
        return {"skipped": f"no SGLang: {SPACE} names its environment, `make contract` makes one"}
    count, hops = (4, HOPS[:2]) if quick else (LINES, HOPS)
    return asyncio.run(_measure(Path(named), count, hops))


async def _measure(environment: Path, count: int, hops: Sequence[int]) -> dict[str, Any]:
    definition = (MODEL / "tokenizer.json").read_bytes()
    kinds = [(kind, target) for kind in KINDS for target in ("English", "Chinese")]
    tallies: dict[tuple[str, str, int, str], Tally] = {}
    for scheme in SCHEMES:
        log = Path(os.environ.get("TMPDIR", "/tmp"), f"surtitle-hypotheses-{scheme.name}.log")
        async with served(scheme, environment, log) as url:
            servers = Servers([url], deadline_s=120.0)
            await servers.open()
            asked = Asked(scheme, servers, definition)
            for kind, target in kinds:
                for hop in hops:
                    tally = tallies[kind, target, hop, scheme.name] = Tally()
                    await servers.ask(FLUSH, dict)
                    before = await verified(url)
                    work = partial(asked.line, hop=hop, tally=tally)
                    tally.answers = await _together(work, lines(kind, target, count))
                    if scheme.algorithm == "hypothesis":
                        tally.verified = await verified(url) - before
            await servers.close()
    return {"points": list(_points(tallies, kinds, hops))}


async def _together(work: Callable[[Line], Any], all_lines: Sequence[Line]) -> list[list[Ids]]:
    room = asyncio.Semaphore(TOGETHER)

    async def one(line: Line) -> list[Ids]:
        async with room:
            return list(await work(line))

    return list(await asyncio.gather(*map(one, all_lines)))


def _points(
    tallies: Mapping[tuple[str, str, int, str], Tally],
    kinds: Sequence[tuple[str, str]],
    hops: Sequence[int],
) -> Iterator[dict[str, Any]]:
    for kind, target in kinds:
        for hop in hops:
            plain = tallies[kind, target, hop, "plain"]
            lengths = [len(answers[-1]) for answers in plain.answers]
            schemes = {}
            for scheme in SCHEMES:
                tally = tallies[kind, target, hop, scheme.name]
                pairs = zip(
                    (ids for line in tally.answers for ids in line),
                    (ids for line in plain.answers for ids in line),
                    strict=True,
                )
                tally.different = sum(ours != theirs for ours, theirs in pairs)
                schemes[scheme.name] = tally.figures(plain)
            yield {
                "lines": kind,
                "into": target,
                "hop_words": hop,
                "final_tokens": round(statistics.mean(lengths), 1),
                "least_passes": round(least(plain.answers), 3),
                "schemes": schemes,
            }
