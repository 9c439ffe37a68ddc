"""Server-sent events from a model server: bytes in any chopping become events of one answer.

    bytes -> Lines -> data of one server-sent event -> a reader (frames.py) -> Piece* End

The format is https://html.spec.whatwg.org/multipage/server-sent-events.html. A stream may fail
after its HTTP status said 200: that is an event, too.
"""

import re
from contextlib import suppress
from typing import Protocol

import msgspec

from models.foreign import decoded

from .frames import End, Event, Failed

LONGEST_LINE = 8 << 20  # bytes: a frame with the log-probabilities of 4,000 tokens has 300,000
LONGEST_EVENT = LONGEST_LINE  # in however many lines


class Reader(Protocol):
    """Turns the data of one server-sent event after the other into events of ours."""

    @property
    def whole(self) -> bool:
        """The answer is complete, whatever else may come."""
        ...

    def push(self, data: bytes) -> list[Event]:
        """Take the next. ValueError: it is none, msgspec.DecodeError included."""
        ...

    def close(self) -> list[Event]:
        """What was kept for the end. Called once, if the answer is whole."""
        ...


class Lines:
    """Bytes in, the data of each event out. Names, ids and comments (keep-alives) are left out."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._waiting = 0  # bytes that are held
        self._cut = False  # what is held ends with half of a CRLF, perhaps
        self._data: list[bytes] = []
        self._size = 0

    def push(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes. ValueError: a line or an event without end."""
        self._held.append(chunk)
        self._waiting += len(chunk)
        lines: list[bytes] = []
        if self._cut or b"\n" in chunk or b"\r" in chunk:
            lines = self._whole(b"".join(self._held))
        if self._waiting > LONGEST_LINE:
            raise ValueError(f"a line of more than {LONGEST_LINE >> 20} MiB")
        return [data for line in lines if (data := self._line(line))]

    def _whole(self, body: bytes) -> list[bytes]:
        """The lines that have ended; the rest is held."""
        self._cut = body.endswith(b"\r")
        whole = body.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = whole.split(b"\n")
        self._held = [rest + b"\r" * self._cut]
        self._waiting = len(rest) + self._cut
        return lines

    def close(self) -> list[bytes]:
        """The event that no empty line ended: some servers leave the last one out."""
        return self.push(b"\n\n")

    def _line(self, line: bytes) -> bytes:
        """The data of the event that `line` ends, b"" if it ends none."""
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            self._size += len(line)
            if self._size > LONGEST_EVENT:
                raise ValueError(f"an event of more than {LONGEST_EVENT >> 20} MiB")
        if line:
            return b""
        data, self._data, self._size = b"\n".join(self._data), [], 0
        return data


class Stream:
    """One answer: `push` its bytes, `close` at their end.

    The last event is an `End`, or a `Failed`; if there is neither, the answer broke off.
    """

    def __init__(self, reader: Reader) -> None:
        self._lines, self._reader = Lines(), reader
        self.over = False
        """Nothing more will come of it."""

    def push(self, chunk: bytes) -> list[Event]:
        """What the next bytes say."""
        events: list[Event] = []
        try:
            for data in self._lines.push(chunk):
                events += self._frame(data)
        except ValueError as error:  # msgspec.DecodeError and UnicodeDecodeError are
            events += self._fail(Failed(0, str(error)))
        return events

    def close(self) -> list[Event]:
        """What is left at the end of the bytes."""
        events: list[Event] = []
        with suppress(ValueError):  # half a frame: the answer broke off there
            for data in self._lines.close():
                events += self._frame(data)
        return events + self._finish()

    def _frame(self, data: bytes) -> list[Event]:
        if self.over:
            return []
        if data.strip() == b"[DONE]":
            return self._finish()
        if failed := failure(data):
            return self._fail(failed)
        events = self._reader.push(data)
        self.over = any(isinstance(event, End) for event in events)
        return events

    def _fail(self, failed: Failed) -> list[Event]:
        over, self.over = self.over, True
        return [] if over else [failed]

    def _finish(self) -> list[Event]:
        over, self.over = self.over, True
        return self._reader.close() if self._reader.whole and not over else []


class _Error(msgspec.Struct):
    message: str = ""
    code: int | str | None = None


class _Body(msgspec.Struct):
    error: _Error | str | None = None
    object: str | None = None
    message: str = ""
    code: int | str | None = None


def failure(data: bytes) -> Failed | None:
    """The error in a frame or a body, in any of its spellings; None if it is none.

    {"error": {"message": "…", "code": 503}}, {"object": "error", "message": "…"}, {"error": "…"}
    """
    if b'"error"' not in data:
        return None
    try:
        found = decoded(data, _Body)
    except ValueError:
        return None
    if isinstance(found.error, _Error):
        return Failed(_status(found.error.code), found.error.message)
    if found.error is not None or found.object == "error":
        return Failed(_status(found.code), found.error or found.message)
    return None


def _status(code: int | str | None) -> int:
    """The HTTP status that a code stands for: 500 for what is none, such as "model_not_found"."""
    text = str(code)
    return int(text) if re.fullmatch("[45][0-9]{2}", text) else 500
