"""All lines of one room: each update gets its `seq`, finals are kept, open lines remembered.

A line is one speech segment in one language. While it is open its promised text only grows; its one
final replaces it, withdraws it if empty, and closes it: after that nothing comes.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from .dial import DIALS, Dial, mask
from .languages import base
from .messages import Caption, Degraded, Kind, Latency, Stability
from .values import Hypothesis, Pair, SpeechSegment, Text

Key = tuple[str, int, str, str]
RECENT = 20  # finals that a late joiner gets
CONTEXT = 6  # closed pairs that a translator sees, at most
BLOCK = 3  # lines that leave it together, so that what servers remember of it lasts for as many


class Line(Struct, frozen=True, gc=False):
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


class Posted(Struct, gc=False):
    """One update as it is sent: `plain` with latency only where everybody gets it. Captions that
    nobody asks for are not made."""

    line: Line
    text: Text
    seq: int
    first: bool
    _plain: Caption | None = None
    _traced: Caption | None = None

    @property
    def traced(self) -> Caption:
        """As those get it who want the latency of every caption."""
        if self._traced is None:
            self._traced = self._caption(self.line.latency)
        return self._traced

    @property
    def plain(self) -> Caption:
        """As everybody else gets it."""
        if self._plain is None:
            self._plain = self.traced if self.first else self._caption(None)
        return self._plain

    def _caption(self, latency: Latency | None) -> Caption:
        line, segment = self.line, self.line.segment
        return Caption(
            seq=self.seq,
            speaker=line.speaker,
            segment=segment.id,
            language=line.language,
            kind=line.kind,
            stable=self.text.stable,
            draft=self.text.draft,
            final=line.hypothesis.final,
            start=segment.onset,
            end=segment.offset,
            heard=segment.end,
            at=line.at,
            engine=line.engine,
            latency=latency,
            degraded=line.degraded,
            replay=line.replay,
        )


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
        self._contexts: dict[tuple[str, str], tuple[Pair, ...]] = {}  # until something is closed

    def push(self, line: Line) -> dict[Stability, Posted]:
        """Take a line; return what each setting of the dial shows of it now, if that is new."""
        key = line.key
        if key in self.closed:
            return {}
        held = self.open.get(key)
        if held is None:
            hidden = mask(line.language, line.kind)
            held = self.open[key] = Open({d: Dial(d, hidden) for d in DIALS})
        if line.hypothesis.final:
            return self._end(line, held)
        posted: dict[Stability, Posted] = {}
        for setting, dial in held.dials.items():
            text = dial.push(line.hypothesis)
            if text is not None:
                posted[setting] = Posted(line, text, self.seq + 1, setting not in held.posted)
        if posted:
            self.seq += 1
            held.posted |= posted
        return posted

    def shown(self, line: Line) -> tuple[str, ...]:
        """The units that a reader with `live` sees of a line that was pushed."""
        held = self.open.get(line.key)
        return line.hypothesis.units if held is None else held.dials["live"].shown

    def restore(self, finals: Iterable[Caption], seq: int) -> None:
        """Begin with what was said before; no caption had a greater `seq` than this."""
        self.seq = seq
        for final in finals:
            self._close(final)

    def again(self, caption: Caption) -> Caption:
        """The same caption as the newest news, for one reader who did not get it when it was."""
        self.seq += 1
        return msgspec.structs.replace(caption, seq=self.seq, replay=True)

    def context(self, source: str, target: str) -> tuple[Pair, ...]:
        """The last closed lines in these two languages, either way, oldest first."""
        asked = source, target
        if asked not in self._contexts:
            self._contexts[asked] = self._context(source, target)
        return self._contexts[asked]

    def _context(self, source: str, target: str) -> tuple[Pair, ...]:
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

    def _end(self, line: Line, held: Open) -> dict[Stability, Posted]:
        del self.open[line.key]
        self.closed.add(line.key)
        text = line.hypothesis.text
        shown = {setting for setting in DIALS if setting in held.posted}
        if not text and not shown:
            return {}
        self.seq += 1
        posted = Posted(line, Text(text), self.seq, first=True)
        self._close(posted.plain)
        return dict.fromkeys(DIALS if text else shown, posted)

    def _close(self, final: Caption) -> None:
        self.closed.add(final.key)
        self.finals[final.key] = final
        self._contexts.clear()
        if final.text and final.kind == "transcript":
            self.said.append(final)
            self.spoken += 1
