"""What one room's readers missed: shown to who comes, comes back, or begins to read a language."""

from collections import deque
from collections.abc import Collection

from msgspec.structs import replace

from models.base import EngineError
from streaming import replay
from streaming.audience import wants
from streaming.captions import Captions, Line
from streaming.messages import Caption
from streaming.values import SpeechSegment

from .member import REPEATED, Member
from .scene import Scene
from .telling import told_at_once
from .translation import Translation, Unusable


class History:
    """One per room."""

    def __init__(self, captions: Captions, translation: Translation) -> None:
        self.captions, self.translation = captions, translation
        self.begun: dict[str, int] = {}  # from which `seq` on a language has been a target
        self.repeated: dict[str, int] = {}  # the `seq` of the last caption that was one member's

    def translated(self, targets: Collection[str]) -> None:
        """These languages are translated into from now on, and no others."""
        kept = {code: seq for code, seq in self.begun.items() if code in targets}
        self.begun = dict.fromkeys(targets, self.captions.seq) | kept

    def first(self, member: Member) -> list[Caption]:
        """For who has just come."""
        return replay.late(self.captions, member.reader, self.translation.works, self.begun)

    def since(self, member: Member, participant: str, seq: int) -> tuple[list[Caption], bool]:
        """For who was `participant` and saw all up to `seq`; and whether something is lost.

        Call it before the languages this member reads become targets.
        """
        reader, translation = member.reader, self.translation
        found = replay.since(self.captions, reader, seq, translation.works, self.begun)
        known = {caption.key for caption in found}
        own = [
            one
            for one in member.repeated
            if one.seq > seq and one.key not in known and self._owed(member, one)
        ]
        lost = self.repeated.get(participant, 0) > seq and not (
            member.id == participant and member.remembers(seq)
        )
        member.repeated = deque(own, REPEATED)  # the rest comes as it comes to everybody
        missed = sorted([*own, *found], key=lambda caption: caption.seq)
        return missed, lost or replay.untold(
            self.captions,
            reader,
            seq,
            lambda source, target: translation.direction(source, target) is not None,
            self.begun,
        )

    def repeat(self, member: Member, until: int) -> list[Caption]:
        """For who reads something else from now on: what he has not seen of it, as news.

        What came after `until` he gets anyhow.
        """
        works = self.translation.works
        late = replay.late(self.captions, member.reader, works, self.begun, member.was)
        found = [self.captions.again(caption) for caption in late if caption.seq <= until]
        if found:
            member.repeated.extend(found)
            self.repeated[member.id] = self.captions.seq
        return found

    def catches_up(self, language: str) -> bool:
        """Some of the last finals have no line in this language and could have one."""
        return any(self._works(said, language) for said in self.captions.untold(language))

    async def catch_up(self, language: str, scene: Scene) -> None:
        """Translate the last finals into a language that nobody read when they were said."""
        for said in self.captions.untold(language):
            if not self._works(said, language):
                continue
            start, end = said.start, said.end
            segment = SpeechSegment(said.segment, start, start, end, said.heard, final=True)
            spoken = segment, said.language, said.text
            try:
                found, by = await told_at_once(*spoken, language, self.translation, scene)
            except Unusable:
                continue
            except EngineError:
                return
            line = Line(said.speaker, segment, language, "translation", found, said.at, by.engine)
            scene.publish(replace(line, degraded=by.degraded, replay=True))

    def _works(self, said: Caption, language: str) -> bool:
        return self.translation.works(said.language, language)

    def _owed(self, member: Member, caption: Caption) -> bool:
        """A caption that was repeated for this member is still news to it."""
        if not caption.final and caption.key not in self.captions.open:
            return False
        return wants(member.reader, caption, self.translation.works) is not None
