"""What the readers of one room are told of engines that do not work, or work less well."""

from collections.abc import Collection, Iterable

from streaming.audience import foreign
from streaming.languages import base
from streaming.messages import Level, State

from .member import Member
from .people import People
from .translation import WELL, Pair, Translation


class Troubles:
    """One per room; moments are `at`, milliseconds since it opened."""

    def __init__(self, people: People, translation: Translation) -> None:
        self.people, self.translation = people, translation
        self.since: dict[Pair, int] = {}  # directions that are not well

    def recognition(self, level: Level, reason: str, at: int) -> None:
        """Recognition broke, or works again: everybody is told."""
        self.people.tell(State("recognition", level, reason or None, since=at))

    def direction(self, pair: Pair, level: Level, reason: str, at: int) -> None:
        """A pair of languages broke, is done by a lesser engine, or works again: who reads by it is
        told."""
        self.since.pop(pair, None)
        if level != "ok":
            self.since[pair] = at
        heard = self.people.heard()
        for member in self.people.here.values():
            for target in member.hello.reads:
                sources = {one for one in heard if base(one) != base(target)}
                if any(self.translation.pair(source, target) == pair for source in sources):
                    member.tell(_state(pair[0], target, level, reason, at))

    def warn(self, reader: Member, hears: Iterable[str], reads: Collection[str]) -> None:
        """Say to a reader which translations it asked for cannot be had."""
        for source in hears:
            for target in foreign(reads, source):
                direction = self.translation.direction(source, target)
                if direction is None:
                    reason = "no engine of this server translates that"
                    reader.tell(_state(source, target, "down", reason))
                elif direction.state != WELL:
                    since = self.since.get(direction.pair, 0)  # before this room was opened
                    reader.tell(_state(source, target, *direction.state, since))


def _state(source: str, target: str, level: Level, reason: str, since: int | None = None) -> State:
    """How well `source` is translated for those who read `target`."""
    how = " works again" if level == "ok" else f": {reason}"
    return State("translation", level, f"{source} to {target}{how}", language=target, since=since)
