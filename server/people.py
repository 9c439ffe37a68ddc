"""Who is in one room, who dropped out of it, and what they read."""

from collections.abc import Collection, Iterable

from msgspec import UNSET

from streaming.audience import Reader
from streaming.languages import within
from streaming.messages import Error, Hello, Message, Resume, Roster

from .absences import Absences, claimed
from .member import Member
from .refused import Refused
from .tokens import Pass
from .turns import Turns

LISTED = 20  # of those without a microphone are on the roster


class People:
    """One per room; `known` are the languages that can be heard."""

    def __init__(self, known: Collection[str]) -> None:
        self.known = known
        self.here: dict[str, Member] = {}
        # The same, by what they read: a caption is cut once for each, however many they are.
        self.audience: dict[Reader, dict[str, Member]] = {}
        self._columns: dict[str, int] = {}  # until somebody comes, goes or changes
        self.absences, self.turns = Absences(), Turns()
        self.names: dict[str, str] = {}  # of everybody who was ever here
        self.joined = 0
        self.removed: set[str] = set()  # whose tokens are good no more

    def restore(self, names: dict[int, str]) -> None:
        """These were here before, by the number of each."""
        self.names = {f"p{number}": name for number, name in names.items()}
        self.joined = max(names, default=0)

    def before(self, resume: Resume, hello: Hello, token: Pass | None) -> Member | None:
        """Who this was, if that is still known; a connection he may still have is closed.

        Refused: he wants to be somebody else.
        """
        absence = self.absences.gone.get(resume.participant)
        here = self.here.get(resume.participant)
        known = claimed(resume, here or (absence.member if absence else None))
        if known is not None and hello.hears and known.hears != self._heard(hello):
            raise Refused(4400, "resume: `hears` is not what it was: join without `resume`")
        if known is not None and token is not None and _sub(known) != token.sub:
            raise Refused(4403, "resume: that participant is somebody else's")
        if known is not None and known is here:
            here.expel(Error.of(4409, "this participant is here by a newer connection"))
        return known

    def knows(self, resume: Resume) -> bool:
        """Somebody of this name is here, or may come back; whether it is he is not said."""
        return resume.participant in self.here or resume.participant in self.absences.gone

    def new(self, hello: Hello) -> Member:
        """Somebody who was never here."""
        self.joined += 1
        member = Member(f"p{self.joined}", hello, self.turns)
        member.hears = self._heard(hello)
        if hello.resume is not None:
            member.was = self.absences.had_read(hello.resume)
        return member

    def add(self, member: Member) -> None:
        """This one is here now, or here again; of those with one token only the newest is."""
        for other in list(self.here.values()):
            if _sub(other) and _sub(other) == _sub(member) and other.id != member.id:
                other.expel(Error.of(4409, "whoever has this token is here by a newer connection"))
        self._seat(member)
        self.names[member.id] = member.hello.name
        self.absences.returned(member)

    def remove(self, member: Member, dropped: bool, now: float) -> bool:
        """A connection is gone; False if that changes nothing, for there is a newer one."""
        if self.here.get(member.id) is not member:
            return False
        del self.here[member.id]
        self._unseat(member.id)
        if dropped:
            self.absences.add(member, now)
        else:
            self.absences.forget(member)
            member.hang_up()
        return True

    def targets(self) -> set[str]:
        """The languages that are read now, or were by those who may come back."""
        read = {language for member in self.here.values() for language in member.hello.reads}
        return read | self.absences.languages()

    def readers(self, language: str) -> list[Member]:
        """Those who read this language."""
        return [member for member in self.here.values() if language in member.hello.reads]

    def heard(self) -> set[str]:
        """The languages of all microphones."""
        return {code for member in self.here.values() for code in member.hears}

    def columns(self, target: str) -> int:
        """Of the widest display that a language is read on; 0 if not all of them are known."""
        if target not in self._columns:
            displays = [member.hello.display for member in self.readers(target)]
            known = [display.columns for display in displays if display is not None]
            all_known = len(known) == len(displays)
            self._columns[target] = max(known, default=0) if all_known else 0
        return self._columns[target]

    def roster(self) -> Roster:
        """Everybody who is here; of a great audience only the first, for all of it is told to all
        of it whenever somebody begins to speak."""
        listed: list[Member] = []
        audience = 0
        for member in self.here.values():
            audience += not member.hears
            if member.hears or audience <= LISTED:
                listed.append(member)
        return Roster([one.profile for one in listed], len(self.here) - len(listed))

    def tell(self, message: Message, members: Iterable[Member] | None = None) -> None:
        """Tell these members, or all."""
        for member in self.here.values() if members is None else members:
            member.tell(message)

    def remove_for_good(self, participant: str) -> bool:
        """Close this one's connection and let nobody with his token in again; False: not here."""
        member, absence = self.here.get(participant), self.absences.gone.pop(participant, None)
        member = member or (absence.member if absence is not None else None)
        if member is None:
            return False
        if member.pass_ is not None:
            self.removed.add(member.pass_.sub)
        member.expel(Error.of(4403, "you were removed from this room"))
        member.hang_up()
        return True

    def _seat(self, member: Member) -> None:
        """Among those who read the same."""
        self._unseat(member.id)
        self.here[member.id] = member
        self.audience.setdefault(member.reader, {})[member.id] = member
        self.turns.crowded = len(self.here) > self.turns.at_once

    def _unseat(self, id: str) -> None:
        self._columns.clear()
        for reader, members in self.audience.items():
            if members.pop(id, None) is not None:
                if not members:
                    del self.audience[reader]
                break
        self.turns.crowded = len(self.here) > self.turns.at_once

    def _heard(self, hello: Hello) -> list[str]:
        """The engine's own names of what a microphone hears: "en" and not "en-US"."""
        hears = [] if hello.hears is UNSET else hello.hears
        return list(dict.fromkeys(within(code, self.known) or code for code in hears))


def _sub(member: Member) -> str:
    """Whose token a member has, "" if it has none."""
    return member.pass_.sub if member.pass_ is not None else ""
