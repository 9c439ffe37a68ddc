"""What `surtitle captions` prints, and which of it are the subtitles."""

import shutil
import sys

from streaming.messages import Caption, ServerMessage, State, Welcome

from .console import say
from .lines import Lines
from .pages import Growing, Page
from .words import Troubles, sentence, untranslated


class Output:
    """The page, or (`jsonl`) the messages as they are; remarks on standard error, each once.

    `to` is the language that is read; without it, the one that is spoken.
    """

    def __init__(self, to: str | None = None, jsonl: bool = False) -> None:
        self.to = to
        self.jsonl = jsonl
        self.lines = Lines(kept=100_000)
        self.me = ""
        self.troubles = Troubles()
        self.said: set[str] = set()
        growing = sys.stdout.isatty() and shutil.get_terminal_size()[0] >= 20
        self.page = (Growing if growing else Page)(sys.stdout, self.name)

    def tap(self, frame: str) -> None:
        """A message as it was received."""
        if self.jsonl:
            print(frame, flush=True)

    def push(self, message: ServerMessage) -> None:
        """A message as it was meant."""
        change = self.lines.push(message)
        match message:
            case Welcome(participant=me):
                self.me = me
            case State() if self.troubles.push(message):
                self.remark(sentence(message))
            case Caption(degraded="untranslated") if self.to and not list(self.troubles):
                self.remark(untranslated(message, [self.to]))
        if change is not None and not self.jsonl:
            self.page.show(change)

    def remark(self, sentence: str) -> None:
        """Say it, the first time."""
        if sentence not in self.said:
            self.said.add(sentence)
            say(sentence)

    def name(self, speaker: str) -> str:
        """Others in the room are named; the file is not."""
        return "" if speaker == self.me or not self.me else self.lines.name(speaker)

    def wanted(self) -> list[Caption]:
        """The lines for the subtitles: the file's own, in the language to read, one a segment."""
        found: dict[tuple[str, int], Caption] = {}
        for caption in filter(self.titles, self.lines.finals()):
            found[caption.speaker, caption.segment] = caption  # a translation comes after the words
        return list(found.values())

    def titles(self, caption: Caption) -> bool:
        """Whether it is the file's, and what a reader of the target language gets to read."""
        if self.me and caption.speaker != self.me:
            return False
        if self.to is None or caption.degraded == "untranslated":
            return caption.kind == "transcript"
        return caption.language == self.to
