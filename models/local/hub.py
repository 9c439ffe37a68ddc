"""Fetch a model's folder from a hub: files that break off go on, and nothing unverified is kept.

A hub is a server with Hugging Face's paths (`/api/models/REPO`, `/REPO/resolve/COMMIT/FILE`). It
says how large each file is and what it hashes to: large ones by SHA-256, small ones as git does. A
file is written beside its place until all of that is true of it.
"""

import asyncio
import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import aiohttp
import msgspec

from models.base import EngineError
from models.foreign import decoded

HUB = "https://huggingface.co"
TRIES, WAIT_S = 5, 1.0  # that bring nothing of a file; the wait between them doubles
QUIET_S = 30.0  # nothing came
PIECE = 1 << 20
MOST_FILES, LISTING = 200, 1 << 20  # bytes
SPARE = 256 << 20  # bytes of the disk that are left free
LONGEST_NAME = 200  # characters of a file, its folders included
COMMIT = re.compile(r"\w{1,64}")
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
KEPT = {".bin", ".json", ".txt", ".model", ".spm", ".onnx", ".vocab"}
"""Data. Nothing that runs when it is loaded, as pickles do."""
PLAIN = {"Accept-Encoding": "identity"}  # sizes are of what is on the wire

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""(file, bytes that are here, bytes in all)"""


class _Large(msgspec.Struct):
    oid: str
    size: int


class _Entry(msgspec.Struct):
    type: str
    path: str
    size: int = 0
    oid: str = ""
    lfs: _Large | None = None


class _Model(msgspec.Struct):
    sha: str


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model, as the hub promises it."""

    name: str
    size: int
    digest: str
    large: bool
    """Its digest is the SHA-256 of its bytes; else git's, which is a SHA-1 with a head."""

    def hash(self) -> Any:
        """A hash that has taken what goes before the bytes."""
        if self.large:
            return hashlib.sha256()
        return hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)


