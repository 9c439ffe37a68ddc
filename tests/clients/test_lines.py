"""What a reader has been told so far."""

from msgspec.structs import replace

from clients.lines import Lines
from tests.clients.fakes import ROSTER, WELCOME, caption


def texts(lines: Lines) -> list[str]:
    return [line.text for line in lines]


def test_a_newer_caption_replaces_its_line() -> None:
    lines = Lines()
    lines.push(caption("good ", "mor"))
    change = lines.push(caption("good morning"))
    assert change is not None and change.caption is not None
    assert change.caption.text == "good morning"
    assert texts(lines) == ["good morning"]


def test_an_older_caption_changes_nothing() -> None:
    lines = Lines()
    lines.push(caption("new", seq=2_000_000))
    assert lines.push(caption("old", seq=1_999_999)) is None
    assert texts(lines) == ["new"]


def test_after_its_final_a_line_stays() -> None:
    lines = Lines()
    lines.push(caption("done", final=True))
    assert lines.push(caption("undone")) is None
    assert [line.text for line in lines.finals()] == ["done"]
    assert lines.open() == []


def test_an_empty_final_withdraws_the_line() -> None:
    lines = Lines()
    first = lines.push(caption("cough"))
    gone = lines.push(caption("", final=True))
    assert first is not None and gone is not None
    assert (gone.key, gone.caption) == (first.key, None)
    assert len(lines) == 0 and first.key not in lines


def test_withdrawing_what_was_never_shown_is_no_change() -> None:
    assert Lines().push(caption("", final=True)) is None


def test_lines_are_in_the_order_of_the_conversation() -> None:
    lines = Lines()
    lines.push(caption("later", speaker="r", at=900))
    lines.push(caption("antes", language="es", at=100))
    lines.push(caption("before", at=100))
    assert texts(lines) == ["before", "antes", "later"]


def test_a_new_epoch_begins_new_lines_after_the_old_ones() -> None:
    lines = Lines()
    lines.push(WELCOME)
    lines.push(caption("before the restart", final=True, at=5_000))
    lines.push(replace(WELCOME, epoch="e2"))
    lines.push(caption("after it", at=0, seq=1))
    assert lines.epoch == "e2"
    assert texts(lines) == ["before the restart", "after it"]


def test_names_come_from_the_roster_and_outlive_it() -> None:
    lines = Lines()
    lines.push(ROSTER)
    lines.push(replace(ROSTER, participants=ROSTER.participants[1:]))
    assert (lines.name("a"), lines.name("r")) == ("Alan", "Rosa")


def test_who_left_before_we_came_is_told_apart_and_keeps_the_number() -> None:
    lines = Lines()
    lines.push(caption("one", speaker="p7", final=True))
    lines.push(caption("two", speaker="p2", final=True, at=5))
    assert lines.names() == {"p7": "speaker 1", "p2": "speaker 2"}
    lines.push(ROSTER)
    assert lines.name("p2") == "speaker 2"
    lines.push(replace(ROSTER, participants=[replace(ROSTER.participants[0], id="p7")]))
    assert lines.names() == {"p7": "Alan", "p2": "speaker 2"}


def test_a_number_that_somebody_else_has_after_a_restart_does_not_rename_the_past() -> None:
    lines = Lines()
    lines.push(WELCOME)
    lines.push(replace(ROSTER, participants=[replace(ROSTER.participants[0], id="p1")]))
    lines.push(caption("before", speaker="p1", final=True))
    lines.push(replace(WELCOME, epoch="e2"))
    lines.push(replace(ROSTER, participants=[replace(ROSTER.participants[1], id="p1")]))
    lines.push(caption("after", speaker="p1", final=True))
    assert [(lines.name(line.speaker), line.text) for line in lines] == [
        ("Alan", "before"),
        ("Rosa", "after"),
    ]
    assert len({(line.speaker, line.segment) for line in lines}) == 2  # a transcript keeps both


def test_the_oldest_lines_are_forgotten_beyond_the_bound() -> None:
    lines = Lines(kept=2)
    for number in range(4):
        lines.push(caption(f"line {number}", segment=number, at=number))
    assert texts(lines) == ["line 2", "line 3"]
