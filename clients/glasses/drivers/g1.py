"""Even Realities G1: two arms, each a Bluetooth LE connection of its own, text into their own font.

Written from what the maker's demo and others have published; docs/glasses.md says what is known and
what nobody here has tried. Every packet goes to the left arm, and when that has acknowledged it to
the right one. Above 390 bytes of text the glasses crash, which the layout never asks for.
"""

import asyncio
import time
from collections.abc import Callable, Iterator

from clients.glasses.faces import Face
from clients.glasses.profiles import Profile
from clients.glasses.screen import Screen

from . import DisplayError, Driver, Place
from .radio import Find, Radio

TEXT, HEARTBEAT, EXIT, BEGIN = 0x4E, 0x25, 0x18, 0x4D
DONE, MORE = 0xC9, 0xCB  # acknowledgements: of the last packet, and of one with more to follow
SHOW_TEXT = 0x71  # new content, as text
CHUNK = 176  # bytes of text in a packet
ANSWER = 0.5  # seconds an arm may take to acknowledge
TRIES = 3  # of a packet whose acknowledgement does not come
BEAT = 8.0  # seconds between two heartbeats: without them the glasses hang up


class Arm:
    """One side: a packet is sent when it has been acknowledged."""

    def __init__(self, side: str, radio: Radio) -> None:
        self.side = side
        self.radio = radio
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._gone = False

    async def open(self) -> None:
        """Connect."""
        await self.radio.connect(self._answers.put_nowait, self._lost)

    async def ask(self, packet: bytes, good: Callable[[bytes], bool]) -> None:
        """Send it until it is acknowledged. DisplayError: it never was."""
        for _ in range(TRIES):
            while not self._answers.empty():
                self._answers.get_nowait()  # what came too late for an earlier one
            self.check()
            await self.radio.write(packet)
            try:
                async with asyncio.timeout(ANSWER):
                    await self._answered(packet[0], good)
                return
            except TimeoutError:
                continue
        raise DisplayError(f"the {self.side} arm of the glasses does not answer")

    def check(self) -> None:
        """DisplayError if it has hung up."""
        if self._gone:
            raise DisplayError(f"the {self.side} arm of the glasses is gone")

    async def _answered(self, command: int, good: Callable[[bytes], bool]) -> None:
        while True:
            answer = await self._answers.get()
            self.check()
            if answer[:1] != bytes([command]):
                continue  # a touch, the state of the battery
            if good(answer):
                return
            raise DisplayError(f"the {self.side} arm of the glasses refused with {answer.hex(' ')}")

    def _lost(self) -> None:
        self._gone = True
        self._answers.put_nowait(b"")


class G1(Driver):
    """Both arms."""

    def __init__(
        self,
        profile: Profile,
        face: Face,
        place: Place,
        find: Find | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find or _bluetooth()
        self._clock = clock
        self._most = profile.max_bytes or 390
        self._arms: tuple[Arm, ...] = ()
        self._count = 0
        self._beaten = 0.0

    async def open(self) -> None:
        """Find both arms and greet them."""
        left, right = await self._find()
        self._arms = Arm("left", left), Arm("right", right)
        for arm in self._arms:
            await arm.open()
        await self._ask(bytes([BEGIN, 1]), _done)
        self._beaten = self._clock()

    async def show(self, screen: Screen) -> None:
        """Instead of what they show."""
        assert screen.size <= self._most, "the layout keeps to what the glasses can take"
        await self.check()
        self._count = (self._count + 1) % 256
        sent = list(packets(screen.text, self._count))
        for arm in self._arms:
            for packet in sent:
                await arm.ask(packet, _done)

    async def check(self) -> None:
        """Tell both arms that we are there; DisplayError if one is not."""
        for arm in self._arms:
            arm.check()
        if self._clock() - self._beaten >= BEAT:
            self._count = count = (self._count + 1) % 256
            await self._ask(bytes([HEARTBEAT, 6, 0, count, 4, count]), _beating)
            self._beaten = self._clock()

    async def close(self) -> None:
        """Back to their own dashboard."""
        arms, self._arms = self._arms, ()
        for arm in arms:
            try:
                await arm.radio.write(bytes([EXIT]))
            except DisplayError:
                pass
            finally:
                await arm.radio.disconnect()

    async def _ask(self, packet: bytes, good: Callable[[bytes], bool]) -> None:
        for arm in self._arms:
            await arm.ask(packet, good)


def _bluetooth() -> Find:
    from .bluetooth import find  # bleak, which only these glasses need

    return find


def packets(text: str, count: int) -> Iterator[bytes]:
    """A whole screen as packets of at most `CHUNK` bytes of text, none of them cut in a letter."""
    chunks = list(_chunks(text or " "))
    for place, chunk in enumerate(chunks):
        page, pages = 0, 1
        yield bytes([TEXT, count, len(chunks), place, SHOW_TEXT, 0, 0, page, pages]) + chunk


def _chunks(text: str) -> Iterator[bytes]:
    chunk = b""
    for letter in text:
        more = letter.encode()
        if len(chunk) + len(more) > CHUNK:
            yield chunk
            chunk = b""
        chunk += more
    yield chunk


def _done(answer: bytes) -> bool:
    return len(answer) > 1 and answer[1] in (DONE, MORE)


def _beating(answer: bytes) -> bool:
    return len(answer) > 4 and answer[4] == 4
