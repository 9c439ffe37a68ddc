"""Translation by models in folders: the real libraries, on models made for these tests."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from models import registry
from models.base import EngineError, Request
from models.local.ctranslate import CTranslate2, after
from models.local.families import inspect
from tests.models.local.tiny import translator

pytestmark = pytest.mark.engine

WORDS = {
    "good": "buenos", "morning": "días", "we": "nosotros", "see": "vemos",
    "the": "el", "display": "visor", "你好": "hello", "世界": "world",
}  # fmt: skip
NLLB = ("eng_Latn", "spa_Latn", "zho_Hans")
M2M = ("__en__", "__es__")
MADLAD = ("<2en>", "<2es>")

Made = Callable[..., Path]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A folder by its name; models are made once."""
    root = tmp_path_factory.mktemp("models")

    def folder(name: str, marks: Sequence[str] = (), more: int = 0) -> Path:
        path = root / name
        return path if path.exists() else translator(path, WORDS, marks, more)

    return folder


@pytest.fixture
def opus(made: Made) -> Path:
    return made("opus-mt-en-es")


@asynccontextmanager
async def started(*folders: Path, **options: object) -> AsyncIterator[CTranslate2]:
    engine = CTranslate2(folders=folders, **options)  # type: ignore[arg-type]
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


async def said(engine: CTranslate2, text: str, source: str = "en", target: str = "es") -> str:
    return "".join([piece async for piece in engine.translate(Request(source, target, text))])


async def test_a_folder_of_opus_mt_translates_what_its_name_says(opus: Path) -> None:
    async with started(opus) as engine:
        assert list(engine.pairs) == [("en", "es")]
        assert await said(engine, "good morning") == "buenos días"
        assert await said(engine, "  ") == ""


@pytest.mark.parametrize(
    "name, marks, more", [("nllb", NLLB, 0), ("m2m", M2M, 0), ("madlad", MADLAD, 1)]
)
async def test_each_family_is_told_its_languages_its_own_way(
    made: Made, name: str, marks: Sequence[str], more: int
) -> None:
    async with started(made(name, marks, more)) as engine:
        assert inspect(made(name, marks, more)).family == name
        assert {("en", "es"), ("es", "en")} <= set(engine.pairs)
        assert await said(engine, "we see the display") == "nosotros vemos el visor"


async def test_a_beginning_that_readers_have_seen_is_gone_on_from(opus: Path) -> None:
    async with started(opus) as engine:
        asked = Request("en", "es", "we see the display", prefix="nosotros vemos ")
        assert [piece async for piece in engine.translate(asked)] == ["el visor"]
        asked = Request("en", "es", "we see the display", prefix="vemos vemos")
        assert [piece async for piece in engine.translate(asked)] == [" el visor"]


@pytest.mark.parametrize(
    "prefix, whole, rest",
    [
        ("", "Hola mundo", "Hola mundo"),
        ("Hola ", "Hola mundo", "mundo"),
        ("Hola", "Hola mundo", " mundo"),
        ("Hola ", "Hola", ""),
        ("你好", "你好世界", "世界"),
        ("你 好 ", "你好世界", "世界"),
        ("Hola", "Ho", ""),
    ],
)
def test_what_is_new_joins_to_what_was_there(prefix: str, whole: str, rest: str) -> None:
    assert after(prefix, whole) == rest


async def test_rooms_that_ask_at_once_share_a_batch(opus: Path) -> None:
    async with started(opus) as engine:
        (model,) = engine._models.values()
        sizes: list[int] = []
        translate = model._translate

        def counted(batch: Sequence[object]) -> list[list[str]]:
            sizes.append(len(batch))
            return translate(batch)  # type: ignore[arg-type]

        model._translate = counted  # type: ignore[method-assign]
        texts = ["good morning", "we see", "the display"] * 5
        answers = await asyncio.gather(*(said(engine, text) for text in texts))
        assert answers == ["buenos días", "nosotros vemos", "el visor"] * 5
        assert max(sizes) > 1 and sum(sizes) == len(texts)


