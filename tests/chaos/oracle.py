"""Who was owed which final, and who has read it: nothing lost, nothing twice, nothing out of order.

The truth is the server's journal: a final is written there before anybody is shown it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from streaming.messages import Caption
from tests.chaos.notes import Came, Key, Read, read


@dataclass
class Seen:
    """What one connection after another of one person has brought."""

    name: str
    reads: tuple[str, ...]
    room: str
    stayed: bool = False
    """To the end."""
    epochs: list[str] = field(default_factory=list)
    until: int = 0
    """What was said up to this `seq` was said before he came: of it he is owed the newest only."""
    seq: int = 0
    finals: Counter[Key] = field(default_factory=Counter)
    texts: dict[Key, str] = field(default_factory=dict)
    untranslated: set[tuple[str, int]] = field(default_factory=set)
    """Lines that came in the speaker's own words."""
    disordered: int = 0
    gaps: int = 0

    @classmethod
    def of(
        cls, name: str, reads: Iterable[str], room: str, notes: Iterable[str], stayed: bool = False
    ) -> "Seen":
        """Read his notes."""
        found = cls(name, tuple(reads), room, stayed)
        for note in read(notes):
            if isinstance(note, Came):
                found._came(note)
            else:
                found._read(note)
        return found

    def _came(self, note: Came) -> None:
        if note.epoch not in self.epochs:
            self.epochs.append(note.epoch)
            self.until, self.seq = note.until, 0
        self.gaps += note.gap

    def _read(self, note: Read) -> None:
        self.disordered += note.seq <= self.seq
        self.seq = note.seq
        if note.key is not None:
            self.finals[note.key] += 1
            self.texts[note.key] = note.text
            if note.untranslated:
                self.untranslated.add(note.key[:2])


@dataclass(frozen=True, slots=True)
class Verdict:
    """Over all rooms and people."""

    found: Mapping[str, int]
    """By the names of `MEANINGS`."""
    missing: Sequence[str]
    """What was lost or came twice, for who has to find out why."""

    @property
    def good(self) -> bool:
        """Nothing was lost and nothing came twice."""
        return not any(self.found[name] for name in FAULTS)


MEANINGS = {
    "people": "people who read, those who were killed each time anew",
    "finals": "finals that the server kept",
    "owed": "finals owed to readers",
    "lost": "of those, lost",
    "duplicated": "finals that came twice",
    "disordered": "captions that came out of order",
    "invented": "finals read that were never kept, or with other words",
    "untold": "lines that readers of another language got in none",
    "epochs": "rooms that began anew",
    "gaps": "times that somebody was told of a gap",
}
FAULTS = ("lost", "duplicated", "disordered", "invented", "untold", "epochs")


def judged(rooms: Mapping[str, Mapping[str, Sequence[Caption]]], seen: Iterable[Seen]) -> Verdict:
    """`rooms`: by name, then by epoch, the finals that were kept."""
    found, missing = Counter(dict.fromkeys(MEANINGS, 0)), list[str]()
    kept = [one for epochs in rooms.values() for finals in epochs.values() for one in finals]
    found["finals"] = sum(bool(one.text) for one in kept)
    for person in seen:
        epochs = rooms.get(person.room, {})
        finals = {one.key: one for one in epochs.get((person.epochs or [""])[-1], ())}
        owed = [one for one in finals.values() if _owed(one, person)]
        wrong = {
            "lost": [one.key for one in owed if not person.finals[one.key]],
            "duplicated": [key for key, count in person.finals.items() if count > 1],
            "invented": [key for key in person.finals if not _true(key, person, finals)],
            "untold": [one.key for one in finals.values() if _untold(one, person, finals)],
        }
        found.update({what: len(keys) for what, keys in wrong.items()})
        found.update(
            people=1,
            owed=len(owed),
            disordered=person.disordered,
            epochs=max(0, len(person.epochs) - 1),
            gaps=person.gaps,
        )
        where = f"{person.name} in {person.room}"
        missing += [f"{what}: {key} of {where}" for what, keys in wrong.items() for key in keys]
    return Verdict(found, missing)


def _owed(final: Caption, person: Seen) -> bool:
    """Said after he came and before he left, in a language he reads."""
    came = person.until < final.seq <= person.seq
    return came and bool(final.text) and final.language in person.reads


def _true(key: Key, person: Seen, finals: Mapping[Key, Caption]) -> bool:
    return key in finals and finals[key].text == person.texts[key]


def _untold(final: Caption, person: Seen, finals: Mapping[Key, Caption]) -> bool:
    """Words that he could only read translated, and got neither so nor as they were said."""
    if not person.stayed or final.kind != "transcript" or not final.text:
        return False
    line = final.speaker, final.segment
    if final.language in person.reads or final.seq <= person.until or line in person.untranslated:
        return False
    told = [finals.get((*line, language, "translation")) for language in person.reads]
    return not any(one is not None and one.text for one in told)