class Hub:
    """A hub to fetch from. `get` is its verb."""

    def __init__(self, session: aiohttp.ClientSession, url: str = HUB) -> None:
        self._session, self._url = session, url.rstrip("/")
        self.wait_s = WAIT_S
        """Before a file that broke off is gone on with."""

    async def get(self, name: str, folder: Path, progress: Progress) -> int:
        """Bring the model `name` ("owner/model") into `folder`; the bytes it has.

        Files that are there and right are not fetched again. EngineError: the hub cannot be
        reached, has no such model, or what it sends is not what it promised.
        """
        commit, files = await self._files(name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            missing = [file for file in files if not await asyncio.to_thread(right, folder, file)]
            _check_space(folder, sum(file.size for file in missing))
            for file in missing:
                await self._bring(
                    f"{self._url}/{name}/resolve/{commit}/{file.name}", file, folder, progress
                )
        except OSError as error:
            raise EngineError(
                f"{folder} cannot take the model: {(error.strerror or str(error)).lower()}."
            ) from error
        return sum(file.size for file in files)

    async def size(self, name: str) -> int:
        """The bytes that `get` would bring. EngineError: as there."""
        _, files = await self._files(name)
        return sum(file.size for file in files)

    async def _files(self, name: str) -> tuple[str, list[File]]:
        """The newest commit of a model, and what of it is fetched. EngineError."""
        if not NAME.fullmatch(name):
            raise EngineError(f"{name!r} is no model of a hub: write owner/model.")
        commit = (await self._said(f"/api/models/{name}", name, _Model)).sha
        if not COMMIT.fullmatch(commit):
            raise EngineError(f"{self._url} is no hub of models: it names no commit of {name}.")
        tree = f"/api/models/{name}/tree/{commit}?recursive=true"
        return commit, chosen(await self._said(tree, name, list[_Entry]), name)

    async def _said(self, path: str, name: str, kind: type[T]) -> T:
        """What the hub says. EngineError: nothing, or nothing that a hub says."""
        try:
            return decoded(await self._text(path, name), kind)
        except ValueError as error:
            raise EngineError(f"{self._url} is no hub of models: {error}.") from error

    async def _text(self, path: str, name: str) -> bytes:
        try:
            async with asyncio.timeout(QUIET_S), self._session.get(self._url + path) as answer:
                if answer.status in (401, 403, 404):
                    raise EngineError(f"{self._url} has no model {name} that anybody may fetch.")
                if answer.status != 200:
                    raise EngineError(f"{self._url} answers {answer.status} for {name}.")
                return await _whole(answer, self._url)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EngineError(unreachable(self._url, error)) from error

    async def _bring(self, url: str, file: File, folder: Path, progress: Progress) -> None:
        part = folder / f"{file.name}.part"
        part.parent.mkdir(parents=True, exist_ok=True)
        failed = 0
        while failed < TRIES:
            before = _size(part)
            try:
                await self._go_on(url, file, part, progress)
                break
            except (aiohttp.ClientError, TimeoutError) as error:
                failed = 1 if _size(part) > before else failed + 1
                if failed == TRIES:
                    raise EngineError(
                        f"{file.name} broke off {TRIES} times ({_why(error)}): run the same "
                        "command again to go on."
                    ) from error
                await asyncio.sleep(self.wait_s * 2 ** (failed - 1))
        if not await asyncio.to_thread(_verified, part, file):
            part.unlink()
            raise EngineError(
                f"{file.name} is not the file that the hub lists: its checksum is another. "
                "It was deleted."
            )
        part.replace(folder / file.name)

    async def _go_on(self, url: str, file: File, part: Path, progress: Progress) -> None:
        """Add what is missing of a file. ClientError: it broke off."""
        here = _size(part)
        if here > file.size:
            part.unlink()
            here = 0
        if here == file.size and part.exists():
            return
        headers = PLAIN | ({"Range": f"bytes={here}-"} if here else {})
        limit = aiohttp.ClientTimeout(total=None, sock_connect=QUIET_S, sock_read=QUIET_S)
        async with self._session.get(url, headers=headers, timeout=limit) as answer:
            if answer.status not in (200, 206):
                raise EngineError(f"The hub answers {answer.status} for {file.name}.")
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise EngineError(f"The hub packs {file.name}, which was not asked for.")
            if answer.status == 200:
                here = 0
            with part.open("ab" if here else "wb") as out:
                async for piece in answer.content.iter_chunked(PIECE):
                    here += len(piece)
                    if here > file.size:
                        break
                    await asyncio.to_thread(out.write, piece)
                    progress(file.name, here, file.size)
        if here > file.size:
            part.unlink()
            raise EngineError(
                f"{file.name} is longer than the {file.size} bytes that it should be."
            )
        if here < file.size:
            raise aiohttp.ClientPayloadError(f"{here} of {file.size} bytes")


async def _whole(answer: aiohttp.ClientResponse, url: str) -> bytes:
    """All of an answer that is about files and holds none."""
    text = b""
    async for piece in answer.content.iter_chunked(PIECE):
        text += piece
        if len(text) > LISTING:
            raise EngineError(f"{url} lists more than a model's files.")
    return text


def chosen(entries: Sequence[_Entry], name: str) -> list[File]:
    """The files that are data. EngineError: there are none, or one would lie elsewhere."""
    found = [entry for entry in entries if entry.type == "file"]
    kept = [entry for entry in found if PurePosixPath(entry.path).suffix in KEPT]
    for entry in kept:
        path = PurePosixPath(entry.path)
        odd = "\\" in entry.path or not entry.path.isprintable() or len(entry.path) > LONGEST_NAME
        if odd or path.is_absolute() or ".." in path.parts or _negative(entry):
            raise EngineError(f"{name} lists a file {entry.path[:80]!r}, which no folder can hold.")
    if not kept or len(kept) > MOST_FILES:
        raise EngineError(
            f"{name} holds {len(kept)} files of a model; 1 to {MOST_FILES} are usual."
        )
    small = {entry.path for entry in kept if "int8" in entry.path}
    twice = {path.replace(".int8", "") for path in small if "decoder" not in path}
    return [
        File(entry.path, entry.lfs.size, entry.lfs.oid, True)
        if entry.lfs
        else File(entry.path, entry.size, entry.oid, False)
        for entry in kept
        if entry.path not in twice  # the larger of two that do the same
    ]


def _negative(entry: _Entry) -> bool:
    return min(entry.size, entry.lfs.size if entry.lfs else 0) < 0


def right(folder: Path, file: File) -> bool:
    """It is there already, and is what the hub lists."""
    path = folder / file.name
    return path.is_file() and _verified(path, file)


def unreachable(url: str, error: Exception) -> str:
    """What to do without a hub."""
    return (
        f"No hub of models can be reached at {url} ({_why(error)}). Fetch the "
        "folder on another machine and name it: docs/local.md says what belongs into it."
    )


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _verified(path: Path, file: File) -> bool:
    if path.stat().st_size != file.size:
        return False
    made = file.hash()
    with path.open("rb") as source:
        while piece := source.read(PIECE):
            made.update(piece)
    return bool(made.hexdigest() == file.digest)


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed + SPARE > free:
        raise EngineError(
            f"The model takes {needed / 1e9:.1f} GB more, and {folder} has room for "
            f"{max(0, free - SPARE) / 1e9:.1f}."
        )
