"""What a reader has been told so far: the newest caption of every line.

    lines[key] = caption        a caption is the whole line and replaces the one before it
    a final without text        withdraws the line
    after its final             nothing changes a line any more

A line's key begins with the epoch, since segment numbers start again in a new one. So do those of
speakers: whoever is "p1" then is somebody else, and is called "p1/2" in here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from streaming.messages import Caption, Participant, Roster, ServerMessage, Welcome

from .plain import clean

LineKey = tuple[str, str, int, str, str]
"""epoch, speaker, segment, language, kind"""

KEPT = 2_000  # lines: about three hours of talk


@dataclass(frozen=True, slots=True)
class Change:
    """One line has changed: `caption` is what it says now, None if it was withdrawn."""

    key: LineKey
    caption: Caption | None


class Lines:
    """Give it every message; ask it what there is to read."""

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = kept
        self.epochs: list[str] = []
        self.roster: dict[str, Participant] = {}
        """Everybody who was ever here, as last heard of; those who left are still named."""
        self._unnamed: dict[str, int] = {}
        """Those who left before we came: in no roster we got."""
        self._lines: dict[LineKey, Caption] = {}

    @property
    def epoch(self) -> str:
        """The current life of the room, "" before the welcome."""
        return self.epochs[-1] if self.epochs else ""

    def push(self, message: ServerMessage) -> Change | None:
        """Take in one message; the line it changed, if it changed one."""
        match message:
            case Welcome(epoch=epoch):
                if epoch not in self.epochs:
                    self.epochs.append(epoch)
            case Roster(participants=participants):
                self.roster |= {self.speaker(person.id): person for person in participants}
            case Caption():
                return self._replace(message)
        return None

    def speaker(self, participant: str) -> str:
        """Who that is now, told apart from whoever had the same number before a restart."""
        life = len(self.epochs)
        return participant if life < 2 else f"{participant}/{life}"

    def _replace(self, caption: Caption) -> Change | None:
        if len(self.epochs) > 1:
            caption = replace(caption, speaker=self.speaker(caption.speaker))
        key = (self.epoch, *caption.key)
        before = self._lines.get(key)
        if before is not None and (before.final or before.seq >= caption.seq):
            return None
        if caption.final and not caption.text.strip():
            self._lines.pop(key, None)
            return Change(key, None) if before is not None else None
        self._lines[key] = caption
        self._forget()
        return Change(key, caption)

    def _forget(self) -> None:
        """Drop the oldest lines beyond the bound, in the order they were first heard of."""
        while len(self._lines) > self.kept:
            del self._lines[next(iter(self._lines))]

    def __getitem__(self, key: LineKey) -> Caption:
        return self._lines[key]

    def __contains__(self, key: object) -> bool:
        return key in self._lines

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Caption]:
        """Every line in the order of the conversation: by `at`, within each epoch."""
        return (self._lines[key] for key in sorted(self._lines, key=self.place))

    def place(self, key: LineKey) -> tuple[int, int, str, int, str, str]:
        """Where a line that is here belongs among the others: sorts by it."""
        caption = self._lines[key]
        epoch = self.epochs.index(key[0]) if key[0] in self.epochs else -1
        # A transcript comes before its translations, as it does in time and in the alphabet.
        return epoch, caption.at, caption.speaker, caption.segment, caption.kind, caption.language

    def finals(self, epoch: str | None = None) -> list[Caption]:
        """The finished lines, of one epoch or of all, in the order of the conversation."""
        keys = [key for key in self._lines if epoch in (None, key[0])]
        return [self._lines[key] for key in sorted(keys, key=self.place) if self._lines[key].final]

    def open(self) -> list[Caption]:
        """The lines still growing, in the order of the conversation."""
        return [caption for caption in self if not caption.final]

    def name(self, speaker: str) -> str:
        """What the speaker is called; "speaker 1" of whom no roster has told the name."""
        person = self.roster.get(speaker)
        if person is not None:
            return person.name
        return f"speaker {self._unnamed.setdefault(speaker, len(self._unnamed) + 1)}"

    def names(self) -> dict[str, str]:
        """What everybody is called who said something."""
        return {line.speaker: self.name(line.speaker) for line in self}


def whole(captions: Iterable[Caption]) -> Iterator[Caption]:
    """The same lines as harmless text, every segment with words of its own: where only
    translations came, the first of those stands for them."""
    listed = list(captions)
    own = {(one.speaker, one.segment) for one in listed if one.kind == "transcript"}
    for caption in listed:
        key = caption.speaker, caption.segment
        kind = caption.kind if key in own else "transcript"
        yield replace(caption, kind=kind, stable=clean(caption.text).strip(), draft="")
        own.add(key)
