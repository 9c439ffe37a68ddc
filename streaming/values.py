"""The values that flow through the server, in the order they are made.

    AudioFrame -> SpeechSegment -> Transcript -> Caption

Each is immutable and complete: a later one about the same thing replaces an earlier one, so any
stage may skip stale values and lose nothing. A *position* is a sample count at 16 kHz since the
speaker's first audio, time not sent included; nothing here reads a clock. `Caption` is what leaves
on the wire and lives in `messages.py`.
"""

from collections.abc import Iterable

from msgspec import Struct

SAMPLE_RATE = 16_000
WINDOW = 512  # samples the speech detector looks at: 32 ms
BYTES_PER_SAMPLE = 2


def samples(ms: float) -> int:
    """How many samples last `ms` milliseconds."""
    return int(ms * SAMPLE_RATE / 1000)


def milliseconds(samples: int) -> float:
    """How long `samples` samples last."""
    return samples * 1000 / SAMPLE_RATE


class AudioFrame(Struct, frozen=True, gc=False):  # 31 a second and microphone: quick to make
    """Sound of one microphone from position `start`: mono, 16 kHz, little-endian int16."""

    start: int
    pcm: bytes

    @property
    def end(self) -> int:
        """The position just after its last sample."""
        return self.start + len(self.pcm) // BYTES_PER_SAMPLE


class SpeechSegment(Struct, frozen=True, gc=False):
    """One stretch of speech so far, as positions; its audio stays in the speaker's recording."""

    id: int
    """Never used twice by one speaker in an epoch."""
    start: int
    """Where its audio begins: a little before the speech, so that no first sound is cut."""
    onset: int
    """Where the speech was noticed."""
    offset: int
    """The end of the last window that was speech."""
    end: int
    """Its newest sample: the audio of [start, end) belongs to this segment and to no other."""
    quiet: bool = False
    """The speaker has paused: worth finishing the words now, though the segment stays open."""
    final: bool = False


class Hypothesis(Struct, frozen=True, gc=False):
    """A line so far, as units that join to its text, from the surest to the least sure."""

    units: tuple[str, ...]
    stable: int = 0
    """`units[:stable]` is promised: while the line is open it only ever grows."""
    agreed: int = 0
    """`units[:agreed]` was in several answers in a row."""
    quiet: bool = False
    """The speaker has paused: the last units are less likely to change."""
    final: bool = False

    @classmethod
    def whole(cls, units: Iterable[str]) -> "Hypothesis":
        """A line that will not change any more."""
        found = tuple(units)
        return cls(found, len(found), len(found), final=True)

    @property
    def text(self) -> str:
        return "".join(self.units)

    @property
    def promised(self) -> str:
        return "".join(self.units[: self.stable])


class Transcript(Struct, frozen=True, gc=False):
    """What a segment says, in the language it was spoken in."""

    segment: SpeechSegment
    language: str
    line: Hypothesis

    @property
    def final(self) -> bool:
        """Nothing more will be said of this segment."""
        return self.line.final


class Text(Struct, frozen=True, gc=False):
    """What a reader sees of a line: `draft` may still change."""

    stable: str = ""
    draft: str = ""

    def __str__(self) -> str:
        return self.stable + self.draft


class Pair(Struct, frozen=True, gc=False):
    """A closed line and its translation: context for the lines after it."""

    source: str
    target: str
    text: str
    translation: str
