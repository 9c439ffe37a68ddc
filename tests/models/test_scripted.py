"""The scripted engines say what they are told to, and fail when they are told to."""

import asyncio
from itertools import pairwise

import pytest

from models.base import EngineError, Heard, Request
from models.scripted import NONSENSE, Faults, ScriptedRecognizer, ScriptedTranslator
from streaming.values import BYTES_PER_SAMPLE, Pair, samples


def audio(ms: int) -> bytes:
    return bytes(samples(ms) * BYTES_PER_SAMPLE)


async def hypotheses(
    engine: ScriptedRecognizer, speaker: str = "ana", language: str = "en", updates: int = 8
) -> list[str]:
    """A segment of 400 ms updates; the last is the final one."""
    hearing = await engine.open(speaker, [language])
    said = [(await hearing.hear(audio(400), "")).text for _ in range(updates)]
    return [*said, (await hearing.finish(b"")).text]


async def translated(engine: ScriptedTranslator, request: Request) -> list[str]:
    return [piece async for piece in engine.translate(request)]


def to_spanish(text: str, **more: object) -> Request:
    return Request("en", "es", text, **more)  # type: ignore[arg-type]


async def test_words_come_as_audio_does() -> None:
    said = await hypotheses(ScriptedRecognizer())
    assert [len(text.split()) for text in said] == [1, 2, 3, 4, 5, 6, 7, 8, 8]
    assert all(later.startswith(earlier) for earlier, later in pairwise(said))


async def test_the_same_speaker_says_the_same_in_every_run() -> None:
    assert await hypotheses(ScriptedRecognizer()) == await hypotheses(ScriptedRecognizer())


async def test_speakers_and_segments_say_different_things() -> None:
    engine = ScriptedRecognizer()
    lines = [(await hypotheses(engine, who))[-1] for who in ("ana", "bo", "ana", "bo")]
    assert len(set(lines)) == 4


async def test_a_speaker_who_left_begins_again() -> None:
    engine = ScriptedRecognizer()
    first = await hypotheses(engine)
    await engine.leave("ana")
    assert await hypotheses(engine) == first


async def test_a_word_may_be_wrong_for_one_update_and_never_in_the_end() -> None:
    steady = await hypotheses(ScriptedRecognizer())
    revised = await hypotheses(ScriptedRecognizer(revise=2))
    wrong = [n for n, (one, other) in enumerate(zip(steady, revised, strict=True)) if one != other]
    assert wrong == [1, 3, 5, 7]
    assert all(
        steady[n].split()[:-1] == revised[n].split()[:-1] for n in wrong
    )  # only the last word


async def test_sentence_ends_are_written_if_it_punctuates() -> None:
    plain = (await hypotheses(ScriptedRecognizer(), updates=60))[-1]
    marked = (await hypotheses(ScriptedRecognizer(punctuates=True), updates=60))[-1]
    assert plain == plain.lower() and "." not in plain
    assert "." in marked and marked != marked.lower()


async def test_chinese_has_no_spaces() -> None:
    said = (await hypotheses(ScriptedRecognizer(), language="zh"))[-1]
    assert len(said) == 8 and all("\u4e00" <= letter <= "\u9fff" for letter in said)


async def test_a_script_is_followed_update_by_update() -> None:
    spanish = Heard("hola", "es")
    engine = ScriptedRecognizer([["hel", "hello", "hello there"], [spanish]])
    first = await engine.open("ana", ["en", "es"])
    assert (await first.hear(b"", "")).text == "hel"
    assert (await first.hear(b"", "")).text == "hello"
    assert await first.finish(b"") == Heard("hello there", "en")
    second = await engine.open("ana", ["en", "es"])
    assert await second.hear(b"", "") == spanish
    assert await hypotheses(engine) != []  # after the script, the fixed text


async def test_a_language_it_was_not_given_is_refused() -> None:
    with pytest.raises(EngineError, match="fi"):
        await ScriptedRecognizer(languages=["en"]).open("ana", ["fi"])


