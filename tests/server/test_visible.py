"""What readers see, as an operator reads it on /metrics."""

import re

import pytest

from models.base import Spent
from models.scripted import ScriptedRecognizer, ScriptedTranslator
from server.house import EMPTY_S
from server.metrics import Metrics
from streaming.captions import Line
from streaming.messages import Kind
from streaming.units import pieces
from streaming.values import Hypothesis, SpeechSegment, samples
from tests.server.stage import Stage, loud, quiet, settle


def figure(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The value of a metric; None if there is none with these labels."""
    inside = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    found = re.search(rf"^{name}\{{{inside}\}} (\S+)$", metrics.page().decode(), re.MULTILINE)
    return float(found[1]) if found else None


def line(
    text: str, heard: float, final: bool = False, replay: bool = False, kind: Kind = "transcript"
) -> Line:
    """A line said in the second after the room's tenth; `heard` in seconds of its audio."""
    found = tuple(pieces(text))
    known = len(found) if final else 0
    segment = SpeechSegment(0, 0, 0, samples(1_000), samples(1_000 * heard), final=final)
    hypothesis = Hypothesis(found, known, known, final=final)
    return Line("ana", segment, "en", kind, hypothesis, 10_000, "hand", replay=replay)


def watched(*seen: tuple[float, Line], room: str = "epoch") -> Metrics:
    """What is counted when these are shown, at seconds after the room opened."""
    metrics = Metrics()
    for now, one in seen:
        metrics.saw(one, room, one.hypothesis.units, now)
    return metrics


def test_what_is_taken_back_is_counted_when_the_line_ends() -> None:
    open_lines = (10.5, line("we sea", 0.5)), (10.9, line("we see it", 0.9))
    metrics = watched(*open_lines)
    assert figure(metrics, "surtitle_written_units_total", kind="transcript", room="epoch") == 0
    metrics = watched(*open_lines, (11.5, line("we see it.", 1.2, final=True)))
    erased = figure(metrics, "surtitle_erased_units_total", kind="transcript", room="epoch")
    written = figure(metrics, "surtitle_written_units_total", kind="transcript", room="epoch")
    assert (erased, written) == (1, 4), "`sea`; the mark behind `it` takes nothing back"


def test_a_line_that_is_withdrawn_was_erased_and_never_written() -> None:
    metrics = watched((10.5, line("thank you", 0.5)), (11.5, line("", 1.2, final=True)))
    erased = figure(metrics, "surtitle_erased_units_total", kind="transcript", room="epoch")
    written = figure(metrics, "surtitle_written_units_total", kind="transcript", room="epoch")
    assert (erased, written) == (2, 0)


def test_delays_are_from_the_arrival_of_a_units_sound() -> None:
    """Two words in a second, due at 10.5 and 11; both are right from 11.4 on."""
    metrics = watched(
        (10.7, line("wee", 0.6)), (11.4, line("we go", 1.0)), (11.6, line("we go", 1.2, final=True))
    )
    for name, total in (("first_display", 0.9 + 0.4), ("finalisation", 0.9 + 0.4)):
        assert figure(metrics, f"surtitle_{name}_seconds_count", kind="transcript") == 2
        found = figure(metrics, f"surtitle_{name}_seconds_sum", kind="transcript")
        assert found == pytest.approx(total)


def test_a_line_translated_for_who_came_late_is_not_timed() -> None:
    metrics = watched((60.0, line("yes", 1.0, final=True, replay=True)))
    assert figure(metrics, "surtitle_first_display_seconds_count", kind="transcript") == 0
    assert figure(metrics, "surtitle_written_units_total", kind="transcript", room="epoch") == 1


def test_tokens_are_counted_for_the_room_that_they_were_for() -> None:
    metrics = watched((10.5, line("we", 0.5)), room="here")
    metrics.spent(Spent(offered=8, accepted=5, room="here"))
    metrics.spent(Spent(offered=3, accepted=3, room="elsewhere"))
    name = "surtitle_room_hypothesis_tokens_total"
    assert figure(metrics, name, outcome="offered", room="here") == 8
    assert figure(metrics, name, outcome="accepted", room="here") == 5
    assert figure(metrics, name, outcome="offered", room="elsewhere") is None
    assert figure(metrics, "surtitle_hypothesis_tokens_total", outcome="offered") == 11


async def test_a_rooms_labels_go_when_it_closes_and_name_no_room() -> None:
    stage = Stage(ScriptedRecognizer(revise=2), ScriptedTranslator(forces_prefix=False))
    ana = stage.join(hears="en", reads="es")
    await stage.speak(ana, loud(4_000) + quiet(1_500))
    await settle()
    metrics, room = stage.house.metrics, stage.room.epoch
    for kind in ("transcript", "translation"):
        assert figure(metrics, "surtitle_written_units_total", kind=kind, room=room)
        assert figure(metrics, "surtitle_first_display_seconds_count", kind=kind)
    assert "kitchen" not in metrics.page().decode()
    stage.room.leave(ana, dropped=False)
    await settle()
    stage.clock.advance(EMPTY_S + 1)
    await stage.house.tick(roster=False)
    assert room not in metrics.page().decode()
    assert figure(metrics, "surtitle_first_display_seconds_count", kind="transcript")
