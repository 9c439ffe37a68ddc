"""One participant's audio by WebRTC: the answer to an offer, then packets, in order.

Connection, encryption and reports are aiortc's; it decodes nothing. Its packets go through our
jitter buffer straight to the same decoder that Opus by WebSocket goes to.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)

from streaming.jitter import Frame, JitterBuffer, Packet

from .inside import bind, replace_buffer
from .offer import Refused, answered

MOST = 150  # packets a second: three times what 20 ms make
BURST = 300  # packets at once, after a link was away
LARGEST = 1275  # bytes of an Opus packet (RFC 6716, 3.2.1)

OVER = ("failed", "closed")  # "disconnected" may come back

Hear = Callable[[Frame], None]


class Ordered:
    """aiortc's packets, in order, to whoever hears them."""

    def __init__(self, hear: Hear, loop: asyncio.AbstractEventLoop) -> None:
        self.buffer = JitterBuffer()
        self.came = self.heard = 0
        """Packets that arrived, and those that were given on."""
        self.dropped = 0
        """Packets beyond what a microphone sends."""
        self._hear, self._loop = hear, loop
        self._timer: asyncio.TimerHandle | None = None
        self._allowed, self._filled = float(BURST), loop.time()

    def add(self, packet: Any) -> tuple[bool, None]:
        """Called by aiortc for every packet that was decrypted."""
        now = self._loop.time()
        payload = packet._data
        self.came += 1
        self._allowed = min(BURST, self._allowed + MOST * (now - self._filled))
        self._filled = now
        if self._allowed < 1 or not 0 < len(payload) <= LARGEST:
            self.dropped += 1
            return False, None
        self._allowed -= 1
        one = Packet(packet.sequence_number, packet.timestamp, bytes(payload))
        self._give(self.buffer.push(one, now))
        return False, None

    def counts(self) -> dict[str, int]:
        """What became of packets, by name."""
        buffer = self.buffer
        return {
            "came": self.came,
            "heard": self.heard,
            "lost": buffer.lost,
            "late": buffer.late,
            "doubled": buffer.doubled,
            "dropped": self.dropped,
        }

    def close(self) -> None:
        """Nothing is heard after this."""
        self._hear = _nobody
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self._timer = None
        self._give(self.buffer.tick(self._loop.time()))

    def _give(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            self.heard += 1
            self._hear(frame)
        due = self.buffer.due
        if self._timer is not None and self._timer.when() != due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None and due is not None:
            self._timer = self._loop.call_at(due, self._tick)


class Peer:
    """One WebRTC connection. `answer` an offer; frames come until `close`, or until `gone`."""

    def __init__(self, hear: Hear, addresses: Sequence[str], servers: Sequence[RTCIceServer] = ()):
        """`addresses`: this machine's, for media sockets; [] = all but loopback.
        `servers`: STUN and TURN, none by default."""
        self.gone = asyncio.Event()
        """The connection failed, or was closed by the other side."""
        self.ordered = Ordered(hear, asyncio.get_running_loop())
        self._addresses = addresses
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=list(servers)))
        self._connection.on("connectionstatechange", self._changed)

    async def answer(self, offer: str) -> str:
        """The answer to an offer that was `checked`. Refused: aiortc cannot make sense of it."""
        transceiver = self._connection.addTransceiver("audio", direction="recvonly")
        known = RTCRtpReceiver.getCapabilities("audio")
        opus = [one for one in known.codecs if one.name.lower() == "opus"] if known else []
        transceiver.setCodecPreferences(opus)
        replace_buffer(transceiver.receiver, self.ordered)
        if self._addresses:
            bind(transceiver.receiver, self._addresses)
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            answer = await self._connection.createAnswer()
        except Exception as error:  # its parser raises whatever comes of it
            raise Refused(400, "the offer cannot be understood") from error
        await self._connection.setLocalDescription(answer)
        return answered(self._connection.localDescription.sdp)

    async def close(self) -> None:
        """Hear nothing more, and free its sockets."""
        self.ordered.close()
        await self._connection.close()

    def _changed(self) -> None:
        if self._connection.connectionState in OVER:
            self.gone.set()


def _nobody(frame: Frame) -> None:
    pass
