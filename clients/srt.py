"""Finished lines as a subtitle file for the audio they were heard in."""

from collections.abc import Iterable

from streaming.messages import Caption
from streaming.values import milliseconds

from .plain import clean, wrap

WIDTH = 42  # columns: what subtitle guides agree on; 21 Han characters


def srt(captions: Iterable[Caption]) -> str:
    """SubRip text of these lines, by where they begin in their speaker's audio."""
    ordered = sorted(captions, key=lambda caption: (caption.start, caption.end))
    return "".join(_cue(number, caption) for number, caption in enumerate(ordered, 1))


def _cue(number: int, caption: Caption) -> str:
    # An arrow in the text would be read as times.
    rows = wrap(clean(caption.text).replace("-->", "->").strip(), WIDTH)
    return f"{number}\n{clock(caption.start)} --> {clock(caption.end)}\n{chr(10).join(rows)}\n\n"


def clock(position: int) -> str:
    """A position as hours:minutes:seconds,milliseconds."""
    seconds, ms = divmod(round(milliseconds(position)), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02},{ms:03}"
