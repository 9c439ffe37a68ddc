"""How a command ends: what went wrong becomes one sentence and an exit code, never a traceback."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any


class Problem(Exception):
    """Something the person at the terminal can read and act on, in a sentence."""


def run(command: Coroutine[Any, Any, int]) -> int:
    """Run it and return its exit code; a Problem is said on standard error and is exit code 1.

    KeyboardInterrupt and BrokenPipeError pass, the latter out of any group it came in.
    """
    sentence = ""
    broken = False
    try:
        return asyncio.run(command)
    except* Problem as group:
        sentence = str(first(group))
    except* BrokenPipeError:
        broken = True
    if broken:
        raise BrokenPipeError
    say(sentence)
    return 1


def say(sentence: str) -> None:
    """A remark for the person, apart from the output."""
    print(f"surtitle: {sentence}", file=sys.stderr, flush=True)


def first(error: BaseException) -> BaseException:
    """The first single error in a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
