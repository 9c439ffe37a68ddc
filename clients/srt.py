"""Finished lines as a subtitle file for the audio they were heard in."""

from collections.abc import Iterable

from streaming.messages import Caption
from streaming.transcript import conversation, render
from streaming.values import milliseconds

from .lines import whole


def srt(captions: Iterable[Caption]) -> str:
    """SubRip text of these lines, by where they begin in their speaker's audio, without names."""
    lines = list(whole(captions))
    nobody = {line.speaker: "" for line in lines}
    said = conversation(lines, nobody, lambda line: round(milliseconds(line.start)))
    return render(said, "srt")
