"""One speaker, from sound to captions, with engines that are slow, wrong, broken or gone."""

from itertools import pairwise

import pytest

from models.scripted import Faults, ScriptedRecognizer, ScriptedTranslator
from streaming.messages import State
from tests.server.stage import Stage, loud, quiet, settle


async def test_every_stretch_of_speech_is_captioned_to_its_end_in_both_languages() -> None:
    stage = Stage(ScriptedRecognizer([["hello"], ["good", "good bye"]]))
    ana = stage.join(hears="en", reads="en es")
    await stage.speak(ana, quiet(500) + loud(1_200) + quiet(1_200) + loud(1_500) + quiet(1_200))
    assert stage.finals(ana) == [
        ("en", "hello"),
        ("es", "hello-es"),
        ("en", "good bye"),
        ("es", "good-es bye-es"),
    ]


async def test_a_caption_grows_while_it_is_spoken_and_its_promise_only_grows() -> None:
    stage = Stage(ScriptedRecognizer(revise=3))
    ana = stage.join(hears="en", reads="en es", trace=True)
    await stage.speak(ana, loud(6_000) + quiet(1_200))
    for language in ("en", "es"):
        line = [caption for caption in stage.captions(ana) if caption.language == language]
        assert len(line) > 6
        assert [caption.final for caption in line].index(True) == len(line) - 1
        for before, after in pairwise(line[:-1]):
            assert after.stable.startswith(before.stable)
        assert all(a.heard >= b.heard for b, a in pairwise(line))


async def test_positions_and_times_are_those_of_the_speech() -> None:
    stage = Stage()
    ana = stage.join(hears="en", reads="en")
    await stage.wait(5.0)
    await stage.speak(ana, quiet(2_000) + loud(2_000) + quiet(1_500))
    (final,) = stage.captions(ana, lambda c: c.final)
    assert abs(final.start - 32_000) <= 1_024
    assert abs(final.end - 64_000) <= 1_024
    assert final.end < final.heard <= 64_000 + 14_000
    assert 6_500 <= final.at <= 7_100


async def test_latency_says_where_the_time_went() -> None:
    stage = Stage()
    ana = stage.join(hears="en", reads="es")
    await stage.speak(ana, loud(3_000) + quiet(1_500))
    captions = stage.captions(ana)
    assert captions[0].latency is not None
    assert captions[-1].latency is not None
    assert all(caption.latency is None for caption in captions[1:-1])
    latency = captions[-1].latency
    stages = latency.detect + latency.recognize + latency.translate + latency.queue
    assert latency.total == pytest.approx(stages, abs=0.1)


async def test_a_gap_of_time_not_sent_ends_what_was_being_said() -> None:
    stage = Stage()
    ana = stage.join(hears="en", reads="en")
    await stage.speak(ana, loud(1_500))
    assert stage.finals(ana) == []
    assert ana.session is not None
    ana.session.skip(200_000)
    await stage.speak(ana, loud(1_500) + quiet(1_000))
    first, second = stage.captions(ana, lambda c: c.final)
    assert first.end <= 24_000
    assert second.start >= 200_000


async def test_audio_that_stops_coming_ends_what_was_being_said() -> None:
    stage = Stage()
    ana = stage.join(hears="en", reads="en")
    await stage.speak(ana, loud(1_500))
    await stage.wait(0.5)
    assert stage.finals(ana) == []
    await stage.wait(0.3)
    assert len(stage.finals(ana)) == 1


async def test_the_end_of_the_audio_is_the_end_of_the_last_segment() -> None:
    stage = Stage()
    ana = stage.join(hears="en", reads="en es")
    await stage.speak(ana, loud(1_500))
    assert ana.session is not None
    ana.session.end()
    await settle()
    assert [language for language, _ in stage.finals(ana)] == ["en", "es"]
    assert not stage.room.sessions


