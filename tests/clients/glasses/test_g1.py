"""The driver of the G1, against two arms that behave as real ones are said to."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.glasses.drivers import DisplayError, Place, g1
from clients.glasses.drivers.g1 import CHUNK, G1, packets
from clients.glasses.faces import Cells
from clients.glasses.profiles import profile
from clients.glasses.screen import Row, Screen

CRASHES = 391  # bytes of one screen


class Arm:
    """One side of a pair: acknowledges what it gets, shows it, and crashes when it is too much."""

    def __init__(self, deaf: int = 0) -> None:
        self.deaf = deaf
        """So many acknowledgements are lost before one comes."""
        self.connected = False
        self.refuses = False
        self.got: list[bytes] = []
        self.screen = ""
        self.beats = 0
        self._parts: dict[int, bytes] = {}

    async def connect(self, heard: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self.connected, self.heard, self.lost = True, heard, lost

    async def write(self, packet: bytes) -> None:
        if not self.connected:
            raise DisplayError("not connected")
        self.got.append(packet)
        if self.deaf:
            self.deaf -= 1
            return
        self.heard(b"\xf5\x01")  # somebody touches it
        match packet[0]:
            case 0x4E:
                self._text(packet)
            case 0x25:
                self.beats += 1
                self.heard(bytes([0x25, 6, 0, packet[3], 4]))
            case command:
                self.heard(bytes([command, 0xCA if self.refuses else 0xC9]))

    def _text(self, packet: bytes) -> None:
        assert len(packet) <= 9 + CHUNK
        _, _, total, place = packet[:4]
        self._parts[place] = packet[9:]
        last = place == total - 1
        if last:
            whole = b"".join(self._parts[part] for part in range(total))
            self._parts.clear()
            if len(whole) >= CRASHES:
                self.hang_up()
                return
            self.screen = whole.decode()
        status = 0xCA if self.refuses else 0xC9 if last else 0xCB
        self.heard(bytes([0x4E, status]))

    async def disconnect(self) -> None:
        self.connected = False

    def hang_up(self) -> None:
        """It is gone: out of reach, crashed, or its battery is empty."""
        self.connected = False
        self.lost()


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(g1, "ANSWER", 0.01)


def pair(left: Arm, right: Arm, clock: Clock | None = None) -> G1:
    async def find() -> tuple[Arm, Arm]:
        return left, right

    return G1(profile("even-g1"), Cells(), Place(), find, clock or Clock())


def screen(*rows: str) -> Screen:
    return Screen(tuple(Row(row, len(row)) for row in rows))


async def test_both_arms_show_the_same_the_left_one_first() -> None:
    left, right = Arm(), Arm()
    glasses = pair(left, right)
    await glasses.open()
    await glasses.show(screen("Good morning.", "早上好。"))
    assert left.screen == right.screen == "Good morning.\n早上好。"
    await glasses.show(Screen())
    assert left.screen == right.screen == " "


async def test_a_lost_acknowledgement_is_asked_for_again() -> None:
    left, right = Arm(), Arm()
    glasses = pair(left, right)
    await glasses.open()
    left.deaf, right.deaf = 1, 2
    await glasses.show(screen("hello"))
    assert left.screen == right.screen == "hello"


async def test_an_arm_that_never_acknowledges_is_named() -> None:
    left, right = Arm(), Arm()
    glasses = pair(left, right)
    await glasses.open()
    right.deaf = 99
    with pytest.raises(DisplayError, match="the right arm of the glasses does not answer"):
        await glasses.show(screen("hello"))
    assert left.screen == "hello"


async def test_an_arm_that_hangs_up_is_named_and_can_be_opened_again() -> None:
    left, right = Arm(), Arm()
    glasses = pair(left, right)
    await glasses.open()
    left.hang_up()
    with pytest.raises(DisplayError, match="the left arm of the glasses is gone"):
        await glasses.check()
    await glasses.close()
    await glasses.open()
    await glasses.show(screen("back"))
    assert left.screen == "back"


async def test_an_arm_that_hangs_up_while_it_is_asked_is_not_waited_for() -> None:
    left, right = Arm(), Arm()
    glasses = pair(left, right)
    await glasses.open()
    right.deaf = 1
    showing = asyncio.create_task(glasses.show(screen("hello")))
    while len(right.got) < 2:
        await asyncio.sleep(0)
    right.hang_up()
    with pytest.raises(DisplayError, match="the right arm of the glasses is gone"):
        await showing


async def test_a_refusal_is_told() -> None:
    left, right = Arm(), Arm()
    glasses = pair(left, right)
    await glasses.open()
    left.refuses = True
    with pytest.raises(DisplayError, match="left arm of the glasses refused with 4e ca"):
        await glasses.show(screen("hello"))


async def test_both_arms_are_told_every_eight_seconds_that_we_are_there() -> None:
    left, right, clock = Arm(), Arm(), Clock()
    glasses = pair(left, right, clock)
    await glasses.open()
    for _ in range(10):
        clock.now += 2
        await glasses.check()
    assert (left.beats, right.beats) == (2, 2)


async def test_it_leaves_them_at_their_own_dashboard() -> None:
    left, right = Arm(), Arm()
    glasses = pair(left, right)
    await glasses.open()
    await glasses.close()
    assert left.got[-1] == right.got[-1] == b"\x18"
    assert not left.connected and not right.connected


@given(st.text(min_size=1, max_size=390).filter(lambda text: len(text.encode()) <= 390))
def test_packets_are_small_whole_letters_and_numbered(text: str) -> None:
    found = list(packets(text, 7))
    assert b"".join(packet[9:] for packet in found).decode() == text
    for place, packet in enumerate(found):
        packet[9:].decode()
        assert len(packet) <= 9 + CHUNK
        assert tuple(packet[:5]) == (0x4E, 7, len(found), place, 0x71)
