"""What one reader sees, as it comes: the figures of `streaming.measures` in bounded memory.

The machines are those of that module. Here a line is forgotten with its final and every time goes
into a histogram, so an hour of a thousand readers fits.

    chunk to caption   arrival of a visible change - capture of the newest sample it used
    server-added       arrival - when the frame with that sample was due - recognizing - translating
    caption age        every 50 ms of speech: now - capture of the newest sample in visible words
"""

import math
from collections import deque
from dataclasses import dataclass, field

from streaming.measures import Ages, Shown
from streaming.messages import Caption
from streaming.units import pieces
from streaming.values import SAMPLE_RATE

from .tally import Tally
from .verdict import Bars

Key = tuple[str, int, str, str]
Stream = tuple[str, str, str]
REMEMBERED_S = 60.0  # of the moments at which frames really left


class Voice:
    """When one speaker's samples were captured, when their frames were due, and when they left."""

    def __init__(self, base: float, frame: int, speed: float = 1.0) -> None:
        """`base`: the second at which its first sample was captured; `frame`: samples in one."""
        self.base, self.frame, self.rate = base, frame, SAMPLE_RATE * speed
        self.period = frame / self.rate
        self.frames = 0
        self._sent: deque[float] = deque(maxlen=math.ceil(REMEMBERED_S / self.period))

    def captured(self, position: int) -> float:
        """When the sample before this position was."""
        return self.base + position / self.rate

    def due(self, position: int) -> float:
        """When the frame that holds it was full."""
        return self.base + -(-position // self.frame) * self.period

    @property
    def next(self) -> float:
        """When the next frame is due."""
        return self.base + (self.frames + 1) * self.period

    def send(self, now: float) -> None:
        """The next frame leaves now."""
        self._sent.append(now)
        self.frames += 1

    def rewind(self, position: int) -> None:
        """Frames from here on leave once more: they were lost on the way."""
        frames = min(self.frames, position // self.frame)
        for _ in range(min(self.frames - frames, len(self._sent))):
            self._sent.pop()
        self.frames = frames

    def sent(self, position: int) -> float:
        """When the frame that holds it left; when it was due, if that is long ago."""
        place = -(-position // self.frame) - 1 - (self.frames - len(self._sent))
        return self._sent[place] if 0 <= place < len(self._sent) else self.due(position)


@dataclass
class Room:
    """What all of its readers know: who spoke when, and which line's final had which `seq`."""

    voices: dict[str, Voice] = field(default_factory=dict)
    ended: dict[Key, int] = field(default_factory=dict)


class _Line:
    """A line while it is open."""

    __slots__ = ("caption", "live", "shown")

    def __init__(self, caption: Caption) -> None:
        self.caption = caption
        self.live = not caption.replay  # what was shown before this reader came is not timed
        self.shown = Shown()

    def push(self, caption: Caption, now: float) -> bool:
        """Take the next caption; whether visible text changed."""
        self.caption = caption
        return self.shown.push(pieces(caption.text.strip()), now, caption.heard)


class Witness:
    """One reader. `push` every caption; `close` when no more will come."""

    def __init__(
        self, room: Room, tally: Tally, window: tuple[float, float], bars: Bars | None = None
    ) -> None:
        """`window`: the seconds between which speech counts; what is counted goes to `tally`."""
        self.room, self.tally, self.window = room, tally, window
        self.bars = bars or Bars()
        self._newest = -1
        self._open: dict[Key, _Line] = {}
        self._closed: set[Key] = set()
        self._streams: dict[Stream, Ages] = {}

    def push(self, caption: Caption, now: float) -> None:
        """Take a caption that arrived at `now`."""
        counts, key = self.tally.counts, caption.key
        counts["captions"] += not caption.replay
        counts["disordered"] += caption.seq <= self._newest
        self._newest = max(self._newest, caption.seq)
        if caption.final:
            self.room.ended[key] = caption.seq
        if key in self._closed:
            counts["finals_doubled" if caption.final else "after_final"] += 1
            return
        line = self._open.get(key)
        if line is None:
            if not (caption.text.strip() or caption.final):
                self._answered(caption, now)  # nothing to see yet: no line
                return
            line = self._open[key] = _Line(caption)
        counts["retracted"] += not (
            caption.final or caption.stable.startswith(line.caption.stable.rstrip())
        )
        self.tally.erased(caption.kind).push((id(self), key), caption.text, caption.final)
        self._time(line, caption, line.push(caption, now), now)
        if caption.final:
            self._closed.add(key)
            del self._open[key]
            counts["finals" if line.shown.units else "withdrawn"] += 1

    def close(self) -> None:
        """Count what is missing: a line is lost if its final came before something this reader got,
        or never to anybody."""
        ended = self.room.ended
        self.tally.counts["finals_lost"] += sum(
            ended.get(key, 0) <= self._newest for key in self._open
        )
        for (speaker, _, kind), ages in self._streams.items():
            ages.open.clear()
            self._aged(ages, self.room.voices[speaker], kind)

    def ages(self, now: float) -> list[float]:
        """How old the newest visible words of each speaker who is speaking are, in ms."""
        return [
            1000 * (now - self.room.voices[speaker].captured(ages.changes[-1][1]))
            for (speaker, _, _), ages in self._streams.items()
            if ages.open and ages.changes
        ]

    def _time(self, line: _Line, caption: Caption, changed: bool, now: float) -> None:
        voice = self.room.voices.get(caption.speaker)
        if voice is None or caption.replay:
            return
        stream = caption.speaker, caption.language, caption.kind
        ages = self._streams.get(stream)
        if ages is None:
            ages = self._streams[stream] = Ages()
        ages.push(caption, now, changed, line.live)
        if caption.final:
            self._aged(ages, voice, caption.kind)
        if caption.text or changed:
            self._stages(voice, caption, now, changed)
        if caption.final and line.live and line.shown.units and self._counts(voice, caption):
            self._delays(line, caption, voice, now)

    def _aged(self, ages: Ages, voice: Voice, kind: str) -> None:
        """Count the ages that are settled."""
        for now, age in ages.settled(voice.captured):
            if self.window[0] <= now < self.window[1]:
                self.tally["caption_age"].add(1000 * age)
                self.tally[f"caption_age.{kind}"].add(1000 * age)

    def _counts(self, voice: Voice, caption: Caption) -> bool:
        """Whether the newest sample of it is of the time that counts."""
        return self.window[0] <= voice.due(caption.heard) < self.window[1]

    def _answered(self, caption: Caption, now: float) -> None:
        """The server said that there is nothing to say: to some protocols, that is an answer."""
        voice = self.room.voices.get(caption.speaker)
        if voice is not None and self._counts(voice, caption):
            self.tally["answer"].add(1000 * (now - voice.due(caption.heard)))

    def _stages(self, voice: Voice, caption: Caption, now: float, changed: bool) -> None:
        """Where the time of this caption went."""
        spent = stages(voice, caption, now)
        late = 1000 * (now - voice.captured(caption.heard))
        if changed:  # those who watch see the warming up, too
            self.tally.lately("shown", late)
            for stage, ms in spent.items():
                self.tally.lately(stage, ms)
        if not self._counts(voice, caption):
            return
        tally, kind, latency = self.tally, caption.kind, caption.latency
        answered = 1000 * (now - voice.due(caption.heard))
        tally["answer"].add(answered)
        if latency is not None:
            added = answered - latency.recognize - latency.translate
            tally["server_added"].add(added)
            tally[f"server_added.{kind}"].add(added)
            self.bars.added(tally, added, spent)
        if changed:
            tally["chunk_to_caption"].add(late)
            tally[f"chunk_to_caption.{kind}"].add(late)
            self.bars.shown(tally, late, spent)
            for stage, ms in spent.items():
                tally[f"stage.{stage}"].add(ms)

    def _delays(self, line: _Line, caption: Caption, voice: Voice, now: float) -> None:
        """Of each unit of a final text: when it was first seen and when it stopped changing, after
        it was said."""
        tally = self.tally
        for shown, settled in line.shown.delays(caption.start, caption.end, voice.captured):
            tally["first_display"].add(1000 * shown)
            tally["finalisation"].add(1000 * settled)
        tally["speech_to_final"].add(1000 * (now - voice.captured(caption.end)))
        tally["cut_to_final"].add(1000 * (now - voice.captured(caption.heard)))


def stages(voice: Voice, caption: Caption, now: float) -> dict[str, float]:
    """Where the ms from the capture of its newest sample to its arrival went; they add up."""
    due, sent = voice.due(caption.heard), voice.sent(caption.heard)
    spent = {
        "capture": 1000 * (due - voice.captured(caption.heard)),
        "send": 1000 * (sent - due),
    }
    latency = caption.latency
    if latency is None:
        return {**spent, "server": 1000 * (now - sent)}
    return {
        **spent,
        "transport": 1000 * (now - sent) - latency.total,
        "detect": latency.detect,
        "recognize": latency.recognize,
        "queue": latency.queue,
        "translate": latency.translate,
    }
