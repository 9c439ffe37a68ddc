"""One conversation: who is in it, what was said, and who reads it in which language.

Every speaker is recognized once and translated once per language that somebody reads; every reader
gets the lines of the languages he reads, cut as he asked.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from models.base import EngineError, Hints, Request
from streaming.audience import foreign
from streaming.captions import Captions, Line, Posted
from streaming.echo import Echo, dbfs
from streaming.echo import Line as Sound
from streaming.glossary import Glossary
from streaming.languages import within
from streaming.messages import Caption, Error, Hello, Level, Roster, Stability, State, Welcome
from streaming.transcript import Said, conversation
from streaming.units import units
from streaming.values import Hypothesis, Pair, SpeechSegment, Transcript, milliseconds

from .engines import Engines
from .hints import hints
from .member import Member, unavailable
from .metrics import Metrics
from .session import Session
from .translation import Unusable

log = logging.getLogger(__name__)

LEVEL_STEP = 8  # a line's loudness is that of every eighth sample, to a fraction of a decibel
LINGER_S = 60.0  # a language stays translated after its last reader dropped, who may come back


class Room:
    """Holds its members, their sessions and all captions, for as long as it lives."""

    def __init__(self, name: str, engines: Engines, metrics: Metrics, glossary: Glossary) -> None:
        self.name, self.engines, self.metrics = name, engines, metrics
        self.clock, self.terms = engines.clock, glossary
        self.epoch = secrets.token_hex(8)
        self.opened = self.left = self.clock.now()
        self.captions, self.echo = Captions(), Echo()
        self.members: dict[str, Member] = {}
        self.names: dict[str, str] = {}  # of everybody who was ever here
        self.sessions: dict[str, Session] = {}
        self.lingering: dict[str, float] = {}  # languages without a reader, until when
        self.roster_changed = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.joined = 0

    # Who is here

    def join(self, hello: Hello) -> Member:
        """Let a participant in: it is welcomed, shown what was said, and heard."""
        self.joined += 1
        member = Member(f"p{self.joined}", hello)
        known = self.engines.recognizer.languages
        # The engine's own names from here on: what hears "en" is not asked about "en-US".
        member.hears = list(dict.fromkeys(within(code, known) or code for code in member.hears))
        before = self.captions.seq
        late = self._late(member, hello.reads)
        member.tell(
            Welcome(
                room=self.name,
                epoch=self.epoch,
                participant=member.id,
                key=member.key,
                replay_from=before,
                replay_to=self.captions.seq,
                gap=False,
                audio_at=0 if member.hears else None,
                pairs=[(*pair, self._tongue) for pair in self.engines.translation.pairs],
            )
        )
        self.members[member.id] = member
        self.names[member.id] = hello.name
        if member.hears:
            self._listen(member)
        member.tell(self._roster())
        for caption in late:
            member.send(caption)
        self.roster_changed = True
        self._reads_changed(member, hello.reads)
        return member

    def greet(self, member: Member, hello: Hello) -> None:
        """A participant changes what it said before."""
        before = set(member.hello.reads)
        dropped = before - set(hello.reads)
        member.greet(hello)
        self.names[member.id] = hello.name
        new = [language for language in hello.reads if language not in before]
        for caption in self._late(member, new):
            member.send(caption)
        for language in dropped:
            self.lingering.pop(language, None)
        self.roster_changed = True
        self._reads_changed(member, new)

    def leave(self, member: Member, dropped: bool) -> None:
        """A participant is gone; `dropped` ones may come back, and find their language waiting."""
        del self.members[member.id]
        if member.session is not None:
            member.session.end()
        for language in member.hello.reads:
            if dropped:
                self.lingering[language] = self.clock.now() + LINGER_S
        self.left = self.clock.now()
        self.roster_changed = True
        self._retarget()

    def tick(self) -> None:
        """Notice what has become late. Called a few times a second."""
        for session in self.sessions.values():
            session.tick()
        gone = [code for code, until in self.lingering.items() if until < self.clock.now()]
        for language in gone:
            del self.lingering[language]
        if gone:
            self._retarget()

    def tell_roster(self) -> None:
        """Send the roster if it changed. Called at most twice a second."""
        if self.roster_changed:
            self.roster_changed = False
            self._tell(self.members.values(), self._roster())

    @property
    def empty_s(self) -> float:
        """For how long nobody has been here."""
        if self.members or self.sessions:
            return 0.0
        return self.clock.now() - self.left

    def describe(self) -> dict[str, object]:
        """What somebody who is not inside may know of the room."""
        members = self.members.values()
        return {
            "name": self.name,
            "epoch": self.epoch,
            "participants": len(members),
            "speakers": len(self.sessions),
            "languages": sorted({code for member in members for code in member.hears}),
            "since_ms": self.at(self.clock.now()),
        }

    def conversation(self) -> list[Said]:
        """What was said so far, for an export."""
        return conversation(self.captions.finals.values(), self.names)

    async def close(self) -> None:
        """End every session and wait for the last finals."""
        for session in self.sessions.values():
            session.end()
        while self.tasks:
            await asyncio.wait(self.tasks)

    # What a session asks and says (scene.Scene)

    def targets(self) -> Collection[str]:
        """The languages that are read now."""
        read = {language for member in self.members.values() for language in member.hello.reads}
        return read | set(self.lingering)

    def at(self, moment: float) -> int:
        """A moment of the clock as milliseconds since the room opened."""
        return max(0, round(1000 * (moment - self.opened)))

    def publish(self, line: Line) -> None:
        """Show the newest state of a line to those who read it."""
        posted = self.captions.push(line)
        if not posted:
            return
        self.metrics.saw(line)
        self._show(posted)

    def echoes(self, speaker: str, said: Transcript, at: int, sound: Callable[[], bytes]) -> bool:
        """Another microphone heard the same voice better."""
        if len(self.sessions) < 2 and not len(self.echo):
            return False
        segment = said.segment
        heard = np.frombuffer(sound(), np.int16)[::LEVEL_STEP].astype(np.float32)
        level = dbfs(float(np.square(heard).mean()) if len(heard) else 0.0)
        duration = round(milliseconds(segment.offset - segment.start))
        text = said.line.text
        line = Sound(speaker, segment.id, at, duration, text, level, said.final)
        original = self.echo.push(line)
        if original is not None:
            log.info("room %s: %s is an echo of %s", self.epoch, speaker, original.speaker)
        return original is not None

    def context(self, source: str, target: str) -> tuple[Pair, ...]:
        """The last closed lines in these two languages."""
        return self.captions.context(source, target)

    def glossary(self, text: str, source: str, target: str) -> tuple[tuple[str, str], ...]:
        """The terms that occur in `text`."""
        return self.terms.entries_for(text, source, target)

    def columns(self, target: str) -> int:
        """Of the widest display that a language is read on; 0 if not all of them are known."""
        hellos = (member.hello for member in self.members.values())
        displays = [hello.display for hello in hellos if target in hello.reads]
        known = [display.columns for display in displays if display is not None]
        return max(known, default=0) if len(known) == len(displays) else 0

    def hints(self, hears: Collection[str]) -> Hints:
        """What a microphone that hears these languages may hear next."""
        return hints(self.terms, reversed(self.captions.said), hears)

    def speaking_changed(self) -> None:
        """Somebody began or stopped."""
        self.roster_changed = True

    def recognition_changed(self, speaker: str, reason: str) -> None:
        """Recognition broke, or works again."""
        level: Level = "down" if reason else "ok"
        since = self.at(self.clock.now())
        self._tell(self.members.values(), State("recognition", level, reason or None, since=since))

    def translation_changed(self, source: str, target: str, reason: str) -> None:
        """A pair of languages broke, or works again."""
        state = (
            unavailable(source, target, reason)
            if reason
            else State("translation", "ok", f"{source} to {target} works again", language=target)
        )
        if any(source in member.hears for member in self.members.values()):
            readers = [m for m in self.members.values() if target in m.hello.reads]
            self._tell(readers, state)

    # How it does that

    def _listen(self, member: Member) -> None:
        voice = f"{self.epoch}/{member.id}"
        session = Session(member.id, member.hears, self.engines, self, voice)
        member.session = self.sessions[member.id] = session
        self._start(self._run(member, session))
        for reader in self.members.values():
            self._warn(reader, member.hears, reader.hello.reads)

    async def _run(self, member: Member, session: Session) -> None:
        try:
            await session.run()
        except Exception:
            log.exception("session of %s in room %s failed", member.id, self.epoch)
            member.expel(Error.of(4500, "this microphone's captions failed: join again"))
        finally:
            del self.sessions[member.id]
            self.roster_changed = True
            member.wake.set()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _reads_changed(self, member: Member, new: Collection[str]) -> None:
        self._retarget()
        for speaker in self.members.values():
            if speaker is not member:
                self._warn(member, speaker.hears, new)
        for language in new:
            if next(self._untold(language), None) is not None:
                self._start(self._catch_up(language))

    def _retarget(self) -> None:
        for session in self.sessions.values():
            session.translate_into(self.targets())

    def _warn(self, reader: Member, hears: Iterable[str], reads: Collection[str]) -> None:
        """Say to a reader which translations it asked for cannot be had."""
        for source in hears:
            for target in foreign(reads, source):
                if self.engines.translation.pair(source, target) is None:
                    reason = "no engine of this server translates that"
                    reader.tell(unavailable(source, target, reason))

    def _late(self, member: Member, languages: Collection[str]) -> list[Caption]:
        """What was said before, for a reader who comes late to these languages."""
        reader = replace(member.reader, reads=tuple(languages))
        return self.captions.late(reader, self.engines.translation.works)

    def _untold(self, language: str) -> Iterator[Caption]:
        return (
            said
            for said in self.captions.untold(language)
            if self.engines.translation.works(said.language, language)
        )

    async def _catch_up(self, language: str) -> None:
        """Translate the last finals into a language that nobody read when they were said."""
        for said in self._untold(language):
            request = Request(
                said.language,
                language,
                said.text,
                context=self.context(said.language, language),
                glossary=self.glossary(said.text, said.language, language),
                final=True,
                columns=self.columns(language),
            )
            try:
                told = units(await self.engines.translation.translate(request))
            except Unusable:
                continue
            except EngineError:
                return
            found = Hypothesis(tuple(told), len(told), len(told), final=True)
            start, end = said.start, said.end
            segment = SpeechSegment(said.segment, start, start, end, said.heard, final=True)
            line = Line(
                said.speaker, segment, language, "translation", found, said.at, self._tongue
            )
            self.publish(replace(line, replay=True))

    def _show(self, posted: dict[Stability, Posted]) -> None:
        works = self.engines.translation.works
        for member in self.members.values():
            update = posted.get(member.stability)
            if update is not None:
                member.show(update, works)

    def _roster(self) -> Roster:
        return Roster([member.profile for member in self.members.values()])

    @property
    def _tongue(self) -> str:
        return self.engines.translation.name

    def _tell(self, members: Iterable[Member], message: Roster | State) -> None:
        for member in members:
            member.tell(message)
