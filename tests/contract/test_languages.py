"""One microphone, two people, two languages: which it is is found in the sound, once a segment, by
the real SGLang, and held from then on.

The model is the one that counts beats (bench/metronome.py): it takes dull voices for English ones
and bright voices for Chinese ones, and says so in Qwen3-ASR's own words.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bench.reading import Read, listened, said
from bench.serving import child
from clients.audio import Pace, decoded, framed
from clients.link import Link
from loadtest.script import read
from models.base import Heard
from models.qwen_asr.recognizer import QwenAsr
from models.qwen_asr.tongue import PATIENCE
from streaming.languages import NAMES
from streaming.messages import Caption, Hello, Pcm16
from streaming.values import SAMPLE_RATE, samples
from tests.contract.asking import DEADLINE_S
from tests.contract.overhearing import OPENING, Exchange, overheard
from tests.contract.test_conversation import SAYS, SPEED, in_han, late

Sound = npt.NDArray[np.float64]

TURNS = ["en", "zh", "zh", "en"]
TURN_MS, PAUSE_MS, FRAME_MS = 2_600, 1_300, 20
LOUD = 12_000


def dull(sound: Sound) -> Sound:
    """A voice behind a wall: nothing above 2 kHz."""
    for length in (8, 6):
        sound = np.convolve(sound, np.ones(length) / length, "same")
    return sound


def bright(sound: Sound) -> Sound:
    """A voice that hisses."""
    return np.diff(sound, prepend=0.0) + 0.03 * sound


VOICES: dict[str, tuple[str, Callable[[Sound], Sound]]] = {
    "en": ("alan", dull),
    "zh": ("rosa", bright),
}


def turn(language: str, number: int) -> bytes:
    """What is said in a language, the so manieth time."""
    track, voice = VOICES[language]
    script = read()
    line = [one for one in script.lines if one.speaker == track][number]
    whole = np.frombuffer(b"".join(decoded(str(script.track(track)))), "<i2")
    start = samples(line.start)
    spoken = voice(whole[start : start + samples(TURN_MS)].astype(np.float64))
    return bytes((spoken * LOUD / np.abs(spoken).max()).astype("<i2"))


def conversation() -> bytes:
    """All turns, with pauses, as one microphone hears them."""
    pause = bytes(2 * samples(PAUSE_MS))
    turns = [turn(one, TURNS[:n].count(one)) for n, one in enumerate(TURNS)]
    return b"".join(spoken + pause for spoken in turns)


@pytest.mark.parametrize("languages", [["en", "zh"], ["zh", "en"]])
@pytest.mark.parametrize("spoken", ["en", "zh"])
def test_what_is_found_at_first_is_held_whoever_goes_on(
    spoken: str, languages: list[str], hears: str
) -> None:
    (other,) = {"en", "zh"} - {spoken}

    async def hear() -> tuple[list[Heard], list[Exchange]]:
        async with overheard(hears) as (url, exchanges):
            engine = QwenAsr(urls=[url], languages=languages, deadline_s=DEADLINE_S)
            await engine.start()
            exchanges.clear()
            try:
                hearing = await engine.open("room/shared", languages)
                first, second = turn(spoken, 0), turn(other, 0)
                pieces = [first[:20_000], first[20_000:40_000], second[:20_000], second[:20_000]]
                heard = [await hearing.hear(piece, "") for piece in pieces]
                return [*heard, await hearing.finish(b"")], exchanges
            finally:
                await engine.close()

    heard, exchanges = asyncio.run(hear())
    assert [one.forced for one in exchanges] == [None, None, *[NAMES[spoken]] * 3]
    assert all(one.answer.startswith(f"language {NAMES[spoken]}{OPENING}") for one in exchanges[:2])
    assert not any(OPENING in one.answer for one in exchanges[2:])
    words = [one for one in heard if one.text]
    assert words and {one.language for one in words} == {spoken}
    assert all(any(line.startswith(one.text) for line in SAYS[spoken]) for one in words)


def test_two_people_share_a_microphone_and_each_segment_is_in_its_own_language(
    hears: str, says: str, tmp_path: Path
) -> None:
    log = tmp_path / "serve.log"

    async def converse() -> tuple[Read, list[Exchange]]:
        async with overheard(hears) as (url, exchanges):
            options = ["--engine", "sglang", "--recognizer-url", url, "--translator-url", says]
            options += ["--speed", f"{SPEED:g}"]
            async with child(options, log) as told:
                exchanges.clear()  # it has heard something to be sure of it
                return await shared(told["url"]), exchanges

    found, exchanges = asyncio.run(converse())
    captions = [caption for _, caption in found.captions]
    heard = [one for one in captions if one.kind == "transcript" and one.text]
    spoken = {one.segment: one.language for one in heard}
    assert {(one.segment, one.language) for one in heard} == set(spoken.items()), "it flipped"
    finals = {one.segment: one for one in heard if one.final}
    assert finals.keys() == spoken.keys()
    assert {n: language_of(one) for n, one in finals.items()} == spoken
    assert {turn_of(one) for one in finals.values()} == set(range(len(TURNS)))
    for one in finals.values():
        assert any(line.startswith(one.text) for line in SAYS[one.language])

    held = [forced for forced, _ in groupby(exchanges, lambda one: one.forced)]
    expected = [part for n in sorted(spoken) for part in (None, NAMES[spoken[n]])]
    assert held == expected, "asked for once, at the beginning of a segment, and held"
    for forced, asked in groupby(exchanges, lambda one: one.forced):
        answers = [one.answer for one in asked]
        if forced is None:
            assert len(answers) <= PATIENCE
            assert all(answer.startswith("language ") for answer in answers)

    for one in captions:
        if one.kind == "translation" and one.final and one.degraded != "untranslated":
            assert {one.language, spoken[one.segment]} == {"en", "zh"}
            assert in_han(one.text) == (one.language == "zh")
    told = {one.segment for one in captions if one.kind == "translation" and one.final}
    assert told == spoken.keys() or late(log)


async def shared(url: str) -> Read:
    """What somebody who reads both languages gets to see of the conversation."""
    found, pace = Read(), Pace(SPEED)
    hello = Hello("Ana and Bo", ["en", "zh"], ["zh", "en"], Pcm16(SAMPLE_RATE))
    async with (
        Link(url, "shared", Hello("Reader", ["en", "zh"], source=True)) as reader,
        Link(url, "shared", hello) as microphone,
    ):
        reading = asyncio.create_task(listened(reader, found))
        pace.begin()
        await said(microphone, pace(framed(pieces(), "the microphone", FRAME_MS)))
        await reader.end()
        await reading
    return found


async def pieces() -> AsyncIterator[bytes]:
    yield conversation()


def turn_of(caption: Caption) -> int:
    """Whose turn it was when the middle of a line was said."""
    middle = (caption.start + caption.end) // 2
    return min(len(TURNS) - 1, middle // samples(TURN_MS + PAUSE_MS))


def language_of(caption: Caption) -> str:
    return TURNS[turn_of(caption)]
