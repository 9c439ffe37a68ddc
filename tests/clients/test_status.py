"""The status line, and the figures in it."""

import pytest

from clients.latency import ChunkToCaption, Meter
from clients.lines import Lines
from clients.microphone import Microphone
from clients.tui.status import Status, status_line
from clients.words import Troubles, sentence
from streaming.messages import State
from streaming.values import AudioFrame
from tests.clients.fakes import caption

FULL = Status("kitchen", "connected", ["en"], ["es"], muted=True, late_ms=211.6)


def test_all_of_it_on_a_wide_terminal() -> None:
    line = status_line(FULL, 160)
    assert line.startswith("kitchen · connected · speaking English (muted) · reading Spanish  ")
    assert line.endswith("95 % of captions within 212 ms (budget 300)")
    assert len(line) == 160


@pytest.mark.parametrize("width", [10, 30, 40, 60, 80, 160])
def test_it_fits(width: int) -> None:
    assert len(status_line(FULL, width)) <= width


def test_what_matters_most_is_left_on_a_narrow_one() -> None:
    assert status_line(FULL, 60).endswith("late 212/300 ms")
    assert status_line(FULL, 44).strip() == "kitchen · connected · en → es · muted"


def test_the_servers_own_share_is_called_that() -> None:
    assert "server" in status_line(Status("a", late_ms=3, end_to_end=False), 80)


def test_states_in_words() -> None:
    assert sentence(State("recognition", "degraded", "slow\x1b")) == (
        "recognition is limited: slow "
    )
    assert sentence(State("translation", "ok", None, "es")) == (
        "translation into Spanish works again"
    )


def test_troubles_are_news_once_and_end() -> None:
    troubles = Troubles()
    down = State("translation", "down", None, "es")
    assert [troubles.push(down), troubles.push(down)] == [True, False]
    assert list(troubles) == [down]
    assert troubles.push(State("translation", "ok", None, "es"))
    assert list(troubles) == []
    assert not troubles.push(State("connection", "drained"))


def test_percentiles() -> None:
    meter = Meter()
    assert meter.percentile(95) is None
    for value in range(1, 101):
        meter.add(value)
    assert (meter.percentile(50), meter.percentile(95), meter.percentile(100)) == (50, 95, 100)


def test_only_updates_that_change_what_is_seen_count() -> None:
    lines, late = Lines(), ChunkToCaption(lambda position: position / 16_000)
    found = []
    for now, line in [
        (1.1, caption("one")),
        (1.2, caption("one")),
        (1.3, caption("one two")),
        (1.4, caption("", segment=2, final=True)),
    ]:
        change = lines.push(line)
        found.append(None if change is None else late.push(change, now))
    assert [round(value) if value else None for value in found] == [100, None, 300, None]
    assert late.first == 1.1


class Wire:
    """Remembers what a link was asked to send."""

    connected = True

    def __init__(self) -> None:
        self.sent: list[object] = []

    async def send_audio(self, audio: bytes) -> None:
        self.sent.append(audio)

    async def gap(self, start: int, end: int) -> None:
        self.sent.append((start, end))

    async def mute(self, on: bool) -> None:
        self.sent.append(on)


async def test_what_a_muted_microphone_hears_is_told_as_a_gap() -> None:
    wire = Wire()
    microphone = Microphone(wire)  # type: ignore[arg-type]

    async def frames() -> object:
        for number in range(5):
            if number in (1, 3):
                await microphone.mute(number == 1)
            yield AudioFrame(number * 2, b"%d---" % number)

    await microphone.speak(frames())  # type: ignore[arg-type]
    assert wire.sent == [b"0---", True, False, (2, 6), b"3---", b"4---"]
