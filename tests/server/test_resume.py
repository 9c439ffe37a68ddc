"""Whoever drops out comes back as who it was, and has missed nothing, or is told so."""

import pytest

from models.scripted import ScriptedRecognizer, ScriptedTranslator
from server.absences import READER_S, SPEAKER_S
from server.member import Member
from server.refused import Refused
from streaming.messages import Caption, Hello, Pcm16, Resume, Roster, Welcome
from tests.server.stage import Stage, loud, quiet, settle

WORDS = [[f"sentence {n}"] for n in range(40)]


async def say(stage: Stage, member: Member, seconds: float = 1.2) -> None:
    await stage.speak(member, loud(1_000 * seconds) + quiet(1_200))


def seen(stage: Stage, member: Member) -> int:
    """The `seq` of the last caption that a member has read."""
    return max((one.seq for one in stage.captions(member)), default=0)


def again(stage: Stage, member: Member, seq: int, **more: object) -> Member:
    """The member comes back, having read up to `seq`; what it is told is noted anew."""
    resume = Resume(stage.room.epoch, seq, member.id, member.key)
    hello = member.hello
    fields = {"reads": hello.reads, "hears": hello.hears, "audio": hello.audio} | more
    back = stage.room.join(Hello(hello.name, resume=resume, **fields))  # type: ignore[arg-type]
    stage.told[back.id] = []
    return back


def welcome(stage: Stage, member: Member) -> Welcome:
    stage.read()
    (found,) = [one for one in stage.told[member.id] if isinstance(one, Welcome)]
    assert stage.told[member.id][0] is found
    return found


async def test_who_comes_back_gets_every_final_since_and_none_twice() -> None:
    stage = Stage(ScriptedRecognizer(WORDS))
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    await say(stage, ana)
    before, seq = stage.finals(ben), seen(stage, ben)
    stage.room.leave(ben, dropped=True)
    for _ in range(3):
        await say(stage, ana)
    back = again(stage, ben, seq)
    told = welcome(stage, back)
    assert (told.participant, told.key, told.gap) == (ben.id, ben.key, False)
    assert (told.replay_from, told.replay_to) == (seq, stage.room.captions.seq)
    await say(stage, ana)
    said = [f"sentence-es {n}" for n in range(5)]
    assert [text for _, text in before + stage.finals(back)] == [f"{one}-es" for one in said]
    assert all(one.seq > seq for one in stage.captions(back))


async def test_a_microphone_goes_on_in_the_same_line() -> None:
    stage = Stage(ScriptedRecognizer([["one two three four five six"]]))
    ana = stage.join(hears="en", reads="en")
    await stage.speak(ana, loud(1_000))
    stage.room.leave(ana, dropped=True)
    await settle()
    back = again(stage, ana, 0)
    assert welcome(stage, back).audio_at == 16_000
    await stage.speak(back, loud(1_000) + quiet(1_200))
    (final,) = stage.captions(back, lambda one: one.final)
    assert final.segment == 0 and final.end > 30_000


async def test_a_microphone_that_comes_back_late_goes_on_at_its_position() -> None:
    stage = Stage(ScriptedRecognizer(WORDS))
    ana = stage.join(hears="en", reads="en")
    await stage.speak(ana, loud(1_500))
    stage.room.leave(ana, dropped=True)
    await stage.wait(SPEAKER_S - 1)
    back = again(stage, ana, 0)
    assert welcome(stage, back).audio_at == 24_000
    await say(stage, back)
    finals = stage.captions(back, lambda one: one.final)
    assert [one.segment for one in finals] == [0, 1] and finals[1].start >= 24_000


async def test_a_microphone_that_stays_away_is_somebody_new_who_says_where_it_is() -> None:
    stage = Stage(ScriptedRecognizer(WORDS))
    ana = stage.join(hears="en", reads="en")
    await say(stage, ana)
    seq = seen(stage, ana)
    stage.room.leave(ana, dropped=True)
    await stage.wait(SPEAKER_S + 1)
    assert not stage.room.sessions
    back = again(stage, ana, seq)
    told = welcome(stage, back)
    assert told.participant != ana.id and told.audio_at is None
    assert not told.gap and stage.captions(back) == []


async def test_the_newer_connection_of_a_participant_replaces_the_older() -> None:
    stage = Stage(ScriptedRecognizer(WORDS))
    ana = stage.join(hears="en", reads="en")
    await stage.speak(ana, loud(500))
    back = again(stage, ana, 0)
    assert ana.expelled is not None and ana.expelled.code == 4409 and not ana.expelled.retry
    stage.room.leave(ana, dropped=True)
    assert stage.room.members == {back.id: back}
    await stage.speak(back, loud(700) + quiet(1_200))
    assert [one.segment for one in stage.captions(back, lambda one: one.final)] == [0]


async def test_nobody_becomes_somebody_else_without_the_key() -> None:
    stage = Stage()
    ana = stage.join(hears="en")
    ana.key = "another"
    with pytest.raises(Refused) as refused:
        stage.room.join(Hello("Eve", resume=Resume(stage.room.epoch, 0, ana.id, "guessed")))
    assert refused.value.error.code == 4403 and ana.expelled is None


async def test_what_is_heard_cannot_be_changed_by_coming_back() -> None:
    stage = Stage()
    ana = stage.join(hears="en")
    stage.room.leave(ana, dropped=True)
    with pytest.raises(Refused, match="`hears`"):
        again(stage, ana, 0, hears=["zh"])


