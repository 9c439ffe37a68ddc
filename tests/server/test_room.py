"""Several people in one room: who reads what, who comes late, whose echo is withdrawn."""

from models.scripted import ScriptedRecognizer, ScriptedTranslator
from server.member import Member
from streaming.messages import Caption, Hello, Pcm16, Roster, State, Welcome
from tests.server.stage import Stage, loud, quiet, settle


async def say(stage: Stage, member: Member, seconds: float = 1.2) -> None:
    await stage.speak(member, loud(1_000 * seconds) + quiet(1_200))


async def test_each_reader_reads_his_own_language_and_no_other() -> None:
    stage = Stage(ScriptedRecognizer([["good morning"]]))
    ana = stage.join(hears="en")
    ben, eva, dan = stage.join("Ben", reads="es"), stage.join("Eva", reads="fr"), stage.join("Dan")
    await say(stage, ana)
    assert stage.finals(ana) == []
    assert stage.finals(ben) == [("es", "good-es morning-es")]
    assert stage.finals(eva) == [("fr", "good-fr morning-fr")]
    assert stage.finals(dan) == []


async def test_a_language_is_translated_once_however_many_read_it() -> None:
    translator = ScriptedTranslator()
    stage = Stage(translator=translator)
    ana = stage.join(hears="en")
    readers = [stage.join(f"Reader {n}", reads="es") for n in range(5)]
    await say(stage, ana)
    calls = translator.calls
    assert len({tuple(stage.finals(reader)) for reader in readers}) == 1
    assert calls <= len(stage.captions(readers[0])) + 2


async def test_a_language_that_nobody_reads_is_not_translated() -> None:
    translator = ScriptedTranslator()
    stage = Stage(translator=translator)
    ana = stage.join(hears="en", reads="en")
    await say(stage, ana)
    assert translator.calls == 0


async def test_source_shows_everybodys_own_words_beside_the_translation() -> None:
    stage = Stage(ScriptedRecognizer([["good morning"]]))
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es", source=True)
    await say(stage, ana)
    assert stage.finals(ben) == [("en", "good morning"), ("es", "good-es morning-es")]


async def test_readers_of_the_spoken_language_read_it_as_it_was_said() -> None:
    stage = Stage(ScriptedRecognizer([["good morning"]]))
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="en")
    await say(stage, ana)
    assert stage.finals(ben) == [("en", "good morning")]


async def test_a_variety_of_a_language_is_heard_by_what_hears_the_language() -> None:
    stage = Stage(ScriptedRecognizer([["good morning"]]))
    ana, ben = stage.join(hears="en-US en-GB"), stage.join("Ben", reads="es en-AU")
    await say(stage, ana)
    assert ana.profile.hears == ["en"]
    assert stage.finals(ben) == [("en", "good morning"), ("es", "good-es morning-es")]


async def test_who_comes_late_is_shown_what_was_said_and_what_is_being_said() -> None:
    stage = Stage(ScriptedRecognizer([["good morning"], ["how are you today my dear friend"]]))
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    await say(stage, ana)
    await stage.speak(ana, loud(3_000))
    eva = stage.join("Eva", reads="es")
    await settle()
    replayed = stage.captions(eva)
    assert [(one.final, one.replay) for one in replayed] == [(True, True), (False, True)]
    welcome = next(one for one in stage.told[eva.id] if isinstance(one, Welcome))
    assert stage.told[eva.id][0] == welcome
    assert welcome.replay_from < replayed[0].seq < replayed[-1].seq <= welcome.replay_to
    await stage.speak(ana, quiet(1_200))
    assert stage.finals(eva)[-1] == stage.finals(ben)[-1]


async def test_who_comes_late_is_not_shown_what_was_begun_for_somebody_who_left() -> None:
    stage = Stage(ScriptedRecognizer([["how are you today my dear friend"], [""]]))
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    await stage.speak(ana, loud(3_000))
    begun = stage.captions(ben)
    assert begun and not begun[-1].final
    stage.room.leave(ben, dropped=False)
    eva = stage.join("Eva", reads="es")
    await settle()
    assert stage.captions(eva) == []  # nobody will finish it
    await stage.speak(ana, quiet(1_200))
    assert stage.finals(eva) == [("es", "how-es are-es you-es today-es my-es dear-es friend-es")]


async def test_a_language_read_for_the_first_time_is_translated_on_demand() -> None:
    stage = Stage(ScriptedRecognizer([["good morning"], ["good bye"]]))
    ana = stage.join(hears="en", reads="en")
    await say(stage, ana)
    await say(stage, ana)
    eva = stage.join("Eva", reads="fr")
    await settle()
    captions = stage.captions(eva)
    assert [(one.text, one.replay) for one in captions] == [
        ("good-fr morning-fr", True),
        ("good-fr bye-fr", True),
    ]


async def test_a_reader_may_change_languages_and_dial_in_the_middle() -> None:
    stage = Stage()
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    await say(stage, ana)
    stage.room.greet(ben, Hello("Ben", ["fr"], stability="final"))
    await say(stage, ana)
    languages = [one.language for one in stage.captions(ben)]
    assert languages.index("fr") > languages.index("es")
    french = stage.captions(ben, lambda c: c.language == "fr")
    assert all(one.final for one in french)
    assert {one.segment for one in french} == {0, 1}
    seqs = [one.seq for one in stage.captions(ben)]
    assert seqs == sorted(set(seqs))


