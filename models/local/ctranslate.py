"""Translation by CTranslate2, from folders of converted models, on this machine's processor.

What is asked while a batch is being translated makes up the next one: rooms share it, and none
waits for more than one batch before its own.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import ctranslate2

from models.base import EngineError, Request

from . import memory
from .families import Folder, Pair, Wording, inspect

Quality = Literal["fast", "good"]
BEAMS: dict[Quality, int] = {"fast": 1, "good": 4}
WIDEST = 16  # sentences of a batch
LONGEST = 2.0  # tokens of an answer for each of its source's ...
SPARE = 12  # ... and these
COMPUTE = "int8"


@dataclass(slots=True)
class _Asked:
    pair: Pair
    source: list[str]
    prefix: list[str]
    answer: asyncio.Future[list[str]]


class Model:
    """One folder, loaded. `translate` is its verb; who calls at the same time shares a batch."""

    def __init__(self, folder: Folder, quality: Quality, threads: int) -> None:
        """EngineError: CTranslate2 cannot load it."""
        self.folder, self._beams = folder, BEAMS[quality]
        self._wording = Wording(folder)
        memory.check(folder.path, [folder.path / "model.bin"])
        try:
            self._translator = ctranslate2.Translator(
                str(folder.path), compute_type=COMPUTE, intra_threads=threads
            )
        except (RuntimeError, ValueError) as error:
            why = (str(error) or "it does not say why").splitlines()[0]
            raise EngineError(f"CTranslate2 cannot load {folder.path}: {why}.") from error
        except MemoryError as error:
            raise EngineError(f"{folder.path} takes more memory than there is.") from error
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ctranslate2")
        self._waiting: list[_Asked] = []
        self._task: asyncio.Task[None] | None = None

    async def translate(self, text: str, prefix: str, pair: Pair) -> str:
        """What follows `prefix` in the translation of `text`. EngineError."""
        asked = _Asked(
            pair,
            self._wording.source(text, pair),
            self._wording.target(prefix.strip(), pair),
            asyncio.get_running_loop().create_future(),
        )
        self._waiting.append(asked)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        whole = self._wording.text(await asked.answer)
        return after(prefix, whole)

    async def close(self) -> None:
        """Free the memory it takes. Whoever still waits is told."""
        if self._task is not None:
            self._task.cancel()
        for asked in self._waiting:
            asked.answer.cancel()
        self._waiting.clear()
        await asyncio.to_thread(self._thread.shutdown)
        self._translator.unload_model()

    async def _work(self) -> None:
        while self._waiting:
            batch = [one for one in self._waiting[:WIDEST] if not one.answer.done()]
            del self._waiting[:WIDEST]
            if not batch:
                continue
            await self._answer(batch)

    async def _answer(self, batch: Sequence[_Asked]) -> None:
        """Of a batch that fails each is asked for alone: one that is too long fails by itself."""
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(self._thread, self._translate, batch)
        except asyncio.CancelledError:
            for one in batch:
                one.answer.cancel()
            raise
        except Exception as error:  # the library's own, from C++
            if len(batch) > 1:
                for one in batch:
                    await self._answer([one])
                return
            why = f"CTranslate2 failed: {str(error).partition(chr(10))[0]}."
            if not batch[0].answer.done():
                batch[0].answer.set_exception(EngineError(why))
            return
        for one, answer in zip(batch, answers, strict=True):
            if not one.answer.done():
                one.answer.set_result(answer)

    def _translate(self, batch: Sequence[_Asked]) -> list[list[str]]:
        longest = max(len(one.source) + len(one.prefix) for one in batch)
        results = self._translator.translate_batch(
            [one.source for one in batch],
            target_prefix=[one.prefix for one in batch],
            beam_size=self._beams,
            max_input_length=0,
            max_decoding_length=SPARE + int(LONGEST * longest),
        )
        return [list(result.hypotheses[0]) for result in results]


def after(prefix: str, whole: str) -> str:
    """What `whole`, an answer that was made to begin with `prefix`, says after it. The pieces of a
    beginning may join with other spaces than it had."""
    left, at = len("".join(prefix.split())), 0
    while left and at < len(whole):
        left -= not whole[at].isspace()
        at += 1
    rest = whole[at:]
    return rest.lstrip() if prefix[-1:].isspace() else rest


class CTranslate2:
    """A `Translator`, of one folder or several. Each answer comes in one piece."""

    name = "ctranslate2"
    forces_prefix = True

    def __init__(
        self,
        *,
        folders: Sequence[Path] = (),
        pairs: Collection[Pair] = (),
        quality: Quality = "fast",
        threads: int = 1,
    ) -> None:
        """`folders`: of converted models; where two translate a pair the first does. `pairs`: only
        these. `quality`: "fast" takes the likeliest word each time, "good" looks four ways.

        EngineError: no folder, or one that is none.
        """
        if not folders:
            raise EngineError(
                "The translator ctranslate2 needs the folder of a model: `surtitle models list`."
            )
        self.folders = tuple(folders)
        self._quality, self._threads = quality, threads
        self._folders: dict[Pair, Folder] = {}
        for path in folders:
            folder = inspect(path)
            for pair in folder.pairs:
                if not pairs or pair in pairs:
                    self._folders.setdefault(pair, folder)
        for source, target in pairs:
            if (source, target) not in self._folders:
                raise EngineError(f"No folder that was named translates {source}-{target}.")
        self._models: dict[Path, Model] = {}

    @property
    def pairs(self) -> Collection[Pair]:
        """What the folders translate, or what was asked for of it."""
        return self._folders.keys()

    async def start(self) -> None:
        """Load every folder and translate a word with each. EngineError: one does not work."""
        first: dict[Path, list[Pair]] = defaultdict(list)
        for pair, folder in self._folders.items():
            first[folder.path].append(pair)
        for path, known in first.items():
            folder = self._folders[known[0]]
            model = await asyncio.to_thread(Model, folder, self._quality, self._threads)
            self._models[path] = model
            await model.translate("OK", "", known[0])

    async def translate(self, request: Request) -> AsyncGenerator[str, None]:
        """The whole rest of the translation at once, nothing for no text. EngineError."""
        pair = request.source, request.target
        folder = self._folders.get(pair)
        if folder is None:
            raise EngineError(f"ctranslate2 has no model for {pair[0]}-{pair[1]}.")
        if not request.text.strip():
            return
        model = self._models[folder.path]
        if said := await model.translate(request.text.strip(), request.prefix, pair):
            yield said

    async def close(self) -> None:
        """Unload everything."""
        for model in self._models.values():
            await model.close()
        self._models.clear()
