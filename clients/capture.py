"""Keep one microphone open, in a thread of its own: opening, closing and retrying may take seconds.

    opening -- a first block -->      listening
    listening -- no more blocks -->   opening, again and again, 250 ms to 5 s apart

Only the very first opening may fail. What is heard and found goes to an `Ear`, in the event loop.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, Protocol

from streaming.values import SAMPLE_RATE

from .devices import Device, DeviceError, chosen, devices, reason, sounddevice, streaming

BLOCKS = 50  # a second: 20 ms each
RETRY = 0.25, 5.0  # seconds until the next try: the first, doubling to the longest
SILENT = 3.0  # seconds without a block: then it is gone, whatever the system says
LOOK = 0.25  # seconds between two looks at whether it still runs
OLDEST = 2.0  # seconds since its capture: when a clock says more it is wrong
LEAVING = 1.0  # seconds a device may take to close; then it is left to the end of the process
TAKEN = -9985  # PortAudio's "Device unavailable"


@dataclass(frozen=True, slots=True)
class Block:
    """Some sound as the device gave it: mono, 16 bits."""

    pcm: bytes
    rate: int
    captured: float
    """The second (monotonic) at which its first sample was captured."""
    lost: bool = False
    """The device missed something before it."""
    first: bool = False
    """The first since the device was opened."""


class Ear(Protocol):
    """Who is told, in the event loop."""

    def push(self, block: Block) -> None:
        """Some sound."""

    def found(self, device: str, sentence: str = "") -> None:
        """The device is there, or ("") no longer; the sentence says so, where it is news."""


class Keeper:
    """Start it and stop it once each; in between the ear hears."""

    def __init__(self, name: str, ear: Ear, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._ear = ear
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._ended = asyncio.Event()
        self._quit = Event()
        self._wake = Event()
        self._known = ""  # what it was called when it was last there
        self._missed = False  # the speaker has been told that it is away
        self._block_at = 0.0

    async def start(self) -> None:
        """Returns once it is open; DeviceError if it cannot be."""
        Thread(target=self._run, name="microphone", daemon=True).start()
        await self._opened

    async def stop(self) -> None:
        """Returns once it is closed, or hangs."""
        self._quit.set()
        self._wake.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), LEAVING)

    # In the thread

    def _run(self) -> None:
        wait = RETRY[0]
        try:
            while not self._quit.is_set():
                try:
                    heard = self._listen()
                except Exception as error:  # whatever a sound system does, the room goes on
                    if not self._known:
                        self._tell(self._settle, _said(error))
                        return
                    heard = False
                self._away()
                wait = RETRY[0] if heard else min(2 * wait, RETRY[1])
                self._quit.wait(wait)
        finally:
            self._tell(self._ended.set)

    def _listen(self) -> bool:
        """Open it and stay until it is gone; whether it was heard. DeviceError: it is not there."""
        library = sounddevice()
        device = chosen(self.name, devices(fresh=bool(self._known)))
        self._wake.clear()
        self._block_at = 0.0
        with streaming():
            stream = self._open(library, device)
            try:
                if not self._known:
                    self._known = device.name
                    self._tell(self._ear.found, device.name)
                    self._tell(self._settle)
                self._stay(library, stream)
            finally:
                with suppress(library.PortAudioError):
                    stream.abort()
                    stream.close()
        return self._block_at > 0

    def _open(self, library: Any, device: Device) -> Any:
        """A running stream: at 16 kHz, or as the device runs by itself."""
        why = "it has no rate"
        for rate in dict.fromkeys((SAMPLE_RATE, device.rate)):
            try:
                return _started(
                    library.RawInputStream(
                        samplerate=rate,
                        blocksize=rate // BLOCKS,
                        device=device.index,
                        channels=1,
                        dtype="int16",
                        latency="low",
                        callback=self._callback(device, rate),
                        finished_callback=self._wake.set,
                    )
                )
            except (library.PortAudioError, ValueError) as error:
                taken = len(error.args) > 1 and error.args[1] == TAKEN
                hint = "; another program may be using it" if taken else ""
                why = reason(error) + hint
        raise DeviceError(f"the microphone {device.name} cannot be opened: {why}")

    def _callback(self, device: Device, rate: int) -> Callable[[Any, int, Any, Any], None]:
        """What PortAudio calls with each block, in yet another thread: short, and never fails."""

        def block(data: Any, count: int, at: Any, status: Any) -> None:
            now = self._clock()
            first, self._block_at = not self._block_at, now
            if first:
                self._there(device)
            captured = now - age(at.currentTime, at.inputBufferAdcTime, count / rate)
            lost = bool(status.input_overflow)
            self._tell(self._ear.push, Block(bytes(data), rate, captured, lost, first))

        return block

    def _stay(self, library: Any, stream: Any) -> None:
        """Until it is gone or nobody wants to hear."""
        last = self._clock()
        with suppress(library.PortAudioError):
            while not self._quit.is_set() and stream.active:
                if self._wake.wait(LOOK):
                    self._wake.clear()
                last = max(last, self._block_at)
                if self._clock() - last > SILENT:
                    return

    def _there(self, device: Device) -> None:
        """It is heard; said if it had been away."""
        if not self._missed:
            return
        self._missed = False
        again = device.name == self._known
        self._known = device.name
        words = f"{device.name} is back" if again else f"listening to {device.name} now"
        self._tell(self._ear.found, device.name, f"the microphone {words}" if again else words)

    def _away(self) -> None:
        """It is not heard; said once."""
        if self._missed or self._quit.is_set():
            return
        self._missed = True
        sentence = f"the microphone {self._known} is gone: listening again as soon as it is back"
        self._tell(self._ear.found, "", sentence)

    def _settle(self, error: DeviceError | None = None) -> None:
        """In the loop: the first opening went well, or did not."""
        if self._opened.done():
            return
        if error is None:
            self._opened.set_result(None)
        else:
            self._opened.set_exception(error)

    def _tell(self, what: Callable[..., None], *told: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody listens
            self._loop.call_soon_threadsafe(what, *told)


def _said(error: Exception) -> DeviceError:
    """The same in a sentence."""
    if isinstance(error, DeviceError):
        return error
    return DeviceError(f"the microphone does not work: {reason(error)}")


def _started(stream: Any) -> Any:
    """It runs, or it is closed."""
    try:
        stream.start()
    except BaseException:
        stream.close()
        raise
    return stream


def age(now: float, captured: float, lasts: float) -> float:
    """How long ago the first sample of a block was captured, by the stream's own clock.

    It cannot be less than the block lasts. Some systems do not tell, and some tell nonsense.
    """
    told = now - captured
    return max(told, lasts) if captured > 0 and told < OLDEST else lasts
