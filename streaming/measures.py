"""Measure what one reader sees: how much is taken back, how late it comes, what must never happen.

Fed with captions and the times they arrived, in seconds on the reader's own monotonic clock, and
with schedules that say when each speaker's positions were captured, on that same clock. Figures are
in milliseconds. Feed a `Reader` what is to be judged together (a kind, a language), of one epoch.

- *Erasure*: an update erases the units of the text before it that follow the longest common prefix;
  Normalized Erasure is all units erased over all units of the final texts (Arivazhagan et al. 2020,
  https://aclanthology.org/2020.iwslt-1.27/). Units are words and punctuation marks, or single Han
  and Kana (units.pieces): a word that gets its full stop is not erased. The machine is the same for
  visible text and for raw hypotheses; only what it is fed with differs.
- *Chunk-to-caption*: arrival of an update that changed visible text, minus capture of `heard`.
- *Caption age*: every 50 ms of speech, now minus capture of the newest position whose words are
  visible. Words count as visible up to `heard` of the last update that changed something: sending
  the same words again makes nothing younger. Once all earlier speech is visible, a new segment's
  age begins at its start. Speech that was never captioned is not in it: its author must count that.
- *First display* of a unit of a final text: arrival of the first update that had it at its place,
  minus the capture of the end of its audio. That end is the ideal policy's (AL: Ma et al. 2019,
  https://aclanthology.org/P19-1289/): unit i of n ends at start + i/n of the speech, but never
  later than `heard` of that first update, for what was shown had been heard. Hiding words therefore
  costs delay here, as it should, though it leaves chunk-to-caption as it was.
- *Finalisation*: arrival of the last update that changed the text at or before the unit, minus
  the same moment.
"""

import math
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .messages import Caption
from .units import common, pieces

Schedule = Callable[[int], float]
"""When one speaker's sample at a position was captured, in seconds on the reader's clock."""

