"""What is said, told in one other language: questions for a translator, and what comes of them."""

from collections.abc import Callable

from msgspec.structs import replace

from models.base import EngineError, Request
from streaming.languages import base
from streaming.retranslation import Ask, Retranslation
from streaming.units import pieces
from streaming.values import Hypothesis, SpeechSegment, Transcript

from .clock import Clock
from .mailbox import Mailbox
from .owed import Owed
from .scene import Around
from .stamp import Stamp
from .translation import By, Translation, Unusable

Tell = Callable[[SpeechSegment, str, Hypothesis, Stamp, By], None]
"""Publish a segment's line in a language."""


async def told(
    machine: Retranslation,
    said: Transcript,
    translation: Translation,
    around: Around,
    room: str = "",
) -> tuple[Hypothesis, By]:
    """The line as it is with a transcript, and whose work it is; the machine knows what to ask for.

    Unusable, EngineError: not all of it can be had. What could is not asked for again.
    """
    asks = machine.push(said)
    line, by = machine.line(), whose(machine, translation)
    for ask in asks:
        answer = ask.text.strip()
        if any(char.isalnum() for char in answer):  # marks alone are the same in any language
            answer, by = await translation.translate(_request(machine, ask, around, room))
        line = machine.take(ask, answer)
    return replace(line, quiet=said.segment.quiet), by


async def told_at_once(
    segment: SpeechSegment,
    source: str,
    text: str,
    target: str,
    translation: Translation,
    around: Around,
) -> tuple[Hypothesis, By]:
    """A final that nobody has heard grow. Unusable, EngineError: not all of it can be had."""
    machine = Retranslation(source, target, forces_prefix=False)
    said = Transcript(segment, source, Hypothesis.whole(pieces(text)))
    return await told(machine, said, translation, around)


def whose(machine: Retranslation, translation: Translation) -> By:
    """Whose work the machine's line would be now."""
    direction = translation.direction(machine.source, machine.target)
    return direction.by if direction is not None else By("none")


def _request(machine: Retranslation, ask: Ask, around: Around, room: str) -> Request:
    source, target = machine.source, machine.target
    return Request(
        source=source,
        target=target,
        text=ask.text.strip(),
        prefix=ask.prefix,
        hypothesis=ask.hypothesis,
        context=(*around.context(source, target), *machine.closed),
        glossary=around.glossary(ask.text, source, target),
        final=ask.closes or ask.final,
        room=room,
        columns=around.columns(target),
    )


class Telling:
    """One speaker in one other language: `put` transcripts, and `run`. As in all stages, a newer
    one takes the place of an older that waits; a final that cannot be had is owed."""

    def __init__(
        self,
        target: str,
        translation: Translation,
        around: Around,
        clock: Clock,
        tell: Tell,
        room: str = "",
    ) -> None:
        self.target, self.translation, self.around = target, translation, around
        self.clock, self.tell, self.room = clock, tell, room
        self.mailbox = Mailbox[tuple[Transcript, Stamp]]()
        self.machines: dict[int, Retranslation] = {}

    def put(self, said: Transcript, stamp: Stamp) -> None:
        """The newest of a segment."""
        self.mailbox.put(said.segment.id, (said, stamp))

    def close(self) -> None:
        """No more: `run` tells what is waiting, and returns."""
        self.mailbox.close()

    async def run(self) -> None:
        """Tell everything until it is closed."""
        async with Owed(self.clock, self._tell, self._give_up) as owed:
            async for said, stamp in self.mailbox:
                machine = self._machine(said)
                if machine is None:
                    continue
                if not await self._tell(machine, said, stamp) and said.final:
                    owed.put(machine, said, stamp)
                if said.final:
                    del self.machines[said.segment.id]

    def _machine(self, said: Transcript) -> Retranslation | None:
        """The one of a segment; None for what is in the target language, or cannot be."""
        if base(said.language) == base(self.target):
            return None
        direction = self.translation.direction(said.language, self.target)
        if direction is None:
            return None
        if (machine := self.machines.get(said.segment.id)) is None:
            machine = Retranslation(said.language, self.target, direction.forces_prefix)
            self.machines[said.segment.id] = machine
        return machine

    async def _tell(self, machine: Retranslation, said: Transcript, stamp: Stamp) -> bool:
        """Translate what is new in a transcript and publish it; False if that cannot be had."""
        started = self.clock.now()
        try:
            line, by = await told(machine, said, self.translation, self.around, self.room)
        except Unusable:
            if said.final:
                self._leave_untranslated(machine, said, stamp)
            return said.final
        except EngineError:
            return False
        stamp = replace(stamp, translate=self.clock.now() - started)
        self.tell(said.segment, self.target, line, stamp, by)
        return True

    def _leave_untranslated(self, machine: Retranslation, said: Transcript, stamp: Stamp) -> None:
        """The translator cannot say this line: its readers get the words themselves."""
        by = replace(whose(machine, self.translation), degraded="untranslated")
        self.tell(said.segment, self.target, said.line, stamp, by)

    async def _give_up(self, machine: Retranslation, said: Transcript, stamp: Stamp) -> None:
        """A translation that is owed came too late to be of use: its readers get the words. If they
        have them already, what was begun is withdrawn."""
        if self.target not in stamp.plain:
            self._leave_untranslated(machine, said, stamp)
            return
        by = whose(machine, self.translation)
        self.tell(said.segment, self.target, Hypothesis((), final=True), stamp, by)
