"""Whatever happens in a room, every reader sees every final once and in order, or is told of a gap.

A machine plays a conversation at random: people speak, revise and finish lines; readers drop out,
come back twice, read slowly, change languages; tokens end, renewed or not; frames arrive twice or
late; the server ends, in order or not, and begins anew, with a journal or without.
The oracle is the list of finals that the room published. Room, captions and outboxes are the real
ones; there is no model, no socket and no clock but the one moved by hand.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.journal import Journal
from server.member import Member
from server.room import Room
from server.tokens import Pass
from streaming.captions import Line
from streaming.messages import (
    Caption,
    Hello,
    Kind,
    Message,
    Resume,
    Stability,
    TokenExpiring,
    Welcome,
)
from streaming.units import units
from streaming.values import Hypothesis, SpeechSegment
from tests.server.stage import Stage, settle

LANGUAGES = ("en", "es", "fr")
HEARD = "en"
DAY_S = 86_400.0
LASTS_S = (90, 600, 3_600)  # a token
Key = tuple[str, str, int, str, str]  # the epoch before that of a caption


@dataclass
class Reader:
    """A client as docs/protocol.md has it: what it knows, and what it has been shown."""

    member: Member
    reads: list[str]
    stability: Stability
    token: Pass
    welcome: Welcome | None = None
    seq: int = 0
    shown: dict[Key, Caption] = field(default_factory=dict)
    finals: list[Key] = field(default_factory=list)
    since: dict[str, int] = field(default_factory=dict)  # from which `seq` a language is owed
    gaps: int = 0
    warnings: int = 0  # that the token ends, in this connection
    strange: bool = False  # the server began anew, and knows not in which languages he has read

    def take(self, message: Message) -> None:
        if isinstance(message, TokenExpiring):
            self.warnings += 1
        elif isinstance(message, Welcome):
            new = self.welcome is None or self.welcome.epoch != message.epoch
            assert not new or message.gap == (self.welcome is not None)
            self.welcome = message
            self.gaps += message.gap
            self.seq = message.replay_from if new else self.seq
        elif isinstance(message, Caption):
            assert self.welcome is not None
            assert message.seq > self.seq, "seq grows"
            self.seq = message.seq
            key = (self.welcome.epoch, *message.key)
            before = self.shown.get(key)
            if self.strange and message.replay and before is not None and before.final:
                return  # he reads another language since, and its last finals are news to him
            assert before is None or not before.final, "after its final nothing comes"
            self.shown[key] = message
            if message.final:
                self.finals.append(key)


class Conversation(RuleBasedStateMachine):
    """One room and those who read it."""

    kept = False  # by a journal

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(prefix="surtitle-")
        self.journal: Journal | None = None
        self.loop = asyncio.new_event_loop()
        self.wall = 1_800_000_000.0  # the time of day, by which tokens end
        self.people = 0
        self.stage: Stage = self.run(self.staged())
        self.readers: list[Reader] = []
        self.away: list[Reader] = []
        self.open: dict[int, int] = {}  # segment -> revision
        self.segments = 0
        self.run(self.joined("en", "live", max(LASTS_S)))

    def teardown(self) -> None:
        try:
            for reader in list(self.away):
                self.run(self.returned(reader))
            for reader in self.readers:
                self.read(reader, 10**6)
            self.every_final_came()
        finally:
            if self.journal is not None:
                self.journal.close()
            self.folder.cleanup()
            self.loop.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    async def staged(self) -> Stage:
        stage = Stage()
        if self.kept:
            stage.house.rooms.clear()
            self.journal = Journal(Path(self.folder.name), DAY_S, lambda: self.wall)
            stage.house.keep(self.journal)
            stage.room = stage.house.room("kitchen")
        stage.room.wall = lambda: self.wall
        return stage

    @property
    def room(self) -> Room:
        return self.stage.room

    # What happens

    @rule(again=st.booleans())
    def say(self, again: bool) -> None:
        """A whole line, or two."""
        for _ in range(1 + again):
            self.speak()
            self.end_one(self.segments - 1)

    @rule()
    def speak(self) -> None:
        self.open[self.segments] = 0
        self.segments += 1
        self.revise_one(self.segments - 1)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def revise(self, data: st.DataObject) -> None:
        self.revise_one(data.draw(st.sampled_from(sorted(self.open))))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), withdrawn=st.booleans())
    def finalise(self, data: st.DataObject, withdrawn: bool) -> None:
        self.end_one(data.draw(st.sampled_from(sorted(self.open))), withdrawn)

    @rule(
        reads=st.lists(st.sampled_from(LANGUAGES), min_size=1, max_size=2, unique=True),
        stability=st.sampled_from(["live", "steady", "final"]),
        lasts=st.sampled_from(LASTS_S),
    )
    def join(self, reads: list[str], stability: Stability, lasts: int) -> None:
        if len(self.readers) + len(self.away) < 4:
            self.run(self.joined(" ".join(reads), stability, lasts))

    @precondition(lambda self: self.readers)
    @rule(data=st.data(), count=st.integers(1, 6))
    def read_some(self, data: st.DataObject, count: int) -> None:
        """A slow reader takes what it can."""
        self.read(data.draw(st.sampled_from(self.readers)), count)

    @precondition(lambda self: self.readers)
    @rule(data=st.data(), clean=st.booleans())
    def drop(self, data: st.DataObject, clean: bool) -> None:
        """A connection breaks; if not cleanly, the server has not noticed yet."""
        reader = data.draw(st.sampled_from(self.readers))
        self.readers.remove(reader)
        self.away.append(reader)
        if clean:
            self.room.leave(reader.member, dropped=True)

    @precondition(lambda self: self.readers)
    @rule(data=st.data(), lines=st.integers(0, 3), unread=st.integers(0, 3))
    def miss(self, data: st.DataObject, lines: int, unread: int) -> None:
        """A connection breaks in the middle of what it brought, and more is said meanwhile."""
        reader = data.draw(st.sampled_from(self.readers))
        self.read(reader, unread)
        self.readers.remove(reader)
        self.away.append(reader)
        self.room.leave(reader.member, dropped=True)
        for _ in range(lines):
            self.speak()
            self.end_one(self.segments - 1)

    @precondition(lambda self: self.away)
    @rule(data=st.data())
    def reconnect(self, data: st.DataObject) -> None:
        self.run(self.returned(data.draw(st.sampled_from(self.away))))

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def duplicate(self, data: st.DataObject) -> None:
        """The same participant connects again while it is connected."""
        reader = data.draw(st.sampled_from(self.readers))
        old = reader.member
        self.readers.remove(reader)
        self.away.append(reader)
        self.run(self.returned(reader))
        assert old.expelled is not None and old.expelled.code == 4409
        self.room.leave(old, dropped=True)
        assert self.room.members[reader.member.id] is reader.member

    @precondition(lambda self: self.finals)
    @rule(data=st.data(), final=st.booleans())
    def reorder(self, data: st.DataObject, final: bool) -> None:
        """An engine answers late: what it says of a line that has ended changes nothing."""
        _, segment, language, _ = data.draw(st.sampled_from(sorted(self.finals)))
        before = dict(self.finals)
        self.publish(segment, language, "too late", final)
        assert self.finals == before

    @precondition(lambda self: self.readers)
    @rule(
        data=st.data(),
        reads=st.lists(st.sampled_from(LANGUAGES), min_size=1, max_size=2, unique=True),
    )
    def change(self, data: st.DataObject, reads: list[str]) -> None:
        """Somebody reads other languages from now on."""
        reader = data.draw(st.sampled_from(self.readers))
        reader.reads = reads
        reader.since = {code: reader.since.get(code, self.last) for code in reads}
        self.run(self.greeted(reader))

    @precondition(lambda self: self.readers)
    @rule(
        data=st.data(),
        renewed=st.booleans(),
        lasts=st.sampled_from(LASTS_S),
        lines=st.integers(0, 2),
    )
    def expire(self, data: st.DataObject, renewed: bool, lasts: int, lines: int) -> None:
        """A token ends in the middle of a call. Whoever has another by then does not notice; the
        others have been told, have to leave, and may come back with a new one."""
        reader = data.draw(st.sampled_from(self.readers))
        member = reader.member
        self.run(self.waited(max(0.0, reader.token.expires - 30 - self.wall)))
        waiting = sum(isinstance(one, TokenExpiring) for one in member.news)
        assert reader.warnings + waiting == 1, "half a minute before its end"
        if renewed:
            self.run(self.renewed(reader, lasts))
        for _ in range(lines):
            self.speak()
            self.end_one(self.segments - 1)
        self.run(self.waited(30.5))
        if renewed:
            assert member.expelled is None and self.room.members[member.id] is member
        else:
            assert member.expelled is not None and member.expelled.code == 4401
            assert reader in self.away and member.id not in self.room.members

    @rule(seconds=st.sampled_from([1, 20, 20, 40, 70]))
    def wait(self, seconds: int) -> None:
        """Time passes: identities are forgotten, languages are no longer translated."""
        self.run(self.waited(seconds))

    @rule(dice=st.integers(1, 6), killed=st.booleans())
    def restart(self, dice: int, killed: bool) -> None:
        """The server begins anew. Rarely without a journal: it is the end of a story."""
        if dice < (4 if self.kept else 6):
            return
        if not killed:
            for segment in list(self.open):
                self.end_one(segment)
        self.away += self.readers
        self.readers = []
        self.open.clear()
        for reader in self.away:
            reader.strange = True
        if self.journal is not None:
            self.journal.close(finished=not killed)
        self.stage = self.run(self.staged())

    # How

    def revise_one(self, segment: int) -> None:
        self.open[segment] += 1
        words = f"sentence {segment} " + "more and " * self.open[segment]
        for language in LANGUAGES:
            if language == HEARD or language in self.room.targets():
                self.publish(segment, language, words)

    def end_one(self, segment: int, withdrawn: bool = False) -> None:
        del self.open[segment]
        text = "" if withdrawn else f"sentence {segment} is said to its end"
        for language in LANGUAGES:
            if language == HEARD or language in self.room.targets():
                self.publish(segment, language, text, final=True)

    def publish(self, segment: int, language: str, text: str, final: bool = False) -> None:
        kind: Kind = "transcript" if language == HEARD else "translation"
        found = tuple(units(text))
        known = len(found) if final else len(found) // 2
        line = Hypothesis(found, known, known, final=final)
        spoken = SpeechSegment(segment, 0, 0, 0, 0, final=final)
        self.room.publish(Line("speaker", spoken, language, kind, line, 0, "engine"))

    @property
    def finals(self) -> dict[tuple[str, int, str, str], Caption]:
        """All that the room has published."""
        return self.room.captions.finals

    @property
    def last(self) -> int:
        return self.room.captions.seq

    def token(self, sub: str, lasts: float) -> Pass:
        return Pass(sub, "kitchen", "listen", self.wall + lasts)

    async def joined(self, reads: str, stability: Stability, lasts: int) -> None:
        self.people += 1
        token = self.token(f"reader {self.people}", lasts)
        member = self.room.join(Hello("Reader", reads.split(), stability=stability), token)
        reader = Reader(member, reads.split(), stability, token)
        reader.since = dict.fromkeys(reader.reads, self.last)
        self.readers.append(reader)
        self.read(reader, 1)
        await settle()

    async def returned(self, reader: Reader) -> None:
        before, gaps = reader.welcome, reader.gaps
        assert before is not None
        resume = Resume(before.epoch, reader.seq, before.participant, before.key)
        hello = Hello("Reader", reader.reads, stability=reader.stability, resume=resume)
        if reader.token.expires - self.wall < 1:
            reader.token = self.token(reader.token.sub, LASTS_S[0])
        reader.member, reader.warnings = self.room.join(hello, reader.token), 0
        self.away.remove(reader)
        self.readers.append(reader)
        self.read(reader, 1)
        if reader.gaps > gaps:  # it was told: what is owed is owed from here on
            reader.since = dict.fromkeys(reader.reads, self.last)
        await settle()

    async def greeted(self, reader: Reader) -> None:
        self.room.greet(reader.member, Hello("Reader", reader.reads, stability=reader.stability))
        await settle()

    async def renewed(self, reader: Reader, lasts: int) -> None:
        self.read(reader, len(reader.member.news))  # whoever renews has read that it is time to
        reader.token, reader.warnings = self.token(reader.token.sub, lasts), 0
        reader.member.carry(reader.token)
        await self.greeted(reader)

    async def waited(self, seconds: float) -> None:
        self.stage.clock.advance(seconds)
        self.wall += seconds
        for _ in range(5):
            self.room.tick()
        for member in list(self.room.members.values()):
            if member.expelled is not None and member.expelled.code == 4401:
                self.room.leave(member, dropped=False)
        here = [one for one in self.readers if one.member.id in self.room.members]
        self.away += [one for one in self.readers if one not in here]
        self.readers = here
        await settle()

    def read(self, reader: Reader, count: int) -> None:
        member = reader.member
        for _ in range(count):
            message = member.news.popleft() if member.news else member.outbox.take()
            if message is None:
                return
            reader.take(message)

    # What holds

    @invariant()
    def no_final_comes_twice(self) -> None:
        for reader in [*self.readers, *self.away]:
            assert len(reader.finals) == len(set(reader.finals))

    def every_final_came(self) -> None:
        """At the end, when all are back and have read everything."""
        epoch = self.room.epoch
        for reader in self.readers:
            for language, seq in reader.since.items():
                for key, final in self.finals.items():
                    if final.seq <= seq or not final.text:
                        continue
                    if final.language == language:
                        assert (epoch, *key) in reader.finals, (key, seq)
                    elif final.language == HEARD:
                        told = (*key[:2], language, "translation")
                        assert told in self.finals, f"{told} is missing, and no gap was told"
            for line, begun in reader.shown.items():
                owed = line[0] == epoch and begun.seq > reader.since.get(begun.language, self.last)
                if owed and not begun.final and begun.segment not in self.open:
                    raise AssertionError(f"{line} has no end, and no gap was told")


class KeptConversation(Conversation):
    """One room of a server that keeps a journal, and those who read it."""

    kept = True


Conversation.TestCase.settings = settings(stateful_step_count=40)
KeptConversation.TestCase.settings = settings(  # the disk takes its time
    Conversation.TestCase.settings, max_examples=settings().max_examples // 2
)
TestNothingLost = Conversation.TestCase
TestNothingLostOfWhatIsKept = pytest.mark.slow(KeptConversation.TestCase)


def test_the_machine_notices_a_final_that_is_lost() -> None:
    machine = Conversation()
    machine.speak()
    machine.publish(0, "en", "said", final=True)
    machine.readers[0].member.outbox.waiting.clear()
    with pytest.raises(AssertionError):
        machine.teardown()
