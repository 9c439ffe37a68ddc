"""What a session sees of its room: everything it may ask and say, and nothing else."""

from collections.abc import Callable, Collection
from typing import Protocol

from models.base import Hints
from streaming.captions import Line
from streaming.values import Pair, Transcript


class Around(Protocol):
    """What a translator is told besides the words."""

    def context(self, source: str, target: str) -> tuple[Pair, ...]:
        """The last closed lines of the conversation in these two languages."""
        ...

    def glossary(self, text: str, source: str, target: str) -> tuple[tuple[str, str], ...]:
        """The terms of the glossary that occur in `text`."""
        ...

    def columns(self, target: str) -> int:
        """Of the widest display that a language is read on; 0 if not all of them are known."""
        ...


class Scene(Around, Protocol):
    """A room, as one of its speakers' sessions sees it."""

    def targets(self) -> Collection[str]:
        """The languages that are read now."""
        ...

    def at(self, moment: float) -> int:
        """`moment` of the server's clock, as milliseconds since the room opened."""
        ...

    def publish(self, line: Line) -> None:
        """Show the newest state of a line to those who read it."""
        ...

    def echoes(self, speaker: str, said: Transcript, at: int, sound: Callable[[], bytes]) -> bool:
        """Another microphone heard the same voice better: withdraw this."""
        ...

    def hints(self, hears: Collection[str]) -> Hints:
        """What a microphone that hears these languages may hear next."""
        ...

    def speaking_changed(self) -> None:
        """The speaker began or stopped."""
        ...

    def recognition_changed(self, speaker: str, reason: str) -> None:
        """Recognition for a speaker broke, or with an empty reason works again."""
        ...
