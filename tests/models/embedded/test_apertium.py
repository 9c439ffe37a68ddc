"""Apertium translates what people say, whatever is in the text, and survives its programs."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.base import EngineError, Request
from models.embedded import apertium_text
from models.embedded.apertium import Apertium, installed, read_mode
from tests.models.speech import Watch

pytestmark = pytest.mark.engine


@pytest.fixture
async def engine() -> AsyncIterator[Apertium]:
    try:
        engine = Apertium(pairs=[("en", "es")], deadline_s=20)
    except EngineError as error:
        pytest.skip(str(error))
    yield engine
    await engine.close()


async def spanish(engine: Apertium, text: str, *glossary: tuple[str, str]) -> str:
    request = Request("en", "es", text, glossary=glossary)
    return "".join([piece async for piece in engine.translate(request)])


async def test_sentences_are_translated(engine: Apertium) -> None:
    assert await spanish(engine, "I would like a cup of coffee.") == (
        "Me gustaría una taza de café."
    )
    assert await spanish(engine, "Where is the house? It is big.") == (
        "¿Dónde es la casa? Es grande."
    )


async def test_a_whole_translation_is_one_piece_and_nothing_is_none(engine: Apertium) -> None:
    pieces = [piece async for piece in engine.translate(Request("en", "es", "the house"))]
    assert pieces == ["la casa"]
    assert [piece async for piece in engine.translate(Request("en", "es", " \n\0"))] == []


async def test_what_a_recognizer_writes_reads_as_if_it_were_written(engine: Apertium) -> None:
    assert await spanish(engine, "i'm sorry i can't come") == "siento no puedo venir"
    assert await spanish(engine, "hello world") == "hola mundo"
    assert await spanish(engine, "it's been a long time") == "ha sido un tiempo largo"
    assert await spanish(engine, "i") == "yo"


async def test_names_are_known_though_a_recognizer_writes_them_small(engine: Apertium) -> None:
    for _ in range(2):  # looked up, then remembered
        assert await spanish(engine, "john's house isn't far from london") == (
            "la casa de John no es lejos de Londres"
        )
    assert await spanish(engine, "monday was a good day in spain") == (
        "el lunes era un día bueno en España"
    )


@pytest.mark.parametrize(
    "marks", ["[x]", "{x}", "^x$", "a/b", "a\\b", "<x>", "q@q.org", "*x #y @z"]
)
async def test_marks_of_the_stream_format_come_through(engine: Apertium, marks: str) -> None:
    kept = [mark for mark in marks if not mark.isalnum()]
    answer = await spanish(engine, f"the house {marks} is big")
    assert answer.startswith("la casa") and answer.endswith("es grande")
    assert [mark for mark in answer if mark in "[]{}^$/\\<>@*#."] == [m for m in kept if m != " "]


async def test_control_characters_do_not_reach_the_programs(engine: Apertium) -> None:
    assert await spanish(engine, "the\0house\r\nis\u2028big\x1b") == "la casa es grande"


async def test_unknown_words_are_left_as_they_are_and_unmarked(engine: Apertium) -> None:
    assert await spanish(engine, "the blorft is big") == "el blorft es grande"


async def test_the_glossary_is_obeyed_whatever_the_dictionary_says(engine: Apertium) -> None:
    glossary = (("glasses", "lentes"), ("smart Glasses", "lentes listas"), ("q/[1]", "cu^uno$"))
    assert await spanish(engine, "Smart glasses are in the house of glasses", *glossary) == (
        "lentes listas es en la casa de lentes"
    )
    assert await spanish(engine, "the q/[1] is big", *glossary) == "el cu^uno$ es grande"


async def test_a_pair_that_is_not_there_is_refused(engine: Apertium) -> None:
    with pytest.raises(EngineError, match="en-fi"):
        _ = [piece async for piece in engine.translate(Request("en", "fi", "house"))]
    with pytest.raises(EngineError, match="en-fi"):
        Apertium(pairs=[("en", "fi")])


async def test_a_killed_program_is_replaced_before_the_answer(engine: Apertium) -> None:
    await engine.start()
    pids = engine.pids
    os.kill(pids[5], signal.SIGKILL)
    assert await spanish(engine, "the house") == "la casa"
    assert not set(pids[:5]) & set(engine.pids)


async def test_a_cancelled_translation_is_not_the_next_callers(engine: Apertium) -> None:
    await spanish(engine, "a dog and a house")  # every word looked up
    for pid in engine.pids:
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(spanish(engine, "a dog"), 0.05)
    for pid in engine.pids:
        os.kill(pid, signal.SIGCONT)
    assert await spanish(engine, "a house") == "una casa"


async def test_closing_leaves_no_process(engine: Apertium) -> None:
    await engine.start()
    watched = [Watch(pid) for pid in engine.pids]
    await engine.close()
    assert len(watched) > 5 and all(program.ended() for program in watched)


def test_pairs_are_found_by_their_mode_files(tmp_path: Path) -> None:
    if read_mode("lt-proc x") is None:
        pytest.skip("no lt-proc: `apt-get install apertium`")
    (tmp_path / "eng-cat.mode").write_text("lt-proc 'a b.bin' | lt-proc $1 c.bin $2")
    (tmp_path / "cat-xyz.mode").write_text("lt-proc a.bin | some-other-program b")
    (tmp_path / "spa-eng_US.mode").write_text("lt-proc a.bin")
    (tmp_path / "oci-qqq.mode").write_text("lt-proc a.bin")
    found = installed([tmp_path, tmp_path / "absent"])
    assert set(found) == {("en", "ca"), ("oc", "qqq")}
    assert [stage[1:] for stage in found["en", "ca"]] == [["-z", "a b.bin"], ["-z", "-n", "c.bin"]]


def test_a_missing_apertium_is_said_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="apt-get install apertium apertium-eng-spa"):
        Apertium(modes=[tmp_path])


@pytest.mark.parametrize(
    ("answer", "source", "tidy"),
    [
        (" Vi  a María en el Mundo ", "i saw maria", "vi a María en el mundo"),
        ("La casa . Es grande", "The house. It is big", "La casa. Es grande"),
        ("Es grande", "I am big.", "Es grande"),
        ("La ONU habla", "The UN speaks", "La ONU habla"),
        ("Qué quieres?", "What do you want?", "¿Qué quieres?"),
        ("qué I quiere", "what i want", "qué quiere"),
    ],
)
def test_answers_are_tidied(answer: str, source: str, tidy: str) -> None:
    assert apertium_text.tidy(answer, source, "es", ["María"]) == tidy
