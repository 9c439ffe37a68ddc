"""What `surtitle captions` prints, and which of it are the subtitles."""

import shutil
import sys

from streaming.messages import Caption, Recording, ServerMessage, State, Welcome

from .console import say
from .lines import Lines
from .pages import Growing, Page
from .words import Troubles, kept, sentence, untranslated


class Output:
    """The page, or (`jsonl`) the messages as they are; remarks on standard error, each once.

    `to` is the language that is read; without it, the one that is spoken.
    """

    def __init__(self, to: str | None = None, jsonl: bool = False) -> None:
        self.to = to
        self.jsonl = jsonl
        self.lines = Lines(kept=100_000)
        self.mine: set[tuple[str, str]] = set()  # by epoch, who we are, and were before
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
                self.mine.add((self.lines.epoch, self.lines.speaker(me)))
            case State() if self.troubles.push(message):
                self.remark(sentence(message))
            case Recording(on):
                self.remark(kept(on))
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
        ours = (self.lines.epoch, speaker) in self.mine
        return "" if ours or not self.mine else self.lines.name(speaker)

    def wanted(self) -> list[Caption]:
        """The lines for the subtitles: the file's own, in the language to read, one a segment."""
        found: dict[tuple[str, str, int], Caption] = {}
        for epoch in self.lines.epochs or [""]:
            for caption in self.lines.finals(epoch):
                if self.titles(epoch, caption):  # a translation comes after the words
                    found[epoch, caption.speaker, caption.segment] = caption
        return list(found.values())

    def titles(self, epoch: str, caption: Caption) -> bool:
        """Whether it is the file's, and what a reader of the target language gets to read."""
        if self.mine and (epoch, caption.speaker) not in self.mine:
            return False
        if self.to is None or caption.degraded == "untranslated":
            return caption.kind == "transcript"
        return caption.language == self.to
