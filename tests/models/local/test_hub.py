"""Models come from a hub whole and verified, or not at all."""

import gzip
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from models.base import EngineError
from models.local import hub
from models.local.hub import Hub

pytestmark = pytest.mark.socket

COMMIT = "c0ffee"
MODEL = bytes(range(256)) * 4096  # a megabyte
FILES = {"model.bin": MODEL, "config.json": b"{}", "shared_vocabulary.json": b"[]"}
NAME = "somebody/opus-mt-en-es"


@dataclass
class Served:
    """A hub with one model, and what is wrong with it."""

    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    lists: list[dict[str, object]] = field(default_factory=list)
    """More entries than there are files for."""
    send: Callable[[str, bytes, int], bytes] = lambda name, data, start: data[start:]
    packed: bool = False
    asked: list[tuple[str, int]] = field(default_factory=list)
    """Files, and the byte each was asked for from."""

    def app(self) -> web.Application:
        made = web.Application()
        made.add_routes(
            [
                web.get(f"/api/models/{NAME}", self._about),
                web.get(f"/api/models/{NAME}/tree/{COMMIT}", self._tree),
                web.get(f"/{NAME}/resolve/{COMMIT}/{{file:.+}}", self._file),
                web.get("/api/models/broken/hub", self._page),
            ]
        )
        return made

    async def _about(self, request: web.Request) -> web.Response:
        return web.json_response({"sha": COMMIT, "tags": []})

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text="<html>Welcome</html>")

    async def _tree(self, request: web.Request) -> web.Response:
        return web.json_response([*(entry(*file) for file in self.files.items()), *self.lists])

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["file"]
        data = self.files[name]
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        self.asked.append((name, start))
        sent = self.send(name, data, start)
        headers = {"Content-Length": str(len(data) - start)}
        if self.packed:
            sent = gzip.compress(bytes(1 << 24))
            headers = {"Content-Encoding": "gzip", "Content-Length": str(len(sent))}
        if len(sent) > len(data) - start:
            headers = {}
        answer = web.StreamResponse(status=206 if start else 200, headers=headers)
        await answer.prepare(request)
        await answer.write(sent)
        if len(sent) < len(data) - start:
            assert request.transport is not None
            request.transport.close()
        return answer


def entry(name: str, data: bytes) -> dict[str, object]:
    """A file as a hub lists it: large ones by SHA-256, small ones as git does."""
    if len(data) > 1000:
        large = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data)}
        return {"type": "file", "path": name, "size": len(data), "oid": "x", "lfs": large}
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return {"type": "file", "path": name, "size": len(data), "oid": blob}


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
async def the_hub(served: Served) -> AsyncIterator[Hub]:
    async with TestServer(served.app()) as server, aiohttp.ClientSession() as session:
        made = Hub(session, str(server.make_url("")))
        made.wait_s = 0.0
        yield made


def quietly(name: str, here: int, whole: int) -> None:
    pass


async def test_a_model_comes_with_all_its_files_and_says_how_far_it_is(
    the_hub: Hub, tmp_path: Path
) -> None:
    said: list[tuple[str, int, int]] = []
    folder = tmp_path / "new" / "opus-mt-en-es"
    size = await the_hub.get(NAME, folder, lambda *news: said.append(news))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    assert size == sum(map(len, FILES.values()))
    assert ("model.bin", len(MODEL), len(MODEL)) in said


async def test_what_is_there_is_not_fetched_again(
    the_hub: Hub, served: Served, tmp_path: Path
) -> None:
    await the_hub.get(NAME, tmp_path, quietly)
    (tmp_path / "config.json").write_text("[]")  # of the right size, and not right
    served.asked.clear()
    await the_hub.get(NAME, tmp_path, quietly)
    assert served.asked == [("config.json", 0)]


async def test_a_file_that_breaks_off_goes_on_from_there(
    the_hub: Hub, served: Served, tmp_path: Path
) -> None:
    served.send = lambda name, data, start: data[start : start + 400_000]
    await the_hub.get(NAME, tmp_path, quietly)
    assert (tmp_path / "model.bin").read_bytes() == MODEL
    starts = [start for name, start in served.asked if name == "model.bin"]
    assert starts[0] == 0 and len(starts) >= 3 and starts == sorted(starts)


