"""JSON from servers and files that are not ours."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


def decoded(data: bytes, kind: type[T]) -> T:
    """A value of the `kind`. ValueError: it is none, msgspec.DecodeError and what is no UTF-8
    included."""
    try:
        return msgspec.json.decode(data, type=kind)
    except RecursionError as error:  # brackets within brackets, by the thousand
        raise ValueError("it is nested too deeply") from error