TICK = 0.05  # seconds between samples of the caption age


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Nearest-rank percentiles: each is one of the samples, none is between two."""

    count: int
    p50: float
    p90: float
    p95: float
    p99: float
    max: float


def percentiles(samples: Iterable[float]) -> Percentiles | None:
    """The percentiles of `samples`, in their unit; None of no samples, which is not zero."""
    ranked = sorted(samples)
    if not ranked:
        return None
    p50, p90, p95, p99 = (ranked[-(-len(ranked) * p // 100) - 1] for p in (50, 90, 95, 99))
    return Percentiles(len(ranked), p50, p90, p95, p99, ranked[-1])


class Erasure:
    """Counts the units that growing lines take back; finished lines only are in the ratio."""

    def __init__(self) -> None:
        self.erased = 0
        self.written = 0
        self._open: dict[Hashable, tuple[list[str], int]] = {}

    def push(self, line: Hashable, text: str, final: bool = False) -> int:
        """Take a line's whole text; return how many units of its last one are gone.

        A final without text withdraws the line: all of it is erased and nothing written.
        """
        before, lost = self._open.pop(line, ([], 0))
        now = pieces(text.strip())
        gone = len(before) - common(before, now)
        if final:
            self.erased += lost + gone
            self.written += len(now)
        else:
            self._open[line] = now, lost + gone
        return gone

    @property
    def ratio(self) -> float | None:
        """Normalized Erasure; None while nothing is finished."""
        return self.erased / self.written if self.written else None


@dataclass(frozen=True, slots=True)
class Figures:
    """What one reader saw. Times are in ms; None: no sample."""

    updates: int
    """Captions that were not replayed."""
    updates_per_second: float
    """From the first of them to the last."""
    busiest: int
    """The most updates of open lines within any one second."""
    finals: int
    """Lines that ended with text."""
    withdrawn: int
    """Lines that ended without."""
    lost: int
    """Lines that were opened and have no final (yet: ask after the drain)."""
    doubled: int
    """Finals of a line that already had one."""
    after_final: int
    """Updates of a line that already had its final."""
    retracted: int
    """Updates of an open line that changed what was `stable`."""
    disordered: int
    """Captions whose `seq` did not grow."""
    erased: int
    written: int
    erasure: float | None
    """Normalized Erasure of what was visible."""
    chunk_to_caption: Percentiles | None
    caption_age: Percentiles | None
    first_display: Percentiles | None
    finalisation: Percentiles | None
    speech_to_final: Percentiles | None
    """From the end of the speech (`end`) to the final."""
    cut_to_final: Percentiles | None
    """From the end of the segment (`heard` of its final) to the final."""


class Shown:
    """The units of a line while it is open: which were shown where, and since when."""

    def __init__(self) -> None:
        self.units: Sequence[str] = ()
        self.erased = 0
        self._since: list[float] = []  # per unit: the last change at or before it
        self._first: dict[tuple[int, str], tuple[float, int]] = {}  # (now, heard), per place

    def push(self, units: Sequence[str], now: float, heard: int) -> bool:
        """Take all that is shown from `now` on, in seconds; True if that is a change. `heard`: the
        newest position used for it."""
        if units is self.units:
            return False
        kept = common(self.units, units)
        if kept == max(len(self.units), len(units)):
            return False
        self.erased += len(self.units) - kept
        self._since[kept:] = [now] * (len(units) - kept)
        for place in range(kept, len(units)):
            self._first.setdefault((place, units[place].rstrip()), (now, heard))
        self.units = units
        return True

    def delays(self, start: int, end: int, captured: Schedule) -> Iterator[tuple[float, float]]:
        """First display and finalisation of each unit of the final text, which was said in
        [start, end), in seconds."""
        for place, unit in enumerate(self.units):
            now, heard = self._first[place, unit.rstrip()]
            ideal = start + (end - start) * (place + 1) // len(self.units)
            said = captured(min(ideal, heard))
            yield now - said, self._since[place] - said


class _Line:
    """A line while it is open."""

    def __init__(self, caption: Caption) -> None:
        self.caption = caption
        self.live = not caption.replay  # what was shown before this reader came is not timed
        self.seen = Shown()

    def push(self, caption: Caption, now: float) -> bool:
        """Take the next caption; True if visible text changed."""
        self.caption = caption
        return self.seen.push(pieces(caption.text.strip()), now, caption.heard)

    def delays(self, captured: Schedule) -> Iterator[tuple[float, float]]:
        return self.seen.delays(self.caption.start, self.caption.end, captured)


class Ages:
    """One speaker in one language: how old the newest visible words are at every tick of speech.
    What is told is forgotten, so an hour takes no more memory than a minute."""

    __slots__ = ("changes", "open", "said", "speech", "visible")

    def __init__(self) -> None:
        self.changes: deque[tuple[float, int]] = deque()  # (arrival, position)
        self.speech: dict[int, tuple[int, int]] = {}  # by segment: not yet told of
        self.open: set[int] = set()
        self.visible = self.said = 0  # positions

    def push(self, caption: Caption, now: float, changed: bool, live: bool) -> None:
        """Take a caption of this stream; `live`: its line was opened before this reader's eyes."""
        segment, said = caption.segment, bool(caption.text.strip())
        if caption.final and not said:
            self.speech.pop(segment, None)  # it was none
        elif live:
            self.speech[segment] = caption.start, caption.end
        (self.open.discard if caption.final else self.open.add)(segment)
        if caption.final and said:
            self.changes.append((now, max(caption.heard, caption.end)))
        elif changed:
            self.changes.append((now, caption.heard))

    def settled(self, captured: Schedule) -> list[tuple[float, float]]:
        """(second, age in seconds) at every tick that nothing can be added to any more, once."""
        found: list[tuple[float, float]] = []
        for segment, (start, end) in sorted(self.speech.items(), key=lambda item: item[1]):
            if segment in self.open:
                break
            del self.speech[segment]
            tick, until = math.ceil(captured(start) / TICK), captured(end)
            while (now := tick * TICK) < until:
                while self.changes and self.changes[0][0] <= now:
                    self.visible = max(self.visible, self.changes.popleft()[1])
                newest = max(self.visible, start) if self.visible >= self.said else self.visible
                found.append((now, now - captured(newest)))
                tick += 1
            self.said = max(self.said, end)
        return found

    def left(self, captured: Schedule) -> list[tuple[float, float]]:
        """The same of what is not settled yet, as if every segment had ended. Forgets nothing."""
        other = Ages()
        other.changes, other.speech = self.changes.copy(), self.speech.copy()
        other.visible, other.said = self.visible, self.said
        return other.settled(captured)