async def test_one_that_breaks_off_every_time_is_gone_on_with_by_the_next_command(
    the_hub: Hub, served: Served, tmp_path: Path
) -> None:
    served.send = lambda name, data, start: data[start:400_000]
    with pytest.raises(EngineError, match=r"broke off 5 times .* run the same command again"):
        await the_hub.get(NAME, tmp_path, quietly)
    assert not (tmp_path / "model.bin").exists()
    served.send = lambda name, data, start: data[start:]
    await the_hub.get(NAME, tmp_path, quietly)
    assert (tmp_path / "model.bin").read_bytes() == MODEL
    (again,) = [start for name, start in served.asked[-3:] if name == "model.bin"]
    assert again > 0


async def test_a_wrong_checksum_is_not_kept(the_hub: Hub, served: Served, tmp_path: Path) -> None:
    served.send = lambda name, data, start: bytes(len(data) - start)
    with pytest.raises(EngineError, match=r"model.bin is not the file .* checksum"):
        await the_hub.get(NAME, tmp_path, quietly)
    assert list(tmp_path.iterdir()) == []


async def test_a_file_longer_than_it_should_be_is_not_read_to_its_end(
    the_hub: Hub, served: Served, tmp_path: Path
) -> None:
    served.send = lambda name, data, start: data + bytes(1 << 24)
    with pytest.raises(EngineError, match="is longer than the"):
        await the_hub.get(NAME, tmp_path, quietly)
    assert list(tmp_path.iterdir()) == []


async def test_a_bomb_is_not_unpacked(the_hub: Hub, served: Served, tmp_path: Path) -> None:
    served.packed = True
    with pytest.raises(EngineError, match=r"packs model\.bin"):
        await the_hub.get(NAME, tmp_path, quietly)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0


async def test_a_model_larger_than_the_disk_is_not_begun(
    the_hub: Hub, served: Served, tmp_path: Path
) -> None:
    served.lists = [entry("big.onnx", b"") | {"size": 10**18}]
    with pytest.raises(EngineError, match=r"GB more, and .* has room for"):
        await the_hub.get(NAME, tmp_path, quietly)
    assert served.asked == []


@pytest.mark.parametrize(
    "path", ["../model.bin", "/etc/model.bin", "a/../../model.bin", "..\\a.bin"]
)
async def test_no_file_is_written_elsewhere(
    the_hub: Hub, served: Served, tmp_path: Path, path: str
) -> None:
    served.lists = [entry("x.bin", b"x") | {"path": path}]
    with pytest.raises(EngineError, match="which no folder can hold"):
        await the_hub.get(NAME, tmp_path, quietly)


async def test_a_long_listing_is_read_to_its_end(
    the_hub: Hub, served: Served, tmp_path: Path
) -> None:
    served.lists = [entry(f"pictures/{number:060}.png", b"") for number in range(4_000)]
    await the_hub.get(NAME, tmp_path, quietly)
    assert (tmp_path / "model.bin").read_bytes() == MODEL
    served.lists *= 4
    with pytest.raises(EngineError, match="lists more than a model's files"):
        await the_hub.get(NAME, tmp_path, quietly)


async def test_only_data_is_fetched_and_the_smaller_of_two(
    the_hub: Hub, served: Served, tmp_path: Path
) -> None:
    extra = ("run.py", "weights.pkl", "README.md", "encoder.onnx", "encoder.int8.onnx")
    decoders = ("decoder.onnx", "decoder.int8.onnx")
    served.files = dict.fromkeys((*extra, *decoders), b"0")
    await the_hub.get(NAME, tmp_path, quietly)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"encoder.int8.onnx", *decoders}


@pytest.mark.parametrize(
    "name, says",
    [
        ("nobody/nothing", "has no model nobody/nothing"),
        ("broken/hub", "is no hub of models"),
        ("en-es", "write owner/model"),
        ("../..", "write owner/model"),
    ],
)
async def test_a_model_that_is_not_there_is_said(
    the_hub: Hub, tmp_path: Path, name: str, says: str
) -> None:
    with pytest.raises(EngineError, match=says):
        await the_hub.get(name, tmp_path, quietly)


async def test_without_a_hub_it_is_said_what_to_do(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(EngineError, match=r"No hub of models can be reached.*docs/local\.md"):
            await Hub(session, "http://127.0.0.1:1").get(NAME, tmp_path, quietly)


def test_the_usual_hub_is_asked_over_tls() -> None:
    assert hub.HUB.startswith("https://")
