"""What one speaker's microphone hears, on its way to the room; while muted it stays here.

A device's blocks come from its own thread (`clients/capture.py`) and get positions here: a
count of samples, and where the device was away or lost some, the time. What cannot be sent in time
is dropped, the oldest first, and the room is told by a gap.
"""

import asyncio
import math
import time
from array import array
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from operator import mul

from streaming.values import SAMPLE_RATE, AudioFrame, samples

from .audio import Converter
from .capture import BLOCKS, Block, Keeper
from .link import Link

UNSENT_MS = 500  # the protocol: what was said longer ago helps nobody
UNACKED = 2.5  # seconds, the same on the way: acknowledgements come once a second, or a bit later
HELD = samples(100)  # of these, at most, codecs hold back, and a call may have lost

LOST = 0.02  # seconds missing that a device has to admit to before they count as a gap
AWAY = 1.0  # and when it admits to nothing: sound servers correct their clocks by half of that
WHILE = 5.0  # seconds until it is read anew when position 0 was: crystals differ, and buffers fill

FULL_SCALE = 32_768
FLOOR = -96.0  # dBFS: less than one step of 16 bits
MUTE = 5  # seconds of nothing but zeros: no microphone is so quiet that is not switched off

SPARSE = 4  # of so many samples one is looked at for the loudness: as true, and sooner done
SHOWN = 0.3  # seconds a level looks back
CLIPPED = 2.0  # seconds a clipped sample is remembered: long enough to be seen


@dataclass(frozen=True, slots=True)
class Level:
    """How loud it is now, in dB below full scale."""

    peak: float = FLOOR
    rms: float = FLOOR
    clipping: bool = False
    """Some samples hit the limit: too loud, or too near."""

    @property
    def level(self) -> float:
        """The one number for a bar."""
        return self.peak


