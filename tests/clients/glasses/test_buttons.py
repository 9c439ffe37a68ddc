"""The microphone is muted by hand: with a key, a button, or whatever can send a signal."""

import asyncio
import os
import signal
import struct
import termios
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.console import Problem
from clients.glasses import buttons

pytestmark = pytest.mark.socket


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = os.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


async def pressed(times: list[int], many: int) -> None:
    async with asyncio.timeout(5):
        while len(times) < many:
            await asyncio.sleep(0)


async def test_a_key_of_the_terminal_and_no_other_one(
    terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard, there = terminal
    monkeypatch.setattr(os, "tcgetpgrp", lambda descriptor: os.getpgrp())
    before, times = termios.tcgetattr(there), list[int]()
    with buttons.on_key("m", lambda: times.append(1), there):
        os.write(keyboard, b"xmym")
        await pressed(times, 2)
    assert times == [1, 1]
    assert termios.tcgetattr(there) == before


async def test_no_terminal_and_one_of_others_are_left_alone(terminal: tuple[int, int]) -> None:
    before = termios.tcgetattr(terminal[1])
    with buttons.on_key("m", lambda: None, terminal[1]):
        assert termios.tcgetattr(terminal[1]) == before
    with Path("/dev/null").open() as nothing, buttons.on_key("m", lambda: None, nothing.fileno()):
        pass


async def test_a_signal() -> None:
    times = list[int]()
    with buttons.on_signal(signal.SIGUSR1, lambda: times.append(1)):
        os.kill(os.getpid(), signal.SIGUSR1)
        await pressed(times, 1)


async def test_a_button_on_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Linux's side is played: what it is asked for, and an event for each press."""
    events, kernel = os.pipe()
    asked = bytearray()

    def ioctl(device: object, number: int, request: bytearray, mutate: bool) -> int:
        assert number == 0xC250B407 and mutate
        asked.extend(request)
        struct.pack_into("=i", request, 588, events)
        return 0

    monkeypatch.setattr(buttons, "ioctl", ioctl)
    chip, times = tmp_path / "gpiochip0", list[int]()
    chip.touch()
    with buttons.on_button((str(chip), 17), lambda: times.append(1)):
        os.write(kernel, bytes(48) * 2)
        await pressed(times, 2)
    os.close(kernel)
    assert len(asked) == 592
    assert struct.unpack_from("=I", asked, 0) == (17,)  # its offset
    assert struct.unpack_from("=I", asked, 560) == (1,)  # one line
    flags, attributes = struct.unpack_from("=QI", asked, 288)
    assert flags == 0b1_0001_0110 and attributes == 1
    assert struct.unpack_from("=IIIIQ", asked, 320) == (3, 0, 20_000, 0, 1)  # against bouncing
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(events)


async def test_a_button_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(Problem, match=r"line 17 of .*chip9 cannot be read: no such file"),
        buttons.on_button((str(tmp_path / "chip9"), 17), lambda: None),
    ):
        pass


async def test_without_a_button_there_is_none() -> None:
    with buttons.on_button(None, lambda: None):
        pass


def test_a_line_is_a_number_of_a_chip() -> None:
    assert buttons.line("17") == ("/dev/gpiochip0", 17)
    assert buttons.line("/dev/gpiochip4:17") == ("/dev/gpiochip4", 17)
    for wrong in ("", "GPIO17", "/dev/gpiochip4:", "-1", "9999"):
        with pytest.raises(ArgumentTypeError, match="is no GPIO line"):
            buttons.line(wrong)
