"""Those who dropped out of a room and may come back as who they were."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from streaming.audience import Reader
from streaming.messages import Resume

from .member import Member
from .refused import Refused

SPEAKER_S = 30.0  # a microphone's line is kept so long for its audio to go on
READER_S = 60.0  # a reader is known so long, and his languages stay translated
PAST = 1_000  # who are not known any more: what they had read is


@dataclass(frozen=True, slots=True)
class Absence:
    """Who dropped out, and when."""

    member: Member
    since: float


@dataclass(frozen=True, slots=True)
class Past:
    """What somebody has read who will not be taken back: up to which `seq`, as which reader."""

    key: str
    reader: Reader
    was: dict[Reader, int]

    @classmethod
    def of(cls, member: Member) -> "Past":
        return cls(member.key, member.reader, member.was)


class Absences:
    """One per room."""

    def __init__(self) -> None:
        self.gone: dict[str, Absence] = {}
        self.past: dict[str, Past] = {}

    def __iter__(self) -> Iterator[Absence]:
        return iter(self.gone.values())

    def add(self, member: Member, now: float) -> None:
        """This one's connection broke."""
        self.gone[member.id] = Absence(member, now)

    def returned(self, member: Member) -> None:
        """This one is back, or will not be taken back."""
        self.gone.pop(member.id, None)

    def forget(self, member: Member) -> None:
        """This one is not known any more: if he comes again he is somebody new, who has read what
        he has read."""
        self.gone.pop(member.id, None)
        self.past[member.id] = Past.of(member)
        if len(self.past) > PAST:
            del self.past[next(iter(self.past))]

    def had_read(self, resume: Resume) -> dict[Reader, int]:
        """Up to which `seq` somebody new read before, as which reader; {} if it was not he."""
        absence = self.gone.get(resume.participant)  # of a microphone that was gone for too long
        past = Past.of(absence.member) if absence else self.past.get(resume.participant)
        if past is None or not _same(resume.key, past.key):
            return {}
        return past.was | {past.reader: resume.seq}

    def tick(self, now: float) -> bool:
        """End what was waited for in vain; whether some language has one reader less."""
        for absence in list(self):
            if absence.member.hears and now - absence.since > SPEAKER_S:
                absence.member.hang_up()
            if now - absence.since > READER_S:
                self.forget(absence.member)
                return True
        return False

    def languages(self) -> set[str]:
        """What they read."""
        return {language for absence in self for language in absence.member.hello.reads}


def claimed(resume: Resume, member: Member | None) -> Member | None:
    """The member that somebody says to have been. Refused: the key is another."""
    if member is None:
        return None
    if not _same(resume.key, member.key):
        raise Refused(4403, "resume: that is not the key of this participant")
    return member if member.session is not None or not member.hears else None


def _same(key: str, other: str) -> bool:
    return hmac.compare_digest(key.encode(), other.encode())
