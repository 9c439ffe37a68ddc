"""How sound had better travel where packets get lost: by WebSocket, as PCM or Opus, or by WebRTC.

Two network namespaces with a forwarder between them (tests/impairment.py) are the network: the
speakers are in one, a server with scripted engines, which take no time, in the other. So the
figures are the network's, the transport's and the server's, and a model's come on top.

    chunk to caption   from the capture of the newest sample that an update used to its arrival
    caption age        every 50 ms of speech: how old the newest sound is whose words have arrived
    CPU                of one core, for a stream, at 1, 10 and 30 of them
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil

from clients.audio import Pace, decoded
from clients.calling import Caller
from clients.latency import AGE_EVERY_MS, CaptionAge, ChunkToCaption, Meter
from clients.lines import Lines
from clients.link import Link
from clients.opus import PACKET, Encoder
from loadtest import host
from streaming.messages import Audio, Hello, Opus, Pcm16, ServerMessage, WebRtc
from streaming.values import BYTES_PER_SAMPLE, SAMPLE_RATE
from tests.impairment import Impossible, Network, Weather, network

CLIP = Path(__file__).parents[1] / "loadtest" / "conversation" / "alan.flac"
Way = Literal["pcm", "opus", "webrtc"]
NAMES: dict[Way, str] = {
    "pcm": "WebSocket, PCM",
    "opus": "WebSocket, Opus",
    "webrtc": "WebRTC",
}
AUDIO: dict[Way, Audio] = {"pcm": Pcm16(SAMPLE_RATE), "opus": Opus(), "webrtc": WebRtc()}
LOSSES = (0.0, 0.01, 0.02, 0.05)
DELAY_MS, JITTER_MS = 10.0, 5.0  # one way: a Wi-Fi network and what lies behind it
SPEAKERS, SECONDS = 8, 10.0  # at each loss
STREAMS, COST_SECONDS = (1, 10, 30), 8.0
DELIVERED = 0.98  # of the packets that arrive
SLOW_MS = 10.0  # a tester later than this (p95) is no witness
WARM_S = 2.0  # of speech that does not count
MANY = 1_000_000  # values that a meter keeps
LONGEST = 480.0  # seconds for all of it


def measure(quick: bool = False, realtime: bool = False) -> dict[str, Any]:
    """The latency of every transport at every loss, and what WebRTC costs the server."""
    losses = (0.0, 0.05) if quick else LOSSES
    streams = (1, 10) if quick else STREAMS
    tester, server = host.cores()
    try:
        with host.on_cores(tester, realtime), network(longest=LONGEST) as net:
            return {
                "delay_ms": DELAY_MS,
                "jitter_ms": JITTER_MS,
                "speakers": SPEAKERS,
                "seconds": SECONDS,
                "realtime": realtime,
                **asyncio.run(_measured(net, losses, streams, server, realtime)),
            }
    except Impossible as why:
        return {"skipped": str(why)}


async def _measured(
    net: Network, losses: Sequence[float], streams: Sequence[int], core: set[int], realtime: bool
) -> dict[str, Any]:
    spoken = Spoken()  # not in a thread, which would stay outside of the network
    async with _server(net, core, realtime) as there:
        points = []
        for loss in losses:
            net.change(Weather(loss, DELAY_MS, JITTER_MS))
            for way in NAMES:
                load = Load(net, there, spoken, way, SPEAKERS, SECONDS)
                points.append({"way": way, "loss": loss, **(await load.run())})
    net.change(Weather(delay_ms=DELAY_MS))
    costs = []
    for count in streams:
        for way in ("opus", "webrtc"):
            async with _server(net, core, realtime) as there:  # nothing of those before is counted
                load = Load(net, there, spoken, way, count, COST_SECONDS)
                costs.append({"way": way, "streams": count, **(await load.run())["cost"]})
    return {"points": points, "costs": costs}


@asynccontextmanager
async def _server(net: Network, core: set[int], realtime: bool) -> AsyncIterator[host.Host]:
    """Ours in the far place; what it is told stays there."""
    options = "--host", net.far.address, "--insecure"
    async with AsyncExitStack() as stack:
        with net.far:
            there = await stack.enter_async_context(
                host.ours("scripted", core, realtime=realtime, options=options)
            )
        with net.near:
            yield there


class Spoken:
    """The clip in frames of 20 ms, as they are and encoded; made once for all who speak."""

    def __init__(self) -> None:
        pcm = b"".join(decoded(str(CLIP)))
        size = PACKET * BYTES_PER_SAMPLE
        self.frames = [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)]
        encoder = Encoder()
        self.packets = [packet for frame in self.frames for packet in encoder.push(frame)]

    def of(self, way: Way, number: int, seconds: float) -> Sequence[bytes]:
        """What speaker `number` says: each begins elsewhere."""
        said = self.frames if way == "pcm" else self.packets
        first = (number * 137) % len(said)
        return [said[(first + n) % len(said)] for n in range(round(seconds * 50))]


@dataclass
class Load:
    """Some who speak at once, each in a room of his own, all in one way."""

    net: Network
    there: host.Host
    spoken: Spoken
    way: Way
    count: int
    seconds: float
    delay: Meter = field(default_factory=lambda: Meter(MANY))
    age: Meter = field(default_factory=lambda: Meter(MANY))
    late: Meter = field(default_factory=lambda: Meter(MANY))
    """How late we ourselves were with a frame."""

    async def run(self) -> dict[str, Any]:
        """The figures."""
        before = self._exported()
        ready = asyncio.Barrier(self.count + 1)
        async with asyncio.TaskGroup() as group:
            for number in range(self.count):
                group.create_task(self._speak(number, ready))
            await ready.wait()
            ours, theirs = host.Meter(psutil.Process()), host.Meter(self.there.alive())
            await asyncio.sleep(self.seconds - 1.0)
            cpu, tester = sum(theirs.percent()), sum(ours.percent())
        grown = {name: value - before.get(name, 0) for name, value in self._exported().items()}
        packets = {
            what: grown[f"surtitle_call_packets_{what}"]
            for what in ("came", "heard", "lost", "late")
        }
        return {
            "updates": len(self.delay.values),
            "chunk_to_caption": _percentiles(self.delay),
            "caption_age": _percentiles(self.age),
            "heard": round(grown["surtitle_audio_seconds_total"] / self.count / self.seconds, 4),
            "packets": packets if self.way == "webrtc" else None,
            "tester_late": _percentiles(self.late),
            "cost": {
                "percent": round(cpu, 1),
                "percent_each": round(cpu / self.count, 2),
                "tester_percent": round(tester, 1),
            },
        }

    def _exported(self) -> dict[str, float]:
        with self.net.far:
            return host.exported(self.there.metrics)

    async def _speak(self, number: int, ready: asyncio.Barrier) -> None:
        hello = Hello("speaker", ["es"], ["en"], AUDIO[self.way], source=True)
        room = f"{self.way}-{number}"
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            link = await enter(Link(self.there.url, room, hello, patience=0))
            call = None
            if self.way == "webrtc":
                call = await enter(Caller(self.there.url, room, link.welcome.key))
            await ready.wait()
            pace = Pace()
            pace.begin()
            assert pace.begun is not None
            pace.begun += number / 50 / self.count  # nobody's frames come with another's
            watch = Watch(pace, self.delay, self.age)
            reading = asyncio.create_task(watch.read(link))
            sampling = asyncio.create_task(watch.sample())
            for n, payload in enumerate(self.spoken.of(self.way, number, self.seconds)):
                due = pace.captured((n + 1) * PACKET)
                await asyncio.sleep(due - time.monotonic())
                self.late.add(1000 * (time.monotonic() - due))
                if call is not None:
                    call.put(n * PACKET, payload)
                else:
                    await link.send_audio(payload)
            sampling.cancel()
            watch.over = True  # the end of the sound ends every line at once
            if call is not None:
                await call.flushed()
            await link.end()
            await reading


class Watch:
    """What one speaker sees of his own words."""

    def __init__(self, pace: Pace, delay: Meter, age: Meter) -> None:
        self.lines = Lines()
        self.pace = pace
        self.delay, self.age = ChunkToCaption(pace.captured, delay), CaptionAge(pace.captured, age)
        self.over = False

    async def read(self, link: Link) -> None:
        """Until all is said."""
        async for message in link:
            self._push(message, time.monotonic())

    async def sample(self) -> None:
        """Every 50 ms, by the clock."""
        due = time.monotonic()
        while True:
            due += AGE_EVERY_MS / 1000
            await asyncio.sleep(due - time.monotonic())
            if self._counts(due):
                self.age.sample(time.monotonic())

    def _push(self, message: ServerMessage, now: float) -> None:
        change = self.lines.push(message)
        if change is not None and self._counts(now):
            self.delay.push(change, now)
            self.age.push(change, now)

    def _counts(self, now: float) -> bool:
        assert self.pace.begun is not None
        return not self.over and now > self.pace.begun + WARM_S


def _percentiles(meter: Meter) -> dict[str, float] | None:
    if not meter.values:
        return None
    found = {f"p{percent}": meter.percentile(percent) for percent in (50, 95, 99, 100)}
    return {name: round(value, 1) for name, value in found.items() if value is not None}