async def test_a_slow_recognizer_gives_fewer_updates_and_every_final() -> None:
    quick, slow = Stage(), Stage(ScriptedRecognizer(recognize_ms=5))
    speech = (loud(2_000) + quiet(1_000)) * 3
    updates = []
    for stage in (quick, slow):
        ana = stage.join(hears="en", reads="en")
        await stage.speak(ana, speech)
        assert ana.session is not None
        ana.session.end()
        await stage.room.close()
        updates.append(len(stage.captions(ana)))
        assert len(stage.finals(ana)) == 3
    assert updates[1] < updates[0]


async def test_updates_that_were_skipped_stay_counted_when_the_microphone_is_gone() -> None:
    stage = Stage(ScriptedRecognizer(recognize_ms=5))
    ana = stage.join(hears="en", reads="en")
    await stage.speak(ana, loud(4_000) + quiet(1_000))
    assert ana.session is not None
    skipped = ana.session.segments.skipped
    ana.session.end()
    await stage.room.close()
    assert not stage.room.sessions and skipped
    page = stage.house.metrics.page().decode()
    assert f"surtitle_skipped_hops {float(skipped)}" in page


async def test_a_server_that_is_behind_gives_fewer_updates_and_every_final() -> None:
    updates = []
    for late_ms in (0, 100):
        stage = Stage()
        ana = stage.join(hears="en", reads="en")
        stage.detection.late_s = late_ms / 1000
        await stage.speak(ana, loud(6_000) + quiet(1_000))
        updates.append(len(stage.captions(ana)))
        assert len(stage.finals(ana)) == 1
    assert updates[1] < updates[0] / 2


async def test_noise_that_is_no_words_is_never_a_line() -> None:
    stage = Stage(ScriptedRecognizer([[""]]))
    ana = stage.join(hears="en", reads="en es")
    await stage.speak(ana, loud(1_500) + quiet(1_000))
    assert stage.captions(ana) == []


async def test_words_taken_back_at_the_end_withdraw_the_line() -> None:
    stage = Stage(ScriptedRecognizer([["thank you for", "thank you for watching", ""]]))
    ana = stage.join(hears="en", reads="en es")
    await stage.speak(ana, loud(1_000) + quiet(1_200))
    last = {caption.language: caption for caption in stage.captions(ana)}
    assert {language: (one.final, one.text) for language, one in last.items()} == {
        "en": (True, ""),
        "es": (True, ""),
    }


async def test_nonsense_from_a_recognizer_is_shown_harmless() -> None:
    stage = Stage(ScriptedRecognizer(faults=Faults(nonsense=range(1, 100))))
    ana = stage.join(hears="en", reads="en")
    await stage.speak(ana, loud(1_500) + quiet(1_000))
    assert all(caption.text.isprintable() for caption in stage.captions(ana))
    assert stage.finals(ana)


async def test_a_recognizer_that_crashes_is_asked_again_from_the_segments_first_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.recognition.REST_S", 0.0)
    stage = Stage(ScriptedRecognizer(faults=Faults(crash=[3])))
    ana = stage.join(hears="en", reads="en")
    await stage.speak(ana, loud(3_000) + quiet(1_200))
    (final,) = stage.captions(ana, lambda c: c.final)
    assert len(final.text.split()) >= 8  # all of it, not only what came after the crash
    states = [one for one in stage.told[ana.id] if isinstance(one, State)]
    assert [state.level for state in states] == ["down", "ok"]


async def test_a_recognizer_that_is_gone_ends_lines_with_what_it_had_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.recognition.REST_S", 0.0)
    stage = Stage(ScriptedRecognizer(faults=Faults(fail=range(4, 1_000))))
    ana = stage.join(hears="en", reads="en")
    await stage.speak(ana, loud(3_000) + quiet(1_200))
    (final,) = stage.captions(ana, lambda c: c.final)
    assert final.text


async def test_a_recognizer_that_hangs_is_given_up_and_asked_again() -> None:
    stage = Stage(ScriptedRecognizer(faults=Faults(hang=[2])))
    ana = stage.join(hears="en", reads="en")
    assert ana.session is not None
    ana.session.recognition.deadline_s = 0.01
    await stage.speak(ana, loud(2_000) + quiet(1_200))
    ana.session.end()
    await stage.room.close()
    assert len(stage.finals(ana)) == 1


