"""What a wearer can press: a signal, a key of the terminal, a button on a GPIO line."""

import asyncio
import os
import signal
import struct
import termios
import tty
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fcntl import ioctl
from pathlib import Path

from clients.console import Problem

CHIP = "/dev/gpiochip0"
Line = tuple[str, int]
"""a chip's device, and the number of one of its lines"""

# Linux's own way to GPIO (linux/gpio.h, version 2), which every Pi has and which needs no library.
GET_LINE = 0xC250B407
REQUEST, CONSUMER, CONFIG, ATTRIBUTES, COUNT, DESCRIPTOR = 592, 256, 288, 320, 560, 588
PRESSED = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 8  # active low, input, rising edges, pulled up
DEBOUNCE, DEBOUNCE_US = 3, 20_000
EVENT = 48  # bytes


@contextmanager
def on_signal(number: signal.Signals, act: Callable[[], None]) -> Iterator[None]:
    """While the block lasts that signal does this: what a button of the device can send."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)


@contextmanager
def on_key(key: str, act: Callable[[], None], terminal: int = 0) -> Iterator[None]:
    """While the block lasts that key does this, if there is a terminal and it is ours."""
    if not _ours(terminal):
        yield
        return
    loop, before = asyncio.get_running_loop(), termios.tcgetattr(terminal)

    def pressed() -> None:
        typed = os.read(terminal, 1024)
        if not typed:  # the terminal has gone
            loop.remove_reader(terminal)
        for _ in range(typed.count(key.encode())):
            act()

    tty.setcbreak(terminal)  # Ctrl-C still ends it
    loop.add_reader(terminal, pressed)
    try:
        yield
    finally:
        loop.remove_reader(terminal)
        with suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _ours(terminal: int) -> bool:
    """Whether what is typed there is for us, and not for whoever started us."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # it is no terminal, or not the one we are of
        return False


def line(word: str) -> Line:
    """`17`, or `/dev/gpiochip4:17`."""
    chip, _, number = word.rpartition(":")
    if not number.isdecimal() or int(number) > 1023:
        raise ArgumentTypeError(f"{word!r} is no GPIO line: write 17, or /dev/gpiochip4:17")
    return chip or CHIP, int(number)


@contextmanager
def on_button(where: Line | None, act: Callable[[], None]) -> Iterator[None]:
    """While the block lasts that button does this; it connects the line to ground.

    A Problem says why it cannot be read.
    """
    if where is None:
        yield
        return
    loop, button = asyncio.get_running_loop(), _opened(*where)

    def pressed() -> None:
        with suppress(BlockingIOError):
            for _ in range(len(os.read(button, 16 * EVENT)) // EVENT):
                act()

    loop.add_reader(button, pressed)
    try:
        yield
    finally:
        loop.remove_reader(button)
        os.close(button)


def _opened(chip: str, number: int) -> int:
    """A descriptor with an event for each time the line is pulled to ground."""
    asked = bytearray(REQUEST)
    struct.pack_into("=I", asked, 0, number)
    struct.pack_into("=32s", asked, CONSUMER, b"surtitle")
    struct.pack_into("=QI", asked, CONFIG, PRESSED, 1)
    struct.pack_into("=IIIIQ", asked, ATTRIBUTES, DEBOUNCE, 0, DEBOUNCE_US, 0, 1)
    struct.pack_into("=I", asked, COUNT, 1)
    try:
        with Path(chip).open("rb", buffering=0) as device:
            ioctl(device, GET_LINE, asked, True)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Problem(f"the button on line {number} of {chip} cannot be read: {why}") from error
    found: int = struct.unpack_from("=i", asked, DESCRIPTOR)[0]
    os.set_blocking(found, False)
    return found