async def test_a_language_is_kept_for_a_reader_who_dropped_and_not_for_one_who_left() -> None:
    translator = ScriptedTranslator()
    stage = Stage(translator=translator)
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    stage.room.leave(ben, dropped=True)
    await say(stage, ana)
    assert translator.calls > 0
    eva = stage.join("Eva", reads="fr")
    stage.room.leave(eva, dropped=False)
    await stage.wait(61.0)
    before = translator.calls
    await say(stage, ana)
    assert translator.calls == before


async def test_what_a_second_microphone_heard_too_is_withdrawn_from_the_quieter() -> None:
    words = ["the lenses are cut and polished by hand"] * 3
    stage = Stage(ScriptedRecognizer([words, words]))
    ana, ben = stage.join(hears="en", reads="en"), stage.join("Ben", hears="en")
    near, far = loud(2_000, 8_000) + quiet(1_200), loud(2_000, 2_500) + quiet(1_200)
    for start in range(0, len(near), 3_200):
        assert ana.session is not None
        assert ben.session is not None
        stage.clock.advance(0.1)
        ana.session.push(near[start : start + 3_200])
        ben.session.push(far[start : start + 3_200])
        await settle()
    assert stage.finals(ana) == [("en", words[0]), ("en", "")]
    assert [one.speaker for one in stage.captions(ana, lambda c: c.final)] == [ana.id, ben.id]


async def test_two_people_who_speak_at_once_are_both_captioned() -> None:
    stage = Stage(ScriptedRecognizer([["good morning to you all"], ["how do you do my friend"]]))
    ana, ben = stage.join(hears="en", reads="en"), stage.join("Ben", hears="en")
    for _ in range(2):
        stage.clock.advance(1.0)
        for member in (ana, ben):
            assert member.session is not None
            member.session.push(loud(1_000))
        await settle()
    for member in (ana, ben):
        await stage.speak(member, quiet(1_200))
    assert {text for _, text in stage.finals(ana)} == {
        "good morning to you all",
        "how do you do my friend",
    }


async def test_an_unsupported_pair_is_said_at_once_and_its_readers_get_the_words() -> None:
    translator = ScriptedTranslator(languages=("en", "es"))
    stage = Stage(translator=translator)
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="fr")
    stage.read()
    (state,) = [one for one in stage.told[ben.id] if isinstance(one, State)]
    assert (state.scope, state.level, state.language) == ("translation", "down", "fr")
    await say(stage, ana)
    final = stage.captions(ben)[-1]
    assert (final.kind, final.degraded) == ("transcript", "untranslated")


async def test_the_roster_says_who_is_here_and_who_is_speaking() -> None:
    stage = Stage()
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    await stage.speak(ana, loud(1_000))
    stage.room.tell_roster()
    stage.read()
    roster = [one for one in stage.told[ben.id] if isinstance(one, Roster)][-1]
    assert [(one.name, one.speaking) for one in roster.participants] == [
        ("Ana", True),
        ("Ben", False),
    ]
    stage.room.leave(ana, dropped=False)
    stage.room.tell_roster()
    stage.read()
    roster = [one for one in stage.told[ben.id] if isinstance(one, Roster)][-1]
    assert [one.name for one in roster.participants] == ["Ben"]


async def test_a_reader_who_does_not_read_is_let_go_before_he_costs_much() -> None:
    stage = Stage()
    ben = stage.join("Ben", reads="en")
    for n in range(ben.outbox.bound + 1):
        ben.send(
            Caption(n + 10, "p9", n, "en", "transcript", "x", "", True, 0, 0, 0, 0, "scripted")
        )
    assert ben.expelled is not None
    assert (ben.expelled.code, ben.expelled.retry) == (4408, True)


async def test_what_one_room_says_is_not_heard_in_another() -> None:
    stage = Stage()
    ana = stage.join(hears="en", reads="en")
    other = stage.house.room("garden").join(Hello("Eve", ["en", "es"]))
    await say(stage, ana)
    assert other.outbox.take() is None


async def test_speakers_of_two_rooms_are_two_voices_to_the_recognizer() -> None:
    stage = Stage()
    stage.join(hears="en", reads="en")
    other = stage.house.room("garden").join(Hello("Eve", hears=["en"], audio=Pcm16(16_000)))
    voices = {
        session.recognition.speaker
        for room in stage.house.rooms.values()
        for session in room.sessions.values()
    }
    assert other.id in stage.room.members
    assert len(voices) == 2


async def test_a_failing_session_ends_its_own_connection_only() -> None:
    stage = Stage()
    ana, ben = stage.join(hears="en", reads="en"), stage.join("Ben", hears="en", reads="en")
    assert ana.session is not None
    ana.session.segmenter = None  # type: ignore[assignment]
    await stage.speak(ana, loud(100))
    assert ana.expelled is not None
    assert ana.expelled.code == 4500
    await say(stage, ben)
    assert stage.finals(ben)
    assert Pcm16(16_000) == ben.hello.audio