async def test_without_translation_readers_get_the_words_themselves_and_are_told() -> None:
    stage = Stage(translator=ScriptedTranslator(faults=Faults(fail=range(1, 10**6))))
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    await stage.speak(ana, loud(2_000) + quiet(1_200))
    captions = stage.captions(ben)
    assert {caption.kind for caption in captions} == {"transcript"}
    assert captions[-1].final
    assert captions[-1].degraded == "untranslated"
    states = [one for one in stage.told[ben.id] if isinstance(one, State)]
    assert [(s.scope, s.level, s.language) for s in states] == [("translation", "down", "es")]


async def test_lines_of_a_broken_translator_are_translated_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.interpreter.REST_S", 0.0)
    translator = ScriptedTranslator(faults=Faults(fail=range(1, 12)), forces_prefix=False)
    stage = Stage(ScriptedRecognizer([["good morning"]]), translator)
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    await stage.speak(ana, loud(1_200) + quiet(1_200))
    assert ("es", "good-es morning-es") not in stage.finals(ben)
    await stage.wait(20.0)
    assert ("es", "good-es morning-es") in stage.finals(ben)
    states = [one for one in stage.told[ben.id] if isinstance(one, State)]
    assert [state.level for state in states] == ["down", "ok"]


async def test_a_translation_that_was_begun_and_never_comes_is_withdrawn() -> None:
    translator = ScriptedTranslator(faults=Faults(fail=range(4, 10**6)), forces_prefix=False)
    stage = Stage(translator=translator)
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    await stage.speak(ana, loud(3_000) + quiet(1_200))
    assert stage.captions(ben, lambda c: c.kind == "translation")
    await stage.wait(32.0)
    last = stage.captions(ben, lambda c: c.kind == "translation")[-1]
    assert (last.final, last.text) == (True, "")


async def test_a_translation_that_fails_behind_its_words_and_never_comes_leaves_the_words() -> None:
    """They were said while it worked, so its readers had waited for it."""
    translator = ScriptedTranslator(forces_prefix=False)
    stage = Stage(ScriptedRecognizer([["good morning"]]), translator)
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    await stage.speak(ana, loud(1_200) + quiet(300))
    translator._faults = Faults(fail=range(1, 10**6))  # from the line's last pass on
    await stage.speak(ana, quiet(900))
    assert stage.finals(ben) == []
    await stage.wait(32.0)
    (final,) = stage.captions(ben, lambda c: c.final)
    assert (final.kind, final.text, final.degraded) == (
        "translation",
        "good morning",
        "untranslated",
    )


async def test_a_translator_that_hangs_holds_up_nobody_else() -> None:
    translator = ScriptedTranslator(faults=Faults(hang=range(1, 10**6)))
    stage = Stage(translator=translator, deadline_s=0.01)
    ana = stage.join(hears="en", reads="en es")
    await stage.speak(ana, loud(2_000) + quiet(1_200))
    assert ("en", True) in [(c.language, c.final) for c in stage.captions(ana)]


async def test_one_microphone_may_hear_two_languages_a_segment_each() -> None:
    from models.base import Heard

    stage = Stage(ScriptedRecognizer([[Heard("你好", "zh")], [Heard("hello", "en")]]))
    ana = stage.join(hears="zh en", reads="en", source=True)
    await stage.speak(ana, (loud(1_000) + quiet(1_200)) * 2)
    assert [language for language, _ in stage.finals(ana)] == ["zh", "en", "en"]


async def test_glossary_and_context_reach_the_translator() -> None:
    from streaming.glossary import parse

    stage = Stage(
        ScriptedRecognizer([["the display works"]]),
        glossary=parse('[[term]]\nen = "display"\nes = "pantalla"'),
    )
    ana = stage.join(hears="en", reads="es")
    await stage.speak(ana, loud(1_200) + quiet(1_200))
    assert stage.finals(ana) == [("es", "the-es pantalla works-es")]
