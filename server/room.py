"""One conversation: who is in it, what was said, and who reads it in which language.

Every speaker is recognized once and translated once per language that somebody reads; every reader
gets the lines of the languages he reads, cut as he asked.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any

import numpy as np

from models.base import Hints
from streaming.audience import wants
from streaming.captions import Captions, Line, Posted
from streaming.echo import Echo, dbfs
from streaming.echo import Line as Sound
from streaming.glossary import Glossary
from streaming.messages import (
    Caption,
    Error,
    Hello,
    Level,
    Recording,
    Resume,
    Stability,
    Welcome,
)
from streaming.transcript import Said, conversation
from streaming.values import Pair, Transcript, milliseconds

from .carrying import Conversation
from .engines import Engines
from .hints import hints
from .history import History
from .journal import Journal, Kept
from .member import Member
from .metrics import Metrics
from .people import People
from .session import Session
from .tokens import Pass
from .troubles import Troubles

log = logging.getLogger(__name__)

LEVEL_STEP = 8  # a line's loudness is that of every eighth sample, to a fraction of a decibel


class Room:
    """Holds its members, their sessions and all captions, for as long as it lives."""

    def __init__(
        self,
        name: str,
        engines: Engines,
        metrics: Metrics,
        glossary: Glossary,
        journal: Journal | None = None,
    ) -> None:
        self.name, self.engines, self.metrics = name, engines, metrics
        self.clock, self.terms = engines.clock, glossary
        self.epoch = secrets.token_hex(8)
        self.opened = self.left = self.clock.now()
        self.captions, self.echo = Captions(), Echo()
        self.people = People(engines.recognizers.languages)
        self.sessions: dict[str, Session] = {}
        self.history = History(self.captions, engines.translation)
        self.troubles = Troubles(self.people, engines.translation)
        self.roster_changed = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.crashed = 0  # up to which `seq` the journal may lack something
        self.journal = journal
        self.wall = time.time

    def restore(self, kept: Kept) -> None:
        """Go on with what the journal has of this room."""
        self.epoch = kept.epoch
        self.opened = self.clock.now() - kept.age_s
        self.captions.restore(kept.finals, kept.seq)
        self.crashed = kept.crashed
        self.people.restore(kept.names)
        self.history.repeated = {f"p{n}": seq for n, seq in kept.repeated.items()}

    @property
    def members(self) -> dict[str, Member]:
        """Those who are here."""
        return self.people.here

    # Who is here

    def join(self, hello: Hello, token: Pass | None = None) -> Member:
        """Let a participant in, or back in: it is welcomed, shown what was said, and heard.

        Refused: it wants to be somebody else.
        """
        resume = hello.resume if self._ours(hello.resume) else None
        before = None if resume is None else self.people.before(resume, hello, token)
        if before is None or resume is None:
            member = self.people.new(hello)
        else:
            member = before.again(hello, resume.seq)
        member.carry(token)
        missed, gap = self._missed(member, before, resume)
        member.tell(self._welcome(member, hello, missed, gap))
        self.people.add(member)
        if member.hears and member.session is None:
            self._listen(member)
        member.tell(self.people.roster())
        if self.journal is not None:
            member.tell(Recording(self.journal.works))
        member.replay(missed)
        self._remember(member)
        self.roster_changed = True
        self._reads_changed(member, hello.reads)
        return member

    def greet(self, member: Member, hello: Hello) -> None:
        """A participant changes what it said before."""
        new = set(hello.reads) - set(member.hello.reads)
        changed = member.greet(hello, self.captions.seq)
        self.people.add(member)
        if changed:
            member.replay(self.history.repeat(member, self.captions.seq))
            self._reads_changed(member, new)
        self._remember(member)
        self.roster_changed = True

    def leave(self, member: Member, dropped: bool) -> None:
        """A connection is gone; a participant that `dropped` out may come back, and is waited for.

        Nothing happens if the participant is here by another connection.
        """
        if self.people.remove(member, dropped, self.clock.now()):
            self.left = self.clock.now()
            self.roster_changed = True
            self._retarget()

    def tick(self) -> None:
        """Notice what has become late. Called a few times a second."""
        for session in self.sessions.values():
            session.tick()
        for member in self.members.values():
            if member.pass_ is not None:
                member.tick(self.wall())
        if self.journal is not None:
            self.journal.reached(self.epoch, self.captions.seq)
        absences = self.people.absences
        if absences.gone and absences.tick(self.clock.now()):
            self._retarget()

    def tell_roster(self) -> None:
        """Send the roster if it changed. Called at most twice a second."""
        if self.roster_changed:
            self.roster_changed = False
            self.people.tell(self.people.roster())

    @property
    def empty_s(self) -> float:
        """For how long nobody has been here."""
        if self.members or self.sessions:
            return 0.0
        return self.clock.now() - self.left

    def describe(self) -> dict[str, object]:
        """What somebody who is not inside may know of the room."""
        return {
            "name": self.name,
            "epoch": self.epoch,
            "participants": len(self.members),
            "speakers": len(self.sessions),
            "languages": sorted(self.people.heard()),
            "since_ms": self.at(self.clock.now()),
        }

    def asked(self) -> Conversation:
        """What is asked of models here."""
        return Conversation([one.hears for one in self.sessions.values()], self.targets())

    def conversation(self) -> list[Said]:
        """What was said so far, for an export."""
        return conversation(self.captions.finals.values(), self.people.names)

    async def close(self) -> None:
        """End every session and wait for the last finals."""
        for session in self.sessions.values():
            session.hurry()
        while self.tasks:
            await asyncio.wait(self.tasks)

    def recording_lost(self) -> None:
        """The conversation is no longer kept."""
        self.people.tell(Recording(False))

    # What a session asks and says (scene.Scene)

    def targets(self) -> Collection[str]:
        """The languages that are read now."""
        return self.people.targets()

    def at(self, moment: float) -> int:
        """A moment of the clock as milliseconds since the room opened."""
        return max(0, round(1000 * (moment - self.opened)))

    def publish(self, line: Line) -> None:
        """Show the newest state of a line to those who read it."""
        posted = self.captions.push(line)
        if not posted:
            return
        now = self.clock.now() - self.opened
        self.metrics.saw(line, self.epoch, self.captions.shown(line), now)
        final = self.captions.finals.get(line.key)
        if self.journal is not None and final is not None:
            self.journal.final(self.epoch, final)
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
        return self.people.columns(target)

    def hints(self, hears: Collection[str]) -> Hints:
        """What a microphone that hears these languages may hear next."""
        return hints(self.terms, reversed(self.captions.said), hears)

    def speaking_changed(self) -> None:
        """Somebody began or stopped."""
        self.roster_changed = True

    def recognition_changed(self, speaker: str, reason: str) -> None:
        """Recognition broke, or works again."""
        level: Level = "down" if reason else "ok"
        self.metrics.changes.labels("recognition", level).inc()
        self.troubles.recognition(level, reason, self.at(self.clock.now()))

    def translation_changed(self, pair: tuple[str, str], level: Level, reason: str) -> None:
        """A pair of languages broke, is done by a lesser engine, or works again."""
        self.troubles.direction(pair, level, reason, self.at(self.clock.now()))

    # How it does that

    def _ours(self, resume: Resume | None) -> bool:
        """It names captions of this room."""
        return resume is not None and resume.epoch == self.epoch and resume.seq <= self.captions.seq

    def _missed(
        self, member: Member, before: Member | None, resume: Resume | None
    ) -> tuple[list[Caption], bool]:
        """What a member who comes is shown of what was said, and whether something is lost."""
        if resume is None:
            return self.history.first(member), False
        missed, gap = self.history.since(member, resume.participant, resume.seq)
        if before is not None and before.reader != member.reader:
            missed += self.history.repeat(member, resume.seq)
        return missed, gap or resume.seq < self.crashed

    def _welcome(
        self, member: Member, hello: Hello, missed: Sequence[Caption], gap: bool
    ) -> Welcome:
        resume = hello.resume
        seen = missed[0].seq - 1 if missed else self.captions.seq
        if resume is not None and self._ours(resume):
            seen = resume.seq
        return Welcome(
            room=self.name,
            epoch=self.epoch,
            participant=member.id,
            key=member.key,
            replay_from=seen,
            replay_to=self.captions.seq,
            gap=gap or (resume is not None and not self._ours(resume)),
            audio_at=self._audio_at(member, resume),
            pairs=self.engines.translation.pairs,
        )

    def _remember(self, member: Member) -> None:
        if self.journal is not None:
            repeated = self.history.repeated.get(member.id, 0)
            self.journal.joined(self.epoch, int(member.id[1:]), member.hello.name, repeated)

    def _audio_at(self, member: Member, resume: Resume | None) -> int | None:
        """The position to send from; a speaker whom we do not know any more has to say it."""
        if not member.hears:
            return None
        if member.session is not None:
            return member.session.position
        return None if resume is not None else 0

    def _listen(self, member: Member) -> None:
        voice = f"{self.epoch}/{member.id}"
        session = Session(member.id, member.hears, self.engines, self, voice)
        member.session = self.sessions[member.id] = session
        self._start(self._run(member.id, session))
        for reader in self.members.values():
            self.troubles.warn(reader, member.hears, reader.hello.reads)

    async def _run(self, speaker: str, session: Session) -> None:
        failed = None
        try:
            await session.run()
        except Exception:
            log.exception("session of %s in room %s failed", speaker, self.epoch)
            failed = Error.of(4500, "this microphone's captions failed: join again")
        finally:
            del self.sessions[speaker]
            self.metrics.skipped += session.segments.skipped
            self.roster_changed = True
            self._heard_out(speaker, failed)

    def _heard_out(self, speaker: str, failed: Error | None) -> None:
        """A session has ended; who speaks by it is told, or forgotten if it failed meanwhile."""
        member = self.members.get(speaker)
        if failed is not None:
            self.people.absences.gone.pop(speaker, None)
        if member is not None and failed is not None:
            member.session = None
            member.expel(failed)
        elif member is not None:
            member.wake.set()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _reads_changed(self, member: Member, new: Collection[str]) -> None:
        self._retarget()
        for speaker in self.members.values():
            if speaker is not member:
                self.troubles.warn(member, speaker.hears, new)
        for language in new:
            if self.history.catches_up(language):
                self._start(self.history.catch_up(language, self))

    def _retarget(self) -> None:
        targets = self.targets()
        self.history.translated(targets)
        for session in self.sessions.values():
            session.translate_into(targets)

    def _show(self, posted: dict[Stability, Posted]) -> None:
        works = self.engines.translation.works
        for reader, members in self.people.audience.items():
            update = posted.get(reader.stability)
            if update is None:
                continue
            caption = wants(reader, update.traced if reader.trace else update.plain, works)
            if caption is not None:
                for member in members.values():
                    member.send(caption)
