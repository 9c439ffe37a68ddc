"""Cut one microphone's sound into stretches of speech.

    silent    -- 2 of 3 windows are speech ------------------>  speaking
    speaking  -- a pause, or a long stretch's quietest place --> silent    (segment is final)

The detector says how likely each window is to be speech; this machine decides where segments
begin and end. It knows positions only: the audio stays in the speaker's recording, so no value here
grows with the speech. A segment is heard of only once it has enough voice to be one, so that a
click never becomes a line; it begins after the audio of the segment before, so that no sample is
heard twice.

A cut in a long stretch cannot go back to the quietest place of the last seconds, because
recognizers have already heard what came after it. The bar for a cut rises instead, from silence at
`long_ms` to anything at `longest_ms`: the first window quiet enough for its age ends the segment.

Whoever hears more than it has time for falls behind, and further behind with everything it says of
it. An open segment is then reported less often, the less the further behind, so that what there is
time for is said in time. Neither its first words nor its end wait for that.
"""

from collections import deque
from dataclasses import dataclass

from .values import SpeechSegment, samples

STRETCH = 16  # times as far as one is behind is the way to the next report: 320 ms while 20 behind


@dataclass(frozen=True, slots=True)
class SegmenterConfig:
    """When speech begins and ends. Likelihoods as silero gives them, times in ms."""

    speech: float = 0.5  # a window at least this likely is speech
    silence: float = 0.35  # below this it is silence; between, keep the state
    lead_ms: int = 300  # audio kept from before the speech was noticed: first sounds are soft
    shortest_ms: int = 160  # less voice than this is a click or a cough, and never a segment
    soft_ms: int = 224  # a pause worth finishing the words in
    hard_ms: int = 512  # a pause that ends a segment whose clause is complete
    patient_ms: int = 800  # a pause that ends any segment
    long_ms: int = 10_000  # from here on, look for a place to cut
    longest_ms: int = 15_000  # cut here whatever is heard
    hop_ms: int = 320  # how often an open segment is reported
    least_ms: int = 250  # never sooner after the last report: at most 4 updates a second
    rarest_ms: int = 2_000  # how often it is reported even by one who is far behind


class Segmenter:
    """One per microphone. `push` every window in order; each returned value replaces the earlier
    ones of its segment."""

    def __init__(self, config: SegmenterConfig = SegmenterConfig()) -> None:
        self.config = config
        # In samples, for they are compared with at every window.
        self.shortest, self.soft = samples(config.shortest_ms), samples(config.soft_ms)
        self.hard, self.patient = samples(config.hard_ms), samples(config.patient_ms)
        self.long, self.longest = samples(config.long_ms), samples(config.longest_ms)
        self.hop, self.least = samples(config.hop_ms), samples(config.least_ms)
        self.rarest = samples(config.rarest_ms)
        self.next_id = 0
        self.free = 0  # first position that belongs to no segment yet
        self.recent: deque[bool] = deque(maxlen=3)
        self.speaking = False
        self._begin(0, 0)

    def push(
        self,
        start: int,
        end: int,
        probability: float,
        clause_complete: bool = False,
        behind: int = 0,
    ) -> list[SpeechSegment]:
        """Take the window [start, end); `clause_complete`: its words may end here; `behind`: the
        speaker has come so many samples further."""
        if not self.speaking:
            self.recent.append(probability >= self.config.speech)
            if sum(self.recent) < 2:
                return []
            lead = start - samples(self.config.lead_ms)
            self._begin(max(self.free, lead), start)
        self._hear(start, end, probability)
        if self._over(probability, clause_complete):
            return self._finish()
        return self._report(behind)

    def pause(self) -> list[SpeechSegment]:
        """No sound for now: muted, late, or gone. Ends the open segment."""
        self.recent.clear()
        return self._finish() if self.speaking else []

    def skip(self, to: int) -> list[SpeechSegment]:
        """The time up to position `to` was not sent: nothing before it belongs to what follows."""
        ended = self.pause()
        self.free = max(self.free, to)
        return ended

    @property
    def announced(self) -> bool:
        """An open segment has been reported."""
        return self.speaking and self.reported > 0

    def _begin(self, start: int, onset: int) -> None:
        self.start, self.onset = start, onset
        self.offset = self.end = onset
        self.voiced = 0  # samples that were speech
        self.still = 0  # samples since the last that were
        self.reported = 0  # position of the last report, 0 before the first
        self.finished_words = False  # the pause now open has been reported
        self.speaking = onset > 0 or bool(self.recent)

    def _hear(self, start: int, end: int, probability: float) -> None:
        self.end = end
        if probability >= self.config.speech:
            self.voiced += end - start
        if probability < self.config.silence:
            self.still += end - start
        else:
            self.still, self.offset, self.finished_words = 0, end, False

    def _over(self, probability: float, clause_complete: bool) -> bool:
        age = self.end - self.start - self.long
        if age < 0:
            return self.still >= (self.hard if clause_complete else self.patient)
        rise = age / (self.longest - self.long)
        silence = self.config.silence
        return probability < silence + (1 - silence) * rise or rise >= 1

    def _report(self, behind: int) -> list[SpeechSegment]:
        since = self.end - (self.reported or self.start)
        soft = self.still >= self.soft and not self.finished_words
        if since < (self.least if soft else self._hop(behind)) or self.voiced < self.shortest:
            return []
        self.reported = self.end
        self.finished_words = self.finished_words or soft
        return [self._value(quiet=self.finished_words)]

    def _hop(self, behind: int) -> int:
        """How much more of the segment must have been heard than at its last report."""
        return max(self.hop, min(STRETCH * behind, self.rarest)) if self.reported else self.hop

    def _finish(self) -> list[SpeechSegment]:
        self.speaking = False
        self.recent.clear()
        if self.voiced < self.shortest:
            return []
        done = self._value(final=True)
        self.free = self.end
        self.next_id += 1
        return [done]

    def _value(self, quiet: bool = False, final: bool = False) -> SpeechSegment:
        return SpeechSegment(
            self.next_id, self.start, self.onset, self.offset, self.end, quiet, final
        )
