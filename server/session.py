"""One speaker, from microphone to captions. Start reading here.

    push -> listen -> transcribe -> tell (telling.py, one per language read) -> publish

Listening happens as soon as the detector has looked at a window. Every later stage is a task that
reads one mailbox, asks one model, and writes the next. Data only moves right; nothing waits on the
left. A mailbox keeps the newest value of each segment, so a slow model means fewer partials and
never a growing lag; finals are never dropped.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection
from functools import partial

from msgspec.structs import replace

from models.base import EngineError
from streaming.agreement import Agreement, several
from streaming.captions import Line
from streaming.framer import Framer
from streaming.recording import Recording
from streaming.segmenter import Segmenter, SegmenterConfig
from streaming.units import SENTENCE_ENDS, ends_clause, pieces
from streaming.values import SAMPLE_RATE, AudioFrame, Hypothesis, SpeechSegment, Transcript

from .arrivals import Arrivals
from .ear import Ear, Heard, Known, Pause, Skip
from .engines import Engines
from .mailbox import Mailbox
from .recognition import Recognition
from .scene import Scene
from .stamp import Stamp
from .telling import Telling
from .translation import By

LATE_S = 0.6  # without audio for so long, what was being said is taken as said
KEPT_S = 30.0  # of sound, for a recognizer that is away: what is older would come too late


class Session:
    """Feed it with `push`, `skip` and `pause`; `end` it; `run` serves until all is published."""

    def __init__(
        self, speaker: str, hears: Collection[str], engines: Engines, scene: Scene, voice: str = ""
    ) -> None:
        """`voice` names the speaker among all rooms of the server; by default `speaker` does."""
        self.speaker, self.hears = speaker, tuple(hears)
        self.room = voice.partition("/")[0]  # its epoch, for engines that keep a room together
        self.engines, self.scene, self.clock = engines, scene, engines.clock
        self.framer, self.recording, self.arrivals = Framer(), Recording(), Arrivals()
        recognizer = engines.recognizers.of(self.hears)
        assert recognizer is not None, "a microphone that nobody can hear is refused"
        self.recognizer = recognizer
        self.segmenter = Segmenter(SegmenterConfig(hop_ms=recognizer.hop_ms))
        self.ear = Ear(engines.detection, self._listened)
        self.recognition = Recognition(
            recognizer,
            voice or speaker,
            self.hears,
            self.recording,
            self._recognition_changed,
            hints=partial(scene.hints, self.hears),
        )
        self.segments = Mailbox[tuple[SpeechSegment, Stamp]]()
        self.tellings: dict[str, Telling] = {}  # by the language told
        self.starts: dict[int, int] = {}  # `at` of the open segments
        self.languages: dict[int, str] = {}  # of the open segments, once heard
        self.clause_complete = False
        self.late = True  # no audio for LATE_S, or none yet
        self.hurried = False
        self.stages: asyncio.TaskGroup | None = None

    @property
    def position(self) -> int:
        """The position of the next sample."""
        return self.framer.position

    @property
    def ended(self) -> bool:
        """No more audio is taken."""
        return self.ear.closed

    @property
    def speaking(self) -> bool:
        """A segment is open."""
        return self.segmenter.announced

    def push(self, pcm: bytes) -> None:
        """Take the next samples."""
        if not pcm:
            return
        self.late = False
        self.recording.push(AudioFrame(self.position, pcm))
        windows = self.framer.push(pcm)
        self.arrivals.push(self.position, self.clock.now())
        self.ear.hear(windows)

    def skip(self, to: int) -> None:
        """Time up to position `to` was not sent."""
        self.ear.hear(self.framer.skip(to))
        self.ear.push(Skip(to))

    def pause(self) -> None:
        """Muted, or late: what was being said is taken as said."""
        self.late = True
        self.ear.push(Pause())

    def tick(self) -> None:
        """Notice that audio is late. Called a few times a second."""
        if not self.late and self.clock.now() - self.arrivals.last > LATE_S:
            self.pause()

    def end(self) -> None:
        """No more audio: `run` returns when its last final is published."""
        if not self.ear.closed:
            self.skip(self.position)
            self.ear.close()

    def hurry(self) -> None:
        """No more audio, and no waiting for a recognizer that is away: what it has said will do."""
        self.hurried = True
        self.end()

    async def run(self) -> None:
        """Serve until the audio ends; a stage that fails ends the others."""
        try:
            async with asyncio.TaskGroup() as self.stages:
                self.stages.create_task(self.listen())
                self.stages.create_task(self.transcribe())
                self.translate_into(self.scene.targets())
        finally:
            self.stages = None
            await self.recognition.close()

    def translate_into(self, targets: Collection[str]) -> None:
        """Translate into these languages from now on, and into no others."""
        for target in set(self.tellings) - set(targets):
            self.tellings.pop(target).close()
        if self.stages is None or self.segments.closed:
            return
        for target in set(targets) - set(self.tellings):
            telling = self.tellings[target] = Telling(
                target, self.engines.translation, self.scene, self.clock, self._publish, self.room
            )
            self.stages.create_task(telling.run())

    async def listen(self) -> None:
        """Windows of sound become segments, as soon as they are known (`_listened`)."""
        await self.ear.done
        self.segments.close()

    async def transcribe(self) -> None:
        """Segments become transcripts."""
        agreements: defaultdict[int, Agreement] = defaultdict(
            lambda: Agreement(several(self.recognizer.hop_ms))
        )
        async for segment, stamp in self.segments:
            agreement = agreements[segment.id]
            started = self.clock.now()
            line, language = await self._recognize(segment, agreement, stamp)
            if segment.final:
                del agreements[segment.id]
            stamp = replace(stamp, recognize=self.clock.now() - started)
            self.clause_complete = self._clause_complete(line)
            said = Transcript(segment, language, line)
            said = self._without_echo(said, stamp)
            stamp = replace(stamp, plain=self._untranslated(language))
            self._publish(said.segment, language, said.line, stamp)
            for telling in self.tellings.values():
                telling.put(said, stamp)
        for telling in self.tellings.values():
            telling.close()

    def _listened(self, known: Known) -> None:
        spoke = self.speaking
        behind = self._behind(known[-1][0])
        for heard, likelihood in known:
            if found := self._segments(heard, likelihood, behind):
                for segment in found:
                    self.segments.put(segment.id, (segment, self._stamp(segment)))
        if spoke != self.speaking:
            self.scene.speaking_changed()

    def _behind(self, heard: Heard) -> int:
        """How many samples a speaker says in the time for which this has waited for the detector:
        real time, for that is what the server is short of."""
        if not isinstance(heard, AudioFrame):
            return 0
        waited = self.clock.now() - self.arrivals.at(heard.end)
        return int(self.clock.real(waited) * SAMPLE_RATE)

    def _segments(self, heard: Heard, likelihood: float, behind: int) -> list[SpeechSegment]:
        if isinstance(heard, AudioFrame):
            return self.segmenter.push(
                heard.start, heard.end, likelihood, self.clause_complete, behind
            )
        return self.segmenter.skip(heard.to) if isinstance(heard, Skip) else self.segmenter.pause()

    def _stamp(self, segment: SpeechSegment) -> Stamp:
        arrived = self.arrivals.at(segment.end)
        if segment.id not in self.starts:
            self.starts[segment.id] = self.scene.at(self.arrivals.at(segment.start))
        at = self.starts.pop(segment.id) if segment.final else self.starts[segment.id]
        return Stamp(arrived, at, detect=self.clock.now() - arrived)

    async def _recognize(
        self, segment: SpeechSegment, agreement: Agreement, stamp: Stamp
    ) -> tuple[Hypothesis, str]:
        """The segment's newest hypothesis and its language. If it is not to be had, the last."""
        language = self.languages.get(segment.id, self.hears[0])
        try:
            kept = partial(self._kept, segment, stamp)
            heard = await self.recognition.hear(segment, agreement.committed, kept)
        except EngineError:
            text = agreement.newest
        else:
            text = heard.text
            if text:  # whose words these are is decided once a segment, with the first of them
                language = self.languages.setdefault(segment.id, heard.language)
        if not segment.final:
            return agreement.push(text, segment.quiet), language
        self.languages.pop(segment.id, None)
        return Hypothesis.whole(pieces(text)), language

    def _kept(self, segment: SpeechSegment, stamp: Stamp) -> bool:
        """The segment is over, and will still be of use when it is heard in a while."""
        seconds = (segment.end - segment.start) / SAMPLE_RATE
        of_use = self.clock.now() - stamp.arrived < KEPT_S - seconds
        return segment.final and of_use and not self.hurried

    def _clause_complete(self, line: Hypothesis) -> bool:
        return self.recognizer.punctuates and ends_clause(line.text, SENTENCE_ENDS)

    def _without_echo(self, said: Transcript, stamp: Stamp) -> Transcript:
        """The transcript, withdrawn if another microphone heard the same voice better."""
        segment = said.segment
        sound = partial(self.recording.read, segment.onset, segment.offset)
        if not self.scene.echoes(self.speaker, said, stamp.at, sound):
            return said
        return replace(said, line=Hypothesis((), final=True))

    def _untranslated(self, language: str) -> frozenset[str]:
        """The languages that cannot be had now."""
        works = self.engines.translation.works
        return frozenset(target for target in self.tellings if not works(language, target))

    def _publish(
        self,
        segment: SpeechSegment,
        language: str,
        line: Hypothesis,
        stamp: Stamp,
        translated: By | None = None,
    ) -> None:
        by = translated or By(self.recognizer.name)
        now = self.clock.now()
        late = segment.final and now - stamp.arrived > self.engines.late_s
        self.scene.publish(
            Line(
                speaker=self.speaker,
                segment=segment,
                language=language,
                kind="translation" if translated else "transcript",
                hypothesis=line,
                at=stamp.at,
                engine=by.engine,
                latency=stamp.latency(now),
                degraded=by.degraded or ("late" if late else None),
            )
        )

    def _recognition_changed(self, reason: str) -> None:
        self.scene.recognition_changed(self.speaker, reason)
