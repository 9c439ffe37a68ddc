"""Audio by WebRTC, from a participant's packets to frames at their positions."""

import asyncio
import time
from typing import Any

import pytest

from server.webrtc import inside
from server.webrtc.offer import Reach, Refused, checked
from server.webrtc.peer import BURST, Ordered, Peer
from streaming.jitter import DEEPEST, Frame
from tests.server.webrtc.browser import HERE, browser, losing

pytestmark = pytest.mark.socket

PACKETS = [bytes([0x78, number % 251]) for number in range(240)]  # 20 ms of nothing much
SAMPLES = 320
SOON_S = 20


class Heard:
    """What came out; `until` waits for a frame."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.came = asyncio.Condition()
        self.tasks: set[asyncio.Task[None]] = set()

    def __call__(self, frame: Frame) -> None:
        self.frames.append(frame)
        task = asyncio.create_task(self._tell())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _tell(self) -> None:
        async with self.came:
            self.came.notify_all()

    async def until(self, payload: bytes) -> None:
        async with asyncio.timeout(SOON_S), self.came:
            await self.came.wait_for(lambda: any(one.payload == payload for one in self.frames))


async def call(heard: Heard, share: float = 0.0) -> Peer:
    """A participant calls, says everything, and leaves."""
    peer = Peer(heard, [HERE])
    async with browser(PACKETS, losing(share)) as one:
        answer = await peer.answer(checked((await one.offer()).encode(), Reach(loopback=True)))
        await one.accept(answer)
        await heard.until(PACKETS[-1] if not share else last(share))
    return peer


def last(share: float) -> bytes:
    """The last packet that such a network delivers."""
    lost = losing(share)
    return [packet for number, packet in enumerate(PACKETS) if not lost(number)][-1]


async def test_every_packet_is_heard_at_its_position() -> None:
    heard = Heard()
    peer = await call(heard)
    await peer.close()
    assert [frame.payload for frame in heard.frames] == PACKETS
    assert [frame.start for frame in heard.frames] == [n * SAMPLES for n in range(len(PACKETS))]


async def test_what_a_bad_network_delivers_is_heard_at_its_position() -> None:
    heard = Heard()
    peer = await call(heard, 0.05)
    await peer.close()
    lost = losing(0.05)
    arrived = [number for number in range(len(PACKETS)) if not lost(number)]
    assert [frame.payload for frame in heard.frames] == [PACKETS[number] for number in arrived]
    assert [frame.start for frame in heard.frames] == [number * SAMPLES for number in arrived]
    assert peer.ordered.buffer.lost


async def test_a_participant_who_hangs_up_is_gone() -> None:
    peer = await call(Heard())
    await asyncio.wait_for(peer.gone.wait(), SOON_S)
    await peer.close()


async def test_media_sockets_are_on_the_addresses_that_were_named() -> None:
    peer = Peer(lambda frame: None, [HERE])
    async with browser(PACKETS) as one:
        answer = await peer.answer(checked((await one.offer()).encode(), Reach(loopback=True)))
    await peer.close()
    candidates = [line for line in answer.splitlines() if line.startswith("a=candidate:")]
    assert candidates and all(f" {HERE} " in line for line in candidates)


async def test_an_offer_that_only_looks_like_one_is_refused() -> None:
    peer = Peer(lambda frame: None, [HERE])
    with pytest.raises(Refused, match="cannot be understood"):
        await peer.answer("v=0\r\nm=audio x UDP/TLS/RTP/SAVPF 111\r\n")
    await peer.close()


async def test_aiortc_still_has_what_we_reach_into() -> None:
    await inside.check()


@pytest.mark.parametrize("name", [inside.JITTER_BUFFER, inside.CONNECTION])
async def test_a_name_that_moved_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "JITTER_BUFFER", inside.JITTER_BUFFER + name[:1])
    monkeypatch.setattr(inside, "CONNECTION", inside.CONNECTION + name[:1])
    with pytest.raises(inside.Moved, match="aiortc's"):
        await inside.check()


class Rtp:
    """A packet as aiortc has it."""

    def __init__(self, number: int, payload: bytes = b"x") -> None:
        self.sequence_number = number % 2**16
        self.timestamp = number * 960 % 2**32
        self._data = payload


async def test_who_floods_is_heard_as_far_as_a_microphone_goes() -> None:
    heard: list[Frame] = []
    ordered = Ordered(heard.append, asyncio.get_running_loop())
    began = time.monotonic()
    for number in range(10_000):
        ordered.add(Rtp(number))
    passed = time.monotonic() - began
    assert len(heard) <= BURST + 1 + 150 * passed
    assert 0 <= 10_000 - ordered.dropped - len(heard) < DEEPEST  # behind one that was dropped
    ordered.close()


@pytest.mark.parametrize("payload", [b"", b"x" * 1276])
async def test_what_cannot_be_opus_is_not_heard(payload: bytes) -> None:
    heard: list[Frame] = []
    ordered = Ordered(heard.append, asyncio.get_running_loop())
    packet: Any = Rtp(0, payload)
    ordered.add(packet)
    assert (heard, ordered.dropped) == ([], 1)


async def test_the_last_packet_behind_a_lost_one_is_heard_without_another() -> None:
    heard: asyncio.Queue[Frame] = asyncio.Queue()
    ordered = Ordered(heard.put_nowait, asyncio.get_running_loop())
    ordered.add(Rtp(0))
    ordered.add(Rtp(2))
    assert (await heard.get()).start == 0
    frame = await asyncio.wait_for(heard.get(), SOON_S)
    assert frame.start == 2 * SAMPLES
    ordered.close()