async def test_who_no_longer_wants_an_answer_holds_nobody_up(opus: Path) -> None:
    async with started(opus) as engine:
        asked = [asyncio.create_task(said(engine, "good morning")) for _ in range(20)]
        await asyncio.sleep(0)
        for task in asked[::2]:
            task.cancel()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert answers[1::2] == ["buenos días"] * 10
        assert await said(engine, "we see") == "nosotros vemos"


async def test_a_text_that_is_too_long_fails_by_itself(opus: Path) -> None:
    async with started(opus) as engine:
        asked = [said(engine, text) for text in ("we see", "we " * 100, "good morning")]
        first, failed, last = await asyncio.gather(*asked, return_exceptions=True)
        assert (first, last) == ("nosotros vemos", "buenos días")
        assert isinstance(failed, EngineError) and "position" in str(failed)


async def test_who_waits_for_a_model_that_is_unloaded_is_told(opus: Path) -> None:
    async with started(opus) as engine:
        asked = [asyncio.create_task(said(engine, "we see")) for _ in range(40)]
        await asyncio.sleep(0)
    answers = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 20)
    assert all(
        answer == "nosotros vemos" or isinstance(answer, BaseException) for answer in answers
    )


async def test_a_model_can_be_unloaded_and_loaded_again(opus: Path) -> None:
    for _ in range(2):
        async with started(opus, quality="good") as engine:
            assert await said(engine, "the display") == "el visor"


async def test_of_two_folders_for_a_pair_the_first_is_asked(made: Made, opus: Path) -> None:
    async with started(opus, made("nllb", NLLB)) as engine:
        assert engine._folders["en", "es"].path == opus
        assert await said(engine, "你好 世界", "zh", "en") == "hello world"


async def test_a_pair_that_no_folder_has_is_said(opus: Path) -> None:
    with pytest.raises(EngineError, match="No folder that was named translates es-zh"):
        CTranslate2(folders=[opus], pairs=[("es", "zh")])
    async with started(opus) as engine:
        with pytest.raises(EngineError, match="no model for es-en"):
            await said(engine, "hola", "es", "en")


def test_without_a_folder_there_is_a_sentence() -> None:
    with pytest.raises(EngineError, match="needs the folder of a model"):
        registry.translator("ctranslate2")


@pytest.mark.parametrize(
    "spoil, says",
    [
        (lambda folder: shutil.rmtree(folder), "is no folder"),
        (lambda folder: (folder / "model.bin").unlink(), "has no model.bin"),
        (lambda folder: (folder / "shared_vocabulary.json").unlink(), "has no vocabulary"),
        (lambda folder: (folder / "sentencepiece.bpe.model").unlink(), "no sentencepiece model"),
        (lambda folder: (folder / "shared_vocabulary.json").write_text("{"), "not a list"),
        (lambda folder: (folder / "shared_vocabulary.json").write_text("{}"), "not a list"),
        (lambda folder: folder.rename(folder.with_name("mine")), "does not say which languages"),
    ],
)
def test_a_folder_that_is_not_whole_says_what_it_lacks(
    tmp_path: Path, opus: Path, spoil: Callable[[Path], None], says: str
) -> None:
    folder = tmp_path / "opus-mt-en-es"
    shutil.copytree(opus, folder)
    spoil(folder)
    named = folder if folder.exists() or says == "is no folder" else folder.with_name("mine")
    with pytest.raises(EngineError, match=says):
        CTranslate2(folders=[named])


@pytest.mark.parametrize("file", ["model.bin", "sentencepiece.bpe.model"])
async def test_a_broken_file_is_named_when_it_is_loaded(
    tmp_path: Path, opus: Path, file: str
) -> None:
    folder = tmp_path / "opus-mt-en-es"
    shutil.copytree(opus, folder)
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EngineError, match=str(folder)):
        async with started(folder):
            pass
