"""All of it, with the real SGLang: from two microphones to captions, and from text to text."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from bench import metronome
from bench.end_to_end import conversation
from bench.reading import Read
from bench.serving import child, complaints
from bench.written import written
from clients.audio import Pace

SECONDS = 24.0  # of conversation: each speaks two or three times
SPEED = 0.4  # of the world's: two cores serve two models, two people and a reader
AGE_S = 6.0  # real: a queue of all that is more than half of what is said would be older at the end
LINES = 3  # of each language

SAYS = {"en": metronome.SENTENCES["English"], "zh": metronome.SENTENCES["Chinese"]}


def test_two_people_speak_two_languages_and_every_line_of_theirs_is_captioned_in_both(
    hears: str, says: str, tmp_path: Path
) -> None:
    log = tmp_path / "serve.log"
    options = ["--engine", "sglang", "--recognizer-url", hears, "--translator-url", says]

    async def converse() -> tuple[Read, Mapping[str, Pace]]:
        async with child([*options, "--speed", f"{SPEED:g}"], log) as told:
            return await conversation(told["url"], SECONDS, SPEED)

    read, paces = asyncio.run(converse())
    late_answers = late(log)
    figures = read.figures(paces)
    assert not (figures.lost or figures.doubled or figures.after_final)
    assert not (figures.retracted or figures.disordered)
    spoken, told = (
        {line.key[:2]: line for line in read.finals() if line.kind == kind}
        for kind in ("transcript", "translation")
    )
    assert {line.language for line in spoken.values()} == set(SAYS)
    assert all(
        any(one.startswith(line.text) for one in SAYS[line.language]) for line in spoken.values()
    )
    translated = [line for line in told.values() if line.degraded != "untranslated"]
    assert translated and all(in_han(one.text) == (one.language == "zh") for one in translated)
    assert figures.updates > 2 * figures.finals  # they grew, word by word
    third = SECONDS / 3
    begin, end = (age(read.part(at, at + third), paces) for at in (0, 2 * third))
    if not late_answers:
        assert spoken.keys() == told.keys() and end < begin + AGE_S


def test_without_an_engine_named_the_server_is_found_to_be_sglang(
    says: str, tmp_path: Path
) -> None:
    async def told() -> list[list[str]]:
        options = ["--translator-url", says, "--pairs", "zh-en"]
        async with child(options, tmp_path / "serve.log") as ready:
            found: list[list[str]] = ready["pairs"]
            return found

    pairs = asyncio.run(told())
    assert ["zh", "en", "sglang"] in pairs and not any("openai" in pair for pair in pairs)


def in_han(text: str) -> bool:
    """It has Chinese characters in it."""
    return any("\u4e00" <= char <= "\u9fff" for char in text)


def late(log: Path) -> list[str]:
    """What our server complained of: answers that were late, on a machine that has more to do, and
    nothing else; that it has them again is told, too."""
    told = complaints(log)
    assert all("in time" in line or "works again" in line for line in told)
    return told


def age(read: Read, paces: Mapping[str, Pace]) -> float:
    """How long captions take after their newest sound, on average; real seconds."""
    ages = [now - paces[one.speaker].captured(one.heard) for now, one in read.captions]
    return sum(ages) / len(ages)


def test_what_is_translated_while_it_grows_ends_as_the_model_says_it_at_once(says: str) -> None:
    found = asyncio.run(written(says, LINES))
    assert found["different"] == []
    assert found["untranslated"] < found["lines"] and not (found["lost"] or found["retracted"])
    assert found["updates"] > found["lines"]
    assert 0 < found["passes_per_answer"] < found["tokens_per_answer"]
