"""Recognition by streaming models in folders: the real library, on a model made for these tests."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from models import registry
from models.base import EngineError, Hints, Primed
from models.local.sherpa import Sherpa, readable
from tests.models.local.tiny_sherpa import ctc, recognizer, tone

pytestmark = pytest.mark.engine

TONES = {"▁HELLO": 500.0, "▁WORLD": 1000.0, "你": 2000.0, "好": 3000.0, "号": 3000.0}
HOP = 2 * 16_000 * 320 // 1000


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "streaming-tones-bilingual-zh-en"
    return recognizer(path, TONES, likelier={"好": 0.3})


@asynccontextmanager
async def started(folder: Path, **options: object) -> AsyncIterator[Sherpa]:
    engine = Sherpa(folder=folder, **options)  # type: ignore[arg-type]
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


def sound(*hertz: float) -> bytes:
    return b"".join(tone(hz) for hz in hertz)


async def heard(engine: Sherpa, pcm: bytes, speaker: str = "p1") -> list[str]:
    """What a segment says after every hop, and in the end."""
    hearing = await engine.open(speaker, ["zh", "en"])
    said = [
        (await hearing.hear(pcm[at : at + HOP], "")).text for at in range(0, len(pcm) - HOP, HOP)
    ]
    final = await hearing.finish(pcm[len(said) * HOP :])
    await hearing.close()
    return [*said, final.text]


async def test_words_come_while_they_are_said_and_stay(folder: Path) -> None:
    async with started(folder) as engine:
        said = await heard(engine, sound(500, 1000, 2000, 3000))
        assert said[-1] == "hello world 你好"
        assert said[0] == "hello"
        assert all(later.startswith(before) for before, later in pairwise(said))


async def test_a_ctc_model_hears_as_well_and_expects_no_names(tmp_path: Path) -> None:
    async with started(ctc(tmp_path / "streaming-ctc-zh-en", TONES)) as engine:
        said = await heard(engine, sound(500, 1000, 2000))
        assert said[-1] == "hello world 你"
        assert all(later.startswith(before) for before, later in pairwise(said))
        engine.prime("p1", Hints(terms=("你号",)))
        assert (await heard(engine, sound(2000)))[-1] == "你"


async def test_the_segments_language_is_one_that_is_written_so(folder: Path) -> None:
    async with started(folder) as engine:
        for hertz, language in (([2000, 3000], "zh"), ([500, 1000], "en"), ([], "zh")):
            hearing = await engine.open("p1", ["zh", "en"])
            assert (await hearing.finish(sound(*hertz))).language == language


async def test_a_name_of_the_rooms_glossary_is_heard_for_what_sounds_like_it(folder: Path) -> None:
    async with started(folder) as engine:
        assert isinstance(engine, Primed)
        said = sound(2000, 3000)
        assert (await heard(engine, said))[-1] == "你好"
        engine.prime("p1", Hints(terms=("囧", "你号", "Zoë/x", "", "a\nb")))
        assert (await heard(engine, said))[-1] == "你号"
        assert (await heard(engine, said, speaker="p2"))[-1] == "你好"
        await engine.leave("p1")
        assert (await heard(engine, said))[-1] == "你好"


async def test_no_term_is_printed_because_the_model_cannot_spell_it(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with started(folder) as engine:
        engine.prime("p1", Hints(terms=("囧密", "Zoë", "你好")))
        await heard(engine, sound(2000, 3000))
    assert "囧" not in "".join(capfd.readouterr())


async def test_speakers_are_heard_at_once(folder: Path) -> None:
    async with started(folder) as engine:
        sounds = [sound(500, 1000), sound(2000, 3000), sound(1000, 500)] * 3
        said = await asyncio.gather(*(heard(engine, pcm, f"p{n}") for n, pcm in enumerate(sounds)))
        assert [words[-1] for words in said] == ["hello world", "你好", "world hello"] * 3


async def test_a_model_can_be_unloaded_and_loaded_again(folder: Path) -> None:
    for _ in range(2):
        async with started(folder) as engine:
            assert (await heard(engine, sound(500)))[-1] == "hello"


async def test_a_segment_that_was_closed_hears_nothing(folder: Path) -> None:
    async with started(folder) as engine:
        hearing = await engine.open("p1", ["en"])
        await hearing.close()
        await hearing.close()
        with pytest.raises(EngineError, match="closed"):
            await hearing.hear(b"", "")


async def test_a_language_it_does_not_hear_is_said(folder: Path) -> None:
    async with started(folder) as engine:
        assert list(engine.languages) == ["zh", "en"]
        with pytest.raises(EngineError, match="hears zh, en, not"):
            await engine.open("p1", ["fr"])
        hearing = await engine.open("p1", ["en-US"])
        assert (await hearing.finish(sound(500))).language == "en-US"


@pytest.mark.parametrize(
    "text, shown",
    [
        (" HELLO WORLD", "hello world"),
        ("Hello  World", "Hello World"),
        ("你 好 HELLO 世 界", "你好 hello 世界"),
        ("用Qwen3翻译", "用 Qwen3 翻译"),
        ("", ""),
    ],
)
def test_han_stands_close_and_a_latin_word_apart(text: str, shown: str) -> None:
    assert readable(text) == shown


def test_a_folder_must_be_named_and_say_what_it_hears(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"needs the folder.*models list"):
        registry.recognizer("sherpa")
    with pytest.raises(EngineError, match="does not say what it hears"):
        Sherpa(folder=tmp_path / "mine")
    assert list(Sherpa(folder=tmp_path / "mine", languages=["ko"]).languages) == ["ko"]


@pytest.mark.parametrize(
    "spoil, says",
    [
        (lambda folder: shutil.rmtree(folder), "is no folder"),
        (lambda folder: (folder / "tokens.txt").unlink(), "has no tokens.txt"),
        (lambda folder: (folder / "joiner.onnx").unlink(), r"has no joiner\*.onnx"),
        (lambda folder: (folder / "encoder.onnx").write_bytes(b"?" * 99), "cannot load"),
        (lambda folder: shutil.copy(folder / "joiner.onnx", folder / "encoder.onnx"), "cannot"),
        (lambda folder: (folder / "tokens.txt").write_text("one two three\n"), "cannot load"),
    ],
)
async def test_a_folder_that_is_none_is_said_and_the_server_lives(
    tmp_path: Path, folder: Path, spoil: Callable[[Path], None], says: str
) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    spoil(copy)
    with pytest.raises(EngineError, match=says):
        async with started(copy):
            pass