async def test_another_epoch_is_a_gap_and_never_passed_over() -> None:
    stage = Stage(ScriptedRecognizer(WORDS))
    ana = stage.join(hears="en", reads="en")
    await say(stage, ana)
    resume = Resume("an-older-epoch", 7, ana.id, ana.key)
    ben = stage.room.join(Hello("Ben", ["en"], ["en"], Pcm16(16_000), resume=resume))
    stage.told[ben.id] = []
    told = welcome(stage, ben)
    assert told.gap and told.audio_at is None and told.participant != ana.id
    assert [one.text for one in stage.captions(ben)] == ["sentence 0"]


async def test_a_language_that_was_not_translated_meanwhile_is_a_gap() -> None:
    stage = Stage(ScriptedRecognizer(WORDS))
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    await say(stage, ana)
    seq = seen(stage, ben)
    stage.room.leave(ben, dropped=True)
    await stage.wait(READER_S + 1)
    await say(stage, ana)
    back = again(stage, ben, seq)
    assert welcome(stage, back).gap
    await settle()
    assert stage.finals(back) == [("es", "sentence-es 1-es")]  # after all, as for a late joiner


async def test_a_line_that_is_taken_back_after_its_last_reader_left_is_a_gap_to_him() -> None:
    stage = Stage(ScriptedRecognizer([["well", "well I", "well I think", "well I think", ""]]))
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    await stage.speak(ana, loud(3_000))
    assert stage.captions(ben)
    stage.room.leave(ben, dropped=False)
    await stage.speak(ana, quiet(1_200))
    assert welcome(stage, again(stage, ben, seen(stage, ben))).gap


@pytest.mark.parametrize("dropped", [True, False], ids=["forgotten", "left"])
async def test_somebody_new_does_not_read_again_what_he_read_as_who_he_was(dropped: bool) -> None:
    stage = Stage(ScriptedRecognizer(WORDS))
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es fr")
    stage.join("Eva", reads="es fr")
    await say(stage, ana)
    assert len(stage.finals(ben)) == 2
    stage.room.greet(ben, Hello("Ben", ["es"]))
    stage.room.leave(ben, dropped)
    await stage.wait(READER_S + 1)
    back = again(stage, ben, seen(stage, ben), reads=["es"])
    assert back.id != ben.id
    stage.room.greet(back, Hello("Ben", ["es", "fr"]))
    await settle()
    assert stage.finals(back) == []
    await say(stage, ana)
    assert len(stage.finals(back)) == 2


async def test_who_was_away_for_long_and_missed_nothing_is_not_alarmed() -> None:
    stage = Stage(ScriptedRecognizer(WORDS))
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    stage.join("Eva", reads="es")
    await say(stage, ana)
    seq = seen(stage, ben)
    stage.room.leave(ben, dropped=True)
    stage.clock.advance(5 * READER_S)
    await stage.wait(1.0)
    await say(stage, ana)
    back = again(stage, ben, seq)
    assert back.id != ben.id and not welcome(stage, back).gap
    assert stage.finals(back) == [("es", "sentence-es 1-es")]


async def test_what_a_translator_failed_at_meanwhile_comes_in_the_speakers_own_words() -> None:
    translator = ScriptedTranslator(languages=("en", "es"))
    stage = Stage(ScriptedRecognizer(WORDS), translator)
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="fr")
    stage.room.leave(ben, dropped=True)
    await say(stage, ana)
    back = again(stage, ben, 0)
    assert [(one.text, one.degraded) for one in stage.captions(back)] == [
        ("sentence 0", "untranslated")
    ]
    assert not welcome(stage, back).gap


async def test_languages_change_to_and_fro_and_no_line_comes_twice() -> None:
    stage = Stage(ScriptedRecognizer(WORDS))
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    for reads in (["fr"], ["es"], ["es", "en"], ["fr", "es"]):
        await say(stage, ana)
        stage.room.greet(ben, Hello("Ben", reads))
        await settle()
    finals = [one.key for one in stage.captions(ben, lambda one: one.final)]
    assert len(finals) == len(set(finals))
    for n in range(4):
        assert (ana.id, n, "es", "translation") in finals
        assert (ana.id, n, "fr", "translation") in finals


async def test_what_was_repeated_for_somebody_alone_is_not_lost_with_his_connection() -> None:
    stage = Stage(ScriptedRecognizer(WORDS))
    ana, ben, _ = stage.join(hears="en"), stage.join("Ben", reads="es"), stage.join("E", reads="fr")
    await say(stage, ana)
    seq = seen(stage, ben)
    stage.room.greet(ben, Hello("Ben", ["fr"]))
    stage.room.leave(ben, dropped=True)
    back = again(stage, ben, seq)
    assert stage.finals(back) == [("fr", "sentence-fr 0-fr")]
    assert not welcome(stage, back).gap


async def test_a_reader_too_far_behind_is_closed_and_gets_all_of_it_when_he_is_back() -> None:
    stage = Stage(ScriptedRecognizer(WORDS))
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    ben.outbox.bound = 3
    for _ in range(5):
        stage.clock.advance(1.0)
        assert ana.session is not None
        ana.session.push(loud(1_200) + quiet(1_200))
        await settle()
    assert ben.expelled is not None and (ben.expelled.code, ben.expelled.retry) == (4408, True)
    stage.room.leave(ben, dropped=True)
    back = again(stage, ben, 0)
    assert back.expelled is None and len(stage.finals(back)) == 5


async def test_who_is_away_is_not_in_the_roster() -> None:
    stage = Stage()
    ana, ben = stage.join(hears="en"), stage.join("Ben", reads="es")
    stage.room.leave(ana, dropped=True)
    stage.room.tell_roster()
    stage.read()
    roster = [one for one in stage.told[ben.id] if isinstance(one, Roster)][-1]
    assert [one.name for one in roster.participants] == ["Ben"]
    assert not stage.captions(ben, lambda one: isinstance(one, Caption))
