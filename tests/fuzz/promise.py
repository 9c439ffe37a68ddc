"""What every decoder promises, whatever it is given: a value, or its own error with a sentence.

Never another exception, and never so long that others notice: their captions are made on the same
thread.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

STALL_S = 0.020  # of processor time: what everybody else in the loop would wait
MARGIN = 4  # processors differ, and so do their moods
AGAIN = 3  # times a slow input is tried: a collection of garbage is nobody's stall
LONGEST = 1_500  # characters for people: a sentence, and a list of what there is

UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves a terminal's cursor, ends a line or turns writing round."""

T = TypeVar("T")


def kept(decode: Callable[[], T], *errors: type[Exception], stall_s: float = STALL_S) -> T | None:
    """What `decode` makes, or None where it raised one of `errors` with a sentence."""
    for last in (*(False for _ in range(AGAIN)), True):
        began = time.thread_time()
        try:
            made = decode()
        except errors as error:
            said(error)
            made = None
        spent = time.thread_time() - began
        if spent < MARGIN * stall_s:
            return made
        assert not last, f"{1000 * spent:.0f} ms, and everybody waits"
    raise AssertionError("the last try returns or fails")


def said(error: BaseException | str) -> None:
    """It is a sentence: not nothing, not a page, nothing that a terminal would obey."""
    sentence = str(error)
    assert sentence.strip(), f"{error!r} says nothing"
    assert len(sentence) <= LONGEST, f"{len(sentence)} characters: {sentence[:200]!r}"
    assert not UNFIT.search(sentence), f"not to be shown: {sentence!r}"


@contextmanager
def tasks_are_as_before() -> Iterator[None]:
    """Nothing that was begun inside is still going on."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"{len(left)} tasks are left: {next(iter(left))!r}"