class Reader:
    """What one reader sees, caption by caption. Remembers a key per line, so it is for measuring
    a conversation, not for serving one."""

    def __init__(self, schedules: Mapping[str, Schedule]) -> None:
        """Lines of speakers that have no schedule are counted and not timed."""
        self.schedules = schedules
        self.erasure = Erasure()
        self.finals = self.withdrawn = self.doubled = self.after_final = 0
        self.retracted = self.disordered = self.updates = self.busiest = 0
        self.delays: list[tuple[float, float]] = []  # as `Shown.delays` gives them
        self._seq = -1
        self._span: tuple[float, float] | None = None
        self._second: deque[float] = deque()
        self._open: dict[Hashable, _Line] = {}
        self._closed: set[Hashable] = set()
        self._streams: dict[tuple[str, str, str], Ages] = {}
        self._ages: list[float] = []
        self._c2c: list[float] = []
        self._ends: list[tuple[float, float]] = []

    def push(self, caption: Caption, now: float) -> None:
        """Take a caption that arrived at `now`, not earlier than the one before it."""
        self.disordered += caption.seq <= self._seq
        self._seq = max(self._seq, caption.seq)
        if not caption.replay:
            self._count(caption, now)
        if caption.key in self._closed:
            self.doubled += caption.final
            self.after_final += not caption.final
            return
        line = self._open.setdefault(caption.key, _Line(caption))
        kept = caption.final or caption.stable.startswith(line.caption.stable.rstrip())
        self.retracted += not kept
        self.erasure.push(caption.key, caption.text, caption.final)
        self._time(line, caption, line.push(caption, now), now)
        if caption.final:
            self._closed.add(caption.key)
            del self._open[caption.key]
            self.finals += bool(line.seen.units)
            self.withdrawn += not line.seen.units

    def figures(self) -> Figures:
        """All so far; may be asked at any time."""
        first, last = self._span or (0.0, 0.0)
        left = (ages.left(self.schedules[name]) for (name, _, _), ages in self._streams.items())
        ages = [*self._ages, *(age for ticks in left for _, age in ticks)]
        return Figures(
            updates=self.updates,
            updates_per_second=(self.updates - 1) / (last - first) if last > first else 0.0,
            busiest=self.busiest,
            finals=self.finals,
            withdrawn=self.withdrawn,
            lost=len(self._open),
            doubled=self.doubled,
            after_final=self.after_final,
            retracted=self.retracted,
            disordered=self.disordered,
            erased=self.erasure.erased,
            written=self.erasure.written,
            erasure=self.erasure.ratio,
            chunk_to_caption=_ms(self._c2c),
            caption_age=_ms(ages),
            first_display=_ms(shown for shown, _ in self.delays),
            finalisation=_ms(settled for _, settled in self.delays),
            speech_to_final=_ms(speech for speech, _ in self._ends),
            cut_to_final=_ms(cut for _, cut in self._ends),
        )

    def _count(self, caption: Caption, now: float) -> None:
        self.updates += 1
        self._span = (self._span[0] if self._span else now), now
        if not caption.final:
            self._second.append(now)
            while self._second[0] <= now - 1:
                self._second.popleft()
            self.busiest = max(self.busiest, len(self._second))

    def _time(self, line: _Line, caption: Caption, changed: bool, now: float) -> None:
        captured = self.schedules.get(caption.speaker)
        if captured is None or caption.replay:
            return
        name = caption.speaker, caption.language, caption.kind
        ages = self._streams.setdefault(name, Ages())
        ages.push(caption, now, changed, line.live)
        if caption.final:
            self._ages += [age for _, age in ages.settled(captured)]
        if changed:
            self._c2c.append(now - captured(caption.heard))
        if caption.final and line.live and line.seen.units:
            self.delays.extend(line.delays(captured))
            self._ends.append((now - captured(caption.end), now - captured(caption.heard)))


def _ms(seconds: Iterable[float]) -> Percentiles | None:
    return percentiles(second * 1000 for second in seconds)
