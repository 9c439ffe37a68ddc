"""Those who dropped out of a room and may come back as who they were."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from streaming.messages import Resume

from .member import Member
from .refused import Refused

SPEAKER_S = 30.0  # a microphone's line is kept so long for its audio to go on
READER_S = 60.0  # a reader is known so long, and his languages stay translated


@dataclass(frozen=True, slots=True)
class Absence:
    """Who dropped out, and when."""

    member: Member
    since: float


class Absences:
    """One per room."""

    def __init__(self) -> None:
        self.gone: dict[str, Absence] = {}

    def __iter__(self) -> Iterator[Absence]:
        return iter(self.gone.values())

    def add(self, member: Member, now: float) -> None:
        """This one's connection broke."""
        self.gone[member.id] = Absence(member, now)

    def returned(self, member: Member) -> None:
        """This one is back, or will not be taken back."""
        self.gone.pop(member.id, None)

    def tick(self, now: float) -> bool:
        """End what was waited for in vain; whether some language has one reader less."""
        for absence in list(self):
            if absence.member.hears and now - absence.since > SPEAKER_S:
                absence.member.hang_up()
            if now - absence.since > READER_S:
                del self.gone[absence.member.id]
                return True
        return False

    def languages(self) -> set[str]:
        """What they read."""
        return {language for absence in self for language in absence.member.hello.reads}


def claimed(resume: Resume, member: Member | None) -> Member | None:
    """The member that somebody says to have been. Refused: the key is another."""
    if member is None:
        return None
    if not hmac.compare_digest(resume.key.encode(), member.key.encode()):
        raise Refused(4403, "resume: that is not the key of this participant")
    return member if member.session is not None or not member.hears else None