class Loudness:
    """The level of the newest sound. Times are seconds of `clock`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._blocks: deque[tuple[float, int, float]] = deque()
        self._clipped = -math.inf

    def push(self, pcm: bytes) -> None:
        """Some more, at least a sample."""
        values = array("h", pcm)
        low, high, now = min(values), max(values), self.clock()
        peak = max(high, -low)
        if peak >= FULL_SCALE - 1:
            self._clipped = now
        some = values[::SPARSE]
        self._blocks.append((now, peak, sum(map(mul, some, some)) / len(some)))
        self._forget(now)

    def level(self) -> Level:
        """As of now: silence when nothing has come for a while."""
        now = self.clock()
        self._forget(now)
        if not self._blocks:
            return Level(clipping=now - self._clipped < CLIPPED)
        power = sum(block[2] for block in self._blocks) / len(self._blocks)
        peak = max(block[1] for block in self._blocks)
        return Level(_db(peak), _db(math.sqrt(power)), now - self._clipped < CLIPPED)

    def _forget(self, now: float) -> None:
        while self._blocks and self._blocks[0][0] < now - SHOWN:
            self._blocks.popleft()


def _db(amplitude: float) -> float:
    return max(FLOOR, 20 * math.log10(amplitude / FULL_SCALE)) if amplitude else FLOOR


class Timeline:
    """The position each block of a device begins at, and when each position was captured.

    Positions follow the device's count of samples, and the clock only where the device was away: so
    a clock that is read a little wrong never cuts a word. Of what the clock said in the last
    seconds the earliest counts: no caption seems less late than it is.
    """

    def __init__(self) -> None:
        self.end = 0
        # The second at which position 0 was captured, by the blocks of now and of a while ago.
        self._zero = self._zero_before = math.inf
        self._turn = samples(WHILE * 1000)

    def push(self, count: int, captured: float, lost: bool = False) -> int:
        """The position of so many samples, of which the first was captured at that second.

        `lost`: the device says that it missed something before them.
        """
        late = captured - self.captured(self.end)
        if late > (LOST if lost else AWAY):
            self.end += samples(late * 1000)
        if self.end > self._turn:
            self._zero_before, self._zero = self._zero, math.inf
            self._turn = self.end + samples(WHILE * 1000)
        self._zero = min(self._zero, captured - self.end / SAMPLE_RATE)
        start, self.end = self.end, self.end + count
        return start

    def captured(self, position: int) -> float:
        """The second at which the sample before this position was captured; inf before all."""
        return min(self._zero, self._zero_before) + position / SAMPLE_RATE


class Capture:
    """The frames of a microphone as they are captured, until `stop`.

    Position 0 is what it hears when the first frame is asked for; the level is there before.
    """

    def __init__(self, say: Callable[[str], None] = lambda sentence: None) -> None:
        self.say = say
        self.timeline = Timeline()
        self.loudness = Loudness()
        self.device = ""
        """Its name, while it is there."""
        self._converter = Converter(SAMPLE_RATE)
        self._waiting: deque[AudioFrame] = deque()
        self._news = asyncio.Event()
        self._asked = self._stopped = False
        self._zeros = 0  # blocks in a row

    def level(self) -> Level:
        """How loud it is now."""
        return self.loudness.level()

    def captured(self, position: int) -> float:
        """The second (monotonic) at which a position was captured."""
        return self.timeline.captured(position)

    def stop(self) -> None:
        """No more: iteration ends after what has been captured."""
        self._stopped = True
        self._news.set()

    def push(self, block: Block) -> None:
        """One block of the device; the oldest go when too many wait."""
        if block.first:
            self._converter = Converter(block.rate)
        captured = block.captured - self._converter.held
        self.loudness.push(block.pcm)
        self._suspect(block.pcm)
        pcm = self._converter.push(block.pcm)
        if not pcm or not self._asked or self._stopped:
            return
        start = self.timeline.push(len(pcm) // 2, captured, block.first or block.lost)
        self._waiting.append(AudioFrame(start, pcm))
        while self._waiting[-1].end - self._waiting[0].start > samples(UNSENT_MS):
            self._waiting.popleft()
        self._news.set()

    def _suspect(self, pcm: bytes) -> None:
        """Say, once, that somebody may speak in vain."""
        if self._zeros < 0:
            return
        self._zeros = self._zeros + 1 if pcm.count(0) == len(pcm) else 0
        if self._zeros == MUTE * BLOCKS:
            self._zeros = -1
            self.say(
                f"the microphone {self.device} gives nothing but silence: is it switched off,"
                " or muted in the system's sound settings?"
            )

    def found(self, device: str, sentence: str = "") -> None:
        """The microphone is there, or ("") no longer; the sentence is for the speaker."""
        self.device = device
        if sentence:
            self.say(sentence)

    async def __aiter__(self) -> AsyncIterator[AudioFrame]:
        self._asked = True
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._stopped:
                return
            self._news.clear()
            await self._news.wait()


@asynccontextmanager
async def listening(
    name: str = "", say: Callable[[str], None] = lambda sentence: None
) -> AsyncIterator[Capture]:
    """Listen to the microphone of that name ("": the system's choice) while the block lasts.

    DeviceError at once if there is none. One that goes away later is said, and tried again.
    """
    capture = Capture(say)
    keeper = Keeper(name, capture)
    try:
        await keeper.start()
        yield capture
    finally:
        capture.stop()
        await keeper.stop()


class Microphone:
    """Sends frames as they come; those of a muted time are told as a gap when it is over."""

    def __init__(self, link: Link, clock: Callable[[], float] = time.monotonic) -> None:
        self.link = link
        self.muted = False
        self.loudness = Loudness(clock)
        self._clock = clock
        self._sent = 0
        """The position up to which the server has been told everything."""
        self._acknowledges = False
        self._on_the_way: tuple[int, float] | None = None
        """A position that is not acknowledged yet, and the second at which it was sent."""

    def level(self) -> Level:
        """How loud it is now, muted or not."""
        return self.loudness.level()

    async def mute(self, on: bool) -> None:
        """From now on nothing is sent, or everything is again."""
        self.muted = on
        await self.link.mute(on)

    async def move(self, link: Link) -> None:
        """Speak into another connection, which has heard nothing of us yet."""
        self.link, self._sent = link, 0
        self._acknowledges, self._on_the_way = False, None
        if self.muted:
            await link.mute(True)

    def arrived(self, position: int) -> None:
        """The server has everything before this (`audio.ack`)."""
        self._acknowledges = True
        if self._on_the_way is not None and self._on_the_way[0] <= position + HELD:
            self._on_the_way = None

    async def speak(self, frames: AsyncIterable[AudioFrame]) -> None:
        """All of these frames; the connection stays open for reading.

        While the network holds up what was sent before, they are dropped as if muted.
        """
        async for frame in frames:
            self.loudness.push(frame.pcm)
            if self.muted or self._stuck():
                continue
            link = self.link
            if frame.start > self._sent:
                await link.gap(self._sent, frame.start)
            await link.send_audio(frame.pcm)
            if link is self.link:
                self._sent = frame.end
                self._on_the_way = self._on_the_way or (frame.end, self._clock())

    def _stuck(self) -> bool:
        """Whether what is on the way has been there so long that more would only come late."""
        if not self.link.connected:
            self._on_the_way = None  # the link keeps it, and sends it in time
        if not self._acknowledges or self._on_the_way is None:
            return False
        return self._clock() - self._on_the_way[1] > UNACKED
