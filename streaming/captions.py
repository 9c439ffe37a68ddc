"""All lines of one room: each update gets its `seq`, finals are kept, open lines remembered.

A line is one speech segment in one language. While it is open its promised text only grows; its one
final replaces it, withdraws it if empty, and closes it: after that nothing comes.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from .audience import Reader, wants
from .dial import DIALS, Dial, mask
from .languages import base
from .messages import Caption, Degraded, Kind, Latency, Stability
from .values import Hypothesis, Pair, SpeechSegment, Text

Key = tuple[str, int, str, str]
RECENT = 20  # finals that a late joiner gets
CONTEXT = 6  # closed pairs that a translator sees, at most
BLOCK = 3  # lines that leave it together, so that what servers remember of it lasts for as many


@dataclass(frozen=True, slots=True)
class Line:
    """The newest state of one line, before it is cut for each reader."""

    speaker: str
    segment: SpeechSegment
    language: str
    kind: Kind
    hypothesis: Hypothesis
    at: int
    """Milliseconds from the room's opening to the segment's start."""
    engine: str
    latency: Latency | None = None
    degraded: Degraded | None = None
    replay: bool = False

    @property
    def key(self) -> Key:
        return self.speaker, self.segment.id, self.language, self.kind


@dataclass(frozen=True, slots=True)
class Posted:
    """One update as it is sent: `plain` with latency only where everybody gets it."""

    plain: Caption
    traced: Caption


@dataclass(slots=True)
class Open:
    """A line before its final."""

    dials: dict[Stability, Dial]
    posted: dict[Stability, Posted] = field(default_factory=dict)


class Captions:
    """One per room. `push` every line; send what comes back to the readers of each setting."""

    def __init__(self) -> None:
        self.seq = 0
        self.open: dict[Key, Open] = {}
        self.finals: dict[Key, Caption] = {}  # in the order they came
        self.closed: set[Key] = set()
        self.said: deque[Caption] = deque(maxlen=RECENT)  # the last final transcripts
        self.spoken = 0  # how many there were

    def push(self, line: Line) -> dict[Stability, Posted]:
        """Take a line; return what each setting of the dial shows of it now, if that is new."""
        if line.key in self.closed:
            return {}
        hidden = mask(line.language, line.kind)
        held = self.open.setdefault(line.key, Open({d: Dial(d, hidden) for d in DIALS}))
        if line.hypothesis.final:
            return self._end(line, held)
        cuts = {setting: dial.push(line.hypothesis) for setting, dial in held.dials.items()}
        fresh = {setting: text for setting, text in cuts.items() if text is not None}
        if not fresh:
            return {}
        self.seq += 1
        posted = {
            setting: self._posted(line, text, first=setting not in held.posted)
            for setting, text in fresh.items()
        }
        held.posted |= posted
        return posted

    def late(self, reader: Reader, works: Callable[[str, str], bool]) -> list[Caption]:
        """What a reader who comes now is shown of what was said before: the finals of the last
        segments and the open lines, as the newest news."""
        lines = [*self._recent()]
        for held in self.open.values():
            if reader.stability in held.posted:
                lines.append(held.posted[reader.stability].plain)
        wanted = [wants(reader, line, works) for line in lines]
        return [self._again(line) for line in wanted if line is not None]

    def _again(self, caption: Caption) -> Caption:
        self.seq += 1
        return msgspec.structs.replace(caption, seq=self.seq, replay=True)

    def context(self, source: str, target: str) -> tuple[Pair, ...]:
        """The last closed lines in these two languages, either way, oldest first."""
        first = self.spoken - len(self.said)
        ours = {base(source): target, base(target): source}
        found = []
        for number, said in enumerate(self.said, first):
            other = ours.get(base(said.language), "")
            told = self.finals.get((said.speaker, said.segment, other, "translation"))
            if told is not None and told.text and told.degraded != "untranslated":
                found.append((number, Pair(said.language, other, said.text, told.text)))
        begin = -(-first // BLOCK) * BLOCK
        while sum(number >= begin for number, _ in found) > CONTEXT:
            begin += BLOCK
        return tuple(pair for number, pair in found if number >= begin)

    def untold(self, language: str) -> Iterator[Caption]:
        """The last final transcripts that have no line in `language`."""
        for said in list(self.said):
            key = said.speaker, said.segment, language, "translation"
            if base(said.language) != base(language) and key not in self.closed:
                yield said

    def _recent(self) -> Iterator[Caption]:
        """Every final line of the last segments that ended, oldest first."""
        wanted = {(said.speaker, said.segment) for said in self.said}
        for caption in list(self.finals.values())[-RECENT * 8 :]:
            if (caption.speaker, caption.segment) in wanted and caption.text:
                yield caption

    def _end(self, line: Line, held: Open) -> dict[Stability, Posted]:
        del self.open[line.key]
        self.closed.add(line.key)
        text = line.hypothesis.text
        shown = {setting for setting in DIALS if setting in held.posted}
        if not text and not shown:
            return {}
        self.seq += 1
        posted = self._posted(line, Text(text), first=True)
        self.finals[line.key] = posted.plain
        if text and line.kind == "transcript":
            self.said.append(posted.plain)
            self.spoken += 1
        return dict.fromkeys(DIALS if text else shown, posted)

    def _posted(self, line: Line, text: Text, first: bool) -> Posted:
        segment = line.segment
        traced = Caption(
            seq=self.seq,
            speaker=line.speaker,
            segment=segment.id,
            language=line.language,
            kind=line.kind,
            stable=text.stable,
            draft=text.draft,
            final=line.hypothesis.final,
            start=segment.onset,
            end=segment.offset,
            heard=segment.end,
            at=line.at,
            engine=line.engine,
            latency=line.latency,
            degraded=line.degraded,
            replay=line.replay,
        )
        return Posted(traced if first else msgspec.structs.replace(traced, latency=None), traced)
