"""A sound system that does what a test tells it to, in the place of the module sounddevice."""

import math
import struct
from collections.abc import Callable
from threading import Condition, Thread
from types import SimpleNamespace
from typing import Any

WALL = 1_700_000_000.0  # PortAudio's clock may be another than ours: ALSA's is the wall's


class PortAudioError(Exception):
    """As sounddevice has it: a text, PortAudio's number, what the host said."""


def microphone(name: str, rate: float = 48_000.0, channels: int = 2) -> dict[str, Any]:
    """A row of `query_devices`."""
    return {
        "name": name,
        "hostapi": 0,
        "max_input_channels": channels,
        "default_samplerate": rate,
    }


def tone(seconds: float, rate: int, amplitude: int = 16_384, begin: int = 0) -> bytes:
    """A hum, from its sample `begin`."""
    count = round(seconds * rate)
    hum = (int(amplitude * math.sin(440 * math.tau * (begin + n) / rate)) for n in range(count))
    return b"".join(struct.pack("<h", sample) for sample in hum)


class Stream:
    """A stream that was opened; the test gives it sound."""

    def __init__(self, sound: "Sound", **how: Any) -> None:
        self.sound = sound
        self.how = how
        self.active = self.closed = False
        rate = how["samplerate"]
        if sound.refuse is not None and (error := sound.refuse(rate)) is not None:
            with sound.changed:
                sound.refusals += 1
                sound.changed.notify_all()
            raise error
        sound.streams.append(self)

    def start(self) -> None:
        with self.sound.changed:
            self.active = True
            self.sound.changed.notify_all()

    def abort(self) -> None:
        self.active = False

    def close(self) -> None:
        self.closed = True

    def give(self, pcm: bytes, age: float = 0.03, overflow: bool = False, adc: bool = True) -> None:
        """A block, from a thread that is neither the loop's nor the keeper's."""
        at = SimpleNamespace(
            currentTime=WALL, inputBufferAdcTime=WALL - age if adc else 0.0, outputBufferDacTime=0.0
        )
        status = SimpleNamespace(input_overflow=overflow)
        call = Thread(
            target=self.how["callback"], args=(memoryview(pcm), len(pcm) // 2, at, status)
        )
        call.start()
        call.join()

    def vanish(self) -> None:
        """Its plug is pulled."""
        self.active = False
        self.how["finished_callback"]()


class Sound:
    """The module: what it has, and what was done with it."""

    PortAudioError = PortAudioError

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.default = SimpleNamespace(device=[0, 0])
        self.streams: list[Stream] = []
        self.restarts = self.refusals = 0
        self.changed = Condition()
        self.refuse: Callable[[int], Exception | None] | None = None

    def query_devices(self) -> list[dict[str, Any]]:
        return self.rows

    def query_hostapis(self) -> list[dict[str, Any]]:
        return [{"name": "ALSA"}]

    def RawInputStream(self, **how: Any) -> Stream:
        return Stream(self, **how)

    def _terminate(self) -> None:
        assert all(stream.closed for stream in self.streams), "a stream is open"

    def _initialize(self) -> None:
        with self.changed:
            self.restarts += 1
            self.changed.notify_all()

    def until(self, happened: Callable[[], bool]) -> None:
        """Wait for it: call this in a thread."""
        with self.changed:
            assert self.changed.wait_for(happened, 5), "it did not happen"

    def opened(self, count: int = 1) -> Stream:
        """The newest stream, once so many have been opened. Waits: call it in a thread."""
        self.until(lambda: len(self.streams) >= count and self.streams[-1].active)
        return self.streams[-1]
