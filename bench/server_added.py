"""What the server itself adds: from a frame's due time to the caption of its newest sample.

Scripted engines take no time and silero decides what is speech, so all of it is the server's: the
socket, the windows, the detector, the machines, the caption, the socket. The server has one core,
those who speak and read have another.
"""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import psutil

from streaming.measures import Percentiles, percentiles
from streaming.messages import Caption

from .host import Meter, Server, cores, on_core, quantile, started
from .voices import FRAME, Voice, Voices, connect, drained, speech

BAR_MS = 10.0  # p99 at 100 speakers on one core
AT = 100
WARM_S = 5.0  # first segments, first languages, Python's own caches
COOL_S = 1.0  # after it: the end of the audio ends every line at once, as no conversation does
SLOW_MS = 2.0  # a tester later than this (p99) is no witness
STAGES = ("detect", "recognize", "translate", "queue", "total")


@dataclass(frozen=True, slots=True)
class Load:
    """How many speak, and how many of them share a room; each reads a translation too."""

    speakers: int
    together: int = 1

    @property
    def name(self) -> str:
        rooms = f" in rooms of {self.together}" if self.together > 1 else ""
        return f"{self.speakers} speaker{'s' * (self.speakers > 1)}{rooms}"

    @property
    def rooms(self) -> list[str]:
        return [f"bench-{n // self.together}" for n in range(self.speakers)]


LOADS = (Load(1), Load(50), Load(100), Load(200), Load(100, together=10))
QUICK = (Load(1), Load(100))


@dataclass(frozen=True, slots=True)
class Sample:
    """One caption at one reader; ms."""

    kind: str
    due: float
    """From when its newest frame was due."""
    sent: float
    """From when that frame was really sent."""
    stages: Mapping[str, float]
    """What the server says of it."""


def measure(
    loads: Sequence[Load] = LOADS, seconds: float = 20.0, realtime: bool = False
) -> dict[str, Any]:
    """The figures of every load, each with a server of its own."""
    frames = speech()
    points = [asyncio.run(_point(load, frames, seconds, realtime)) for load in loads]
    return {"seconds": seconds, "realtime": realtime, "points": points}


async def _point(
    load: Load, frames: Sequence[bytes], seconds: float, realtime: bool
) -> dict[str, Any]:
    server_core, own_core = cores()
    async with started(server_core, realtime=realtime) as server:
        with on_core(own_core, realtime):
            work = partial(_speak, server, load, frames, seconds)
            figures, voices = await asyncio.to_thread(work)
    return {"load": load.name, **asdict(load), **figures, **_understood(voices, seconds)}


def _speak(
    server: Server, load: Load, frames: Sequence[bytes], seconds: float
) -> tuple[dict[str, Any], Voices]:
    """Run one load; nothing is looked at while the clock runs."""
    voices = connect(server.url, load.rooms, frames, ["es"])
    gc.collect()
    gc.disable()
    try:
        voices.begin()
        voices.run(WARM_S)
        voices.busy.clear()
        theirs, ours = Meter(server.process), Meter(psutil.Process())
        voices.run(seconds)
        loop_cpu, others_cpu = theirs.percent()
        tester_cpu = sum(ours.percent())
        busy = percentiles(1000 * second for second in voices.busy)
        voices.run(COOL_S)
        exported = server.exported()
        voices.end()
    finally:
        gc.enable()
    lag = quantile(exported, "surtitle_loop_lag_seconds", 0.99)
    skipped = exported["surtitle_skipped_hops"]
    figures = {
        "server_cpu": loop_cpu + others_cpu,
        "loop_cpu": loop_cpu,  # its first thread: all but the detector
        "tester_cpu": tester_cpu,
        "tester_busy": _plain(busy),
        "loop_lag_p99_at_most": lag,
        "skipped": skipped,
    }
    return figures, voices


def _understood(voices: Voices, seconds: float) -> dict[str, Any]:
    """What the captions and their times say."""
    since = voices.start + WARM_S
    late = [
        1000 * (moment - voices.due(voice, n))
        for voice in voices.voices
        for n, moment in enumerate(voice.sent)
        if moment >= since
    ]
    lag = percentiles(late)
    samples = list(_samples(voices, since, since + seconds))
    return {
        "latency": _summary(sample.due for sample in samples),
        "from_send": _summary(sample.sent for sample in samples),
        "kinds": {
            kind: _summary(sample.due for sample in samples if sample.kind == kind)
            for kind in ("transcript", "translation")
        },
        "stages": {
            stage: _summary(sample.stages[stage] for sample in samples if sample.stages)
            for stage in STAGES
        },
        "tester_late": _plain(lag),
        "tester_slow": lag is None or lag.p99 > SLOW_MS,
        **_ends(voices.voices),
    }


def _samples(voices: Voices, since: float, until: float) -> Iterable[Sample]:
    """Every caption that every reader got of a frame that was due in time."""
    speakers = {(voice.room, voice.participant): voice for voice in voices.voices}
    for reader in voices.voices:
        for received, message in reader.messages():
            if not isinstance(message, Caption) or not message.text:
                continue
            speaker = speakers[reader.room, message.speaker]
            frame = (message.heard - 1) // FRAME
            due = voices.due(speaker, frame)
            if since <= due < until:
                sent = speaker.sent[frame]
                stages = asdict_latency(message)
                yield Sample(
                    message.kind, 1000 * (received - due), 1000 * (received - sent), stages
                )


def asdict_latency(caption: Caption) -> dict[str, float]:
    """What the server says of where the time went."""
    latency = caption.latency
    return {stage: getattr(latency, stage) for stage in STAGES} if latency is not None else {}


Key = tuple[str, int, str, str]
Line = tuple[int, str, Key]  # reader, room, line


def _ends(voices: Iterable[Voice]) -> dict[str, Any]:
    """Lines that ended, that did not, and that ended twice; connections that were not drained.

    Whoever is drained leaves, while others in the room may still be speaking: a line of theirs is
    lost only if its final came before something that this reader did get.
    """
    finals: Counter[Line] = Counter()
    opened: set[Line] = set()
    ended: dict[object, int] = {}  # the `seq` of each line's final, whoever got it
    newest: dict[int, int] = {}
    undrained = 0
    for n, voice in enumerate(voices):
        heard = [message for _, message in voice.messages()]
        undrained += not any(drained(message) for message in heard)
        for caption in heard:
            if isinstance(caption, Caption):
                line = n, voice.room, caption.key
                newest[n] = caption.seq
                opened.add(line)
                finals[line] += caption.final
                if caption.final:
                    ended[voice.room, caption.key] = caption.seq
    lost = [
        (n, room, key)
        for n, room, key in opened
        if not finals[n, room, key] and ended.get((room, key), 0) <= newest[n]
    ]
    return {
        "finals": sum(count > 0 for count in finals.values()),
        "finals_lost": len(lost),
        "finals_doubled": sum(count > 1 for count in finals.values()),
        "undrained": undrained,
    }


def _summary(samples: Iterable[float]) -> dict[str, float] | None:
    return _plain(percentiles(samples))


def _plain(figures: Percentiles | None) -> dict[str, float] | None:
    return None if figures is None else {k: round(v, 3) for k, v in asdict(figures).items()}


if __name__ == "__main__":
    import json
    import sys

    realtime = "--realtime" in sys.argv
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    loads = [Load(n) for n in numbers] or LOADS
    print(json.dumps(measure(loads, realtime=realtime), indent=1))
