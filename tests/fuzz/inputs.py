"""What strangers send: noise, and what was right until somebody laid hands on it."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

DEEP = 3_000  # levels: more than any parser climbs down
NASTY: tuple[bytes, ...] = (
    b"[" * DEEP,
    b'{"a":' * DEEP,
    b"9" * 5_000,  # longer than Python turns into an integer
    b"-1",
    b"1e999",
    b"NaN",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'""',
    b'"',
    b"\\",
    b"\\ud800",  # half a character
    b"\\u0000",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xe2\x80\xae",  # what turns writing round
    b"\x1b[2J",
    b"\r\n",
    b"\0",
    b"a" * 4_000,
    "\u0664".encode(),  # a digit, though no ASCII one
    b"18446744073709551616",
    b"-9223372036854775809",
)

noise = st.binary(max_size=400)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "en", "\x00", "\u202eabc", "x" * 5_000, "9" * 5_000, "\u0664\u0660\u0660"]
    )
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
"""Whatever JSON can hold, and NaN."""


@st.composite
def damaged(draw: st.DrawFn, whole: Sequence[bytes], most: int = 6) -> bytes:
    """One of these, with up to `most` places cut out, doubled or written over."""
    data = bytearray(draw(st.sampled_from(whole)))
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 12)))
        data[at:end] = draw(
            st.binary(max_size=6) | st.sampled_from(NASTY) | st.just(bytes(data[at:end] * 2))
        )
    if draw(st.booleans()):
        del data[draw(st.integers(0, len(data))) :]
    return bytes(data)


@st.composite
def altered(draw: st.DrawFn, whole: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One of these objects with other values, missing fields and more fields, at any depth."""
    return _altered(draw, draw(st.sampled_from(whole)))


def _altered(draw: st.DrawFn, found: dict[str, Any]) -> dict[str, Any]:
    made = dict(found)
    names = sorted(made)
    for name in draw(st.lists(st.sampled_from(names), max_size=3)) if names else ():
        value = made.get(name)
        if isinstance(value, dict) and draw(st.booleans()):
            made[name] = _altered(draw, value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            made[name] = [_altered(draw, value[0]), *draw(st.lists(values, max_size=2))]
        elif draw(st.booleans()):
            made[name] = draw(values)
        else:
            made.pop(name, None)
    return made | draw(st.dictionaries(st.text(max_size=12), values, max_size=1))


def as_json(whole: Sequence[dict[str, Any]]) -> st.SearchStrategy[bytes]:
    """JSON that is nearly right, and what is hardly JSON any more."""
    texts = [json.dumps(one).encode() for one in whole]
    return (
        altered(whole).map(lambda one: json.dumps(one).encode())
        | damaged(texts)
        | values.map(lambda one: json.dumps(one).encode())
        | noise
    )