async def test_calls_fail_by_their_number() -> None:
    engine = ScriptedRecognizer(faults=Faults(fail=[2], nonsense=[3]))
    hearing = await engine.open("ana", ["en"])
    assert (await hearing.hear(audio(400), "")).text
    with pytest.raises(EngineError, match="call 2"):
        await hearing.hear(audio(400), "")
    assert (await hearing.hear(audio(400), "")).text == NONSENSE
    assert len((await hearing.finish(audio(400))).text.split()) == 4


async def test_a_crash_takes_every_open_segment_with_it() -> None:
    engine = ScriptedRecognizer(faults=Faults(crash=[1]))
    ana, bo = await engine.open("ana", ["en"]), await engine.open("bo", ["en"])
    for hearing in (ana, bo, ana):
        with pytest.raises(EngineError, match="crashed"):
            await hearing.hear(b"", "")
    assert (await (await engine.open("ana", ["en"])).finish(audio(400))).text


async def test_a_call_that_hangs_can_be_cancelled_and_the_next_one_answers() -> None:
    engine = ScriptedTranslator(faults=Faults(hang=[1]))
    asked = asyncio.create_task(translated(engine, to_spanish("good day")))
    while not engine.calls:
        await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await translated(engine, to_spanish("good day")) == ["good-es day-es"]


async def test_every_word_is_marked_and_marks_stay() -> None:
    answer = await translated(ScriptedTranslator(), to_spanish("Good day, isn't it?"))
    assert "".join(answer) == "Good-es day-es, isn't-es it-es?"


async def test_chinese_is_one_character_for_each_word() -> None:
    request = Request("en", "zh", "Good day, good people.")
    answer = "".join(await translated(ScriptedTranslator(), request))
    assert len(answer) == 4 and answer[0] == answer[2] != answer[1]


async def test_what_follows_a_prefix_completes_it() -> None:
    engine = ScriptedTranslator()
    for target in ("es", "zh"):
        request = Request("en", target, "we began with a camera")
        whole = "".join(await translated(engine, request))
        for cut in range(1, len(whole)):
            if target == "zh" or whole[cut] == " ":
                more = Request("en", target, request.text, prefix=whole[:cut])
                assert whole[:cut] + "".join(await translated(engine, more)) == whole


async def test_a_right_guess_comes_at_once_and_a_wrong_one_changes_nothing() -> None:
    engine = ScriptedTranslator(word_ms=0.001)
    right = to_spanish("we began with a camera", prefix="we-es", hypothesis=" began-es with-es")
    assert await translated(engine, right) == [" began-es with-es", " a-es", " camera-es"]
    wrong = to_spanish("we began", prefix="we-es", hypothesis=" finished-es")
    assert await translated(engine, wrong) == [" began-es"]


async def test_without_prefixes_it_always_answers_the_whole() -> None:
    engine = ScriptedTranslator(forces_prefix=False)
    assert not engine.forces_prefix
    answer = await translated(engine, to_spanish("good day", prefix="good-es"))
    assert "".join(answer) == "good-es day-es"


async def test_a_restless_translator_settles_in_the_end() -> None:
    engine = ScriptedTranslator(revise=True)
    open_line = "".join(await translated(engine, to_spanish("good day")))
    closed = "".join(await translated(engine, to_spanish("good day", final=True)))
    assert open_line.startswith("good-es ") and open_line != closed == "good-es day-es"


async def test_the_glossary_is_obeyed() -> None:
    glossary = (("new glasses", "gafas nuevas"),)
    request = to_spanish("the New glasses", glossary=glossary, context=(Pair("en", "es", "", ""),))
    assert "".join(await translated(ScriptedTranslator(), request)) == "the-es gafas nuevas"


async def test_a_pair_it_was_not_given_is_refused() -> None:
    engine = ScriptedTranslator(languages=["en", "es"])
    assert set(engine.pairs) == {("en", "es"), ("es", "en")}
    with pytest.raises(EngineError, match="en-fr"):
        await translated(engine, Request("en", "fr", "good day"))


async def test_delays_are_kept() -> None:
    loop = asyncio.get_running_loop()
    engine = ScriptedRecognizer(recognize_ms=20, finish_ms=40)
    hearing = await engine.open("ana", ["en"])
    began = loop.time()
    await hearing.hear(b"", "")
    heard = loop.time()
    await hearing.finish(b"")
    assert heard - began >= 0.019 and loop.time() - heard >= 0.039
