"""A participant with WebRTC, as a browser would be: its offers, and the packets it sends."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from server.webrtc.inside import bind

HERE = "127.0.0.1"
TICKS = 960  # 20 ms at 48 kHz
CLOCK = Fraction(1, 48_000)


class Opus(MediaStreamTrack):
    """Packets encoded beforehand, as fast as they are taken; then none."""

    kind = "audio"

    def __init__(self, packets: list[bytes]) -> None:
        super().__init__()
        self._packets = iter(enumerate(packets))
        self.over = asyncio.Event()

    async def recv(self) -> Any:
        found = next(self._packets, None)
        if found is None:
            self.over.set()
            await asyncio.Event().wait()
            raise AssertionError("it waits until it is cancelled")
        number, payload = found
        packet = av.Packet(payload)
        packet.pts, packet.time_base = number * TICKS, CLOCK
        return packet


class Browser:
    """One peer connection that sends audio. `offer`, then `accept` the answer."""

    def __init__(self, packets: list[bytes], lose: Callable[[int], bool] = lambda _: False) -> None:
        self.track = Opus(packets)
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.sender = self.connection.addTrack(self.track)
        self._lose = lose

    async def offer(self) -> str:
        bind(self._receiver(), [HERE])
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        self._lossy()
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    def _receiver(self) -> Any:
        return self.connection.getTransceivers()[0].receiver

    def _lossy(self) -> None:
        """Packets are lost behind the encryption, as on a radio."""
        transport: Any = self.sender.transport
        send, numbers = transport._send_rtp, iter(range(1 << 30))

        async def sometimes(data: bytes) -> None:
            report = 192 <= data[1] <= 223  # RFC 5761: RTCP, which is not audio
            if report or not self._lose(next(numbers)):
                await send(data)

        transport._send_rtp = sometimes


@asynccontextmanager
async def browser(
    packets: list[bytes], lose: Callable[[int], bool] = lambda _: False
) -> AsyncIterator[Browser]:
    """It leaves at the end."""
    made = Browser(packets, lose)
    try:
        yield made
    finally:
        await made.connection.close()


def encoded(pcm: bytes, rate: int = 16_000) -> list[bytes]:
    """20 ms packets of Opus at 24 kbit/s, one channel."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = rate, "mono", "s16", 24_000
    codec.options = {"application": "voip", "frame_duration": "20"}
    size = rate // 50 * 2
    packets: list[bytes] = []
    for at in range(0, len(pcm) - size + 1, size):
        frame = av.AudioFrame(format="s16", layout="mono", samples=rate // 50)
        frame.sample_rate = rate
        frame.planes[0].update(pcm[at : at + size])
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets


def losing(share: float, seed: int = 1) -> Callable[[int], bool]:
    """Of the packets after the first."""
    chance = random.Random(seed)
    return lambda number: number > 0 and chance.random() < share
