"""What a wearer reads: the right words, who says them, and the truth about the connection."""

from msgspec.structs import replace

from clients.glasses.reader import Reader
from streaming.messages import Participant, Roster, State, Welcome
from tests.clients.fakes import caption
from tests.clients.glasses.desk import ROSTER, WELCOME, desk


def test_others_are_marked_and_ones_own_words_are_not() -> None:
    table = desk()
    table.tell(caption("hello", speaker="a", segment=1))
    table.tell(caption("I see", speaker="me", segment=2))
    table.tell(caption("good day", speaker="w", segment=3))
    table.wait(0.2)
    assert table.rows == ["A: hello", "I see", "王: good day"]


def test_two_of_one_initial_and_one_without_a_name_are_told_apart() -> None:
    table = desk()
    table.tell(Roster([Participant("x", "Alan", [], []), Participant("y", "Ana", [], [])]))
    for segment, speaker in enumerate("xyz", 1):
        table.tell(caption("yes", speaker=speaker, segment=segment))
    table.wait(0.2)
    assert table.rows == ["A: yes", "A2: yes", "1: yes"]


def test_only_the_language_read_is_shown() -> None:
    table = desk(reads=("es",))
    table.tell(caption("good morning"), caption("buenos días", language="es"))
    table.wait(0.2)
    assert table.rows == ["A: buenos días"]


def test_words_that_could_not_be_translated_are_shown_with_their_language() -> None:
    table = desk(reads=("es",))
    table.tell(replace(caption("good morning"), degraded="untranslated"))
    assert table.rows == ["en: good morning"]


def test_both_has_the_speakers_words_above_and_neither_moves_the_other() -> None:
    table = desk(reads=("es",), show="both")
    table.tell(caption("good morning everyone"), caption("buenos días", language="es"))
    table.wait(0.2)
    assert table.rows == ["A: good morning everyone", "A: buenos días"]
    table.tell(caption("good morning everyone. We begin with the schedule of"))
    table.wait(1.2)
    assert table.rows[1] == "A: buenos días"
    assert [row.tone for row in table.screens[-1][1].rows] == ["source", "caption"]


def test_source_shows_what_was_said() -> None:
    table = desk(reads=(), show="source")
    table.tell(caption("good morning"), caption("buenos días", language="es"))
    table.wait(0.2)
    assert table.rows == ["A: good morning"]


def test_what_was_said_before_he_came_is_not_shown() -> None:
    table = desk()
    table.tell(replace(caption("long ago", final=True), replay=True))
    table.wait(0.2)
    assert table.rows == []


def test_what_was_said_while_the_connection_was_lost_is_shown() -> None:
    table = desk()
    table.tell(State("connection", "down", "lost"))
    table.wait(2.5)
    assert table.rows[-1] == "reconnecting 2 s"
    table.tell(WELCOME, replace(caption("meanwhile", final=True), replay=True))
    table.wait(0.2)
    assert table.rows == ["A: meanwhile"]


def test_words_that_cannot_be_had_any_more_are_not_hidden() -> None:
    table = desk()
    table.tell(WELCOME, State("connection", "ok", "some of it cannot be had any more"))
    assert table.rows[-1] == "some of it cannot be had any more"


def test_the_seconds_without_a_server_are_counted() -> None:
    table = desk()
    table.tell(State("connection", "down"))
    table.wait(63)
    said = [screen.rows[-1].text for _, screen in table.screens]
    assert said[:3] == ["reconnecting 0 s", "reconnecting 1 s", "reconnecting 2 s"]
    assert said[-1] == "reconnecting 1 min"


def test_the_state_waits_until_the_row_it_needs_was_read() -> None:
    table = desk()
    for segment in range(1, 5):
        table.tell(caption(f"sentence {segment}", segment=segment, final=True))
    table.wait(0.1)
    table.tell(State("connection", "down"))
    table.wait(0.3)
    assert table.rows[-1] == "A: sentence 4"
    table.wait(0.8)
    assert table.rows == ["A: sentence 2", "A: sentence 3", "A: sentence 4", "reconnecting 1 s"]


def test_trouble_is_told_for_a_while_and_its_end_too() -> None:
    table = desk()
    table.tell(State("translation", "down", "no answer", "en"))
    assert table.rows[-1].startswith("translation")
    table.wait(9)
    assert table.rows == []
    table.tell(State("translation", "ok", None, "en"))
    assert table.rows[-1].startswith("translation")
    assert "again" in table.rows[-1] or "back" in table.rows[-1]


def test_a_language_that_cannot_be_had_is_named_where_the_whole_reason_has_no_room() -> None:
    table = desk()
    table.tell(State("translation", "down", "en to de: no engine of this server does that", "de"))
    assert table.rows[-1] == "translation into German does not work"


def test_lateness_is_told_in_seconds_where_they_are_known() -> None:
    table = desk()
    table.reader.late(4.2, table.now)
    table.tell(caption("at last", speaker="me"))
    assert table.rows[-1] == "captions are 4 s late"
    table.wait(5.5)
    assert table.rows == ["at last"]


def test_a_muted_microphone_is_told_as_long_as_it_is() -> None:
    table = desk()
    table.reader.status.muted = True
    table.tell(caption("hello"))
    table.wait(3)
    assert table.rows[-1] == "microphone muted"


def test_another_life_of_the_room_begins_anew() -> None:
    table = desk()
    table.tell(caption("before", final=True))
    table.tell(Welcome("lab", "e2", "p9", "secret", 0, 0, True, 0, []))
    table.tell(ROSTER)
    table.tell(caption("after", final=True))
    table.wait(0.2)
    assert table.rows == ["A: before", "A: after"]


def test_who_has_the_wearers_number_of_before_a_restart_is_not_taken_for_him() -> None:
    table = desk()
    mine = table.reader.lines.speaker(WELCOME.participant)
    assert mine in table.reader.me
    table.tell(Welcome("lab", "e2", "p9", "secret", 0, 0, True, 0, []))
    table.tell(Roster([Participant(WELCOME.participant, "Zoe", ["en"], ["en"])]))
    table.tell(caption("hello", speaker=WELCOME.participant, final=True))
    table.wait(0.2)
    assert table.rows == ["Z: hello"]


def test_who_was_helped_by_his_own_device_before_he_came_is_not_shown_the_past_either() -> None:
    table = desk()
    reader = Reader(table.reader.layout, ["en"])
    reader.handover.lost()
    reader.stand_in(caption("hello", speaker="this device 1"), 0.0)
    reader.push(WELCOME, 0.0)
    reader.push(replace(caption("long ago", segment=9, final=True), replay=True), 0.0)
    screen = reader.screen(0.0)
    assert screen is not None and screen.text == "hello"
