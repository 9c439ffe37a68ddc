"""Speak by WebRTC: our own Opus packets over RTP, for networks that lose some of them.

Captions travel by WebSocket as ever; this is the audio alone. The packets are made here, 24 kbit/s
and one channel: what aiortc would make of samples is four times that, in stereo. Needs the extra
`webrtc`.

    async with Caller(url, room, link.welcome.key) as caller:
        await caller.speak(frames)
"""

import asyncio
import urllib.error
import urllib.request
from collections.abc import AsyncIterable, Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from http.client import HTTPException
from typing import Any, Self
from urllib.parse import quote, urljoin

import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from streaming.values import SAMPLE_RATE, AudioFrame

from .opus import PACKET, Encoder
from .wire import LinkError

RTP_RATE = 48_000  # of Opus, whatever the samples' (RFC 7587, 4.1)
WAITING = 50  # packets, a second, that may wait for a network that stalls
ANSWERS_S = 5.0  # seconds for an offer
ENDED_S = 2.0  # for goodbye: the server notices without it, too
CONNECTS_S = 5.0  # until packets get through: beyond, the WebSocket serves better

Prepare = Callable[[RTCPeerConnection], None]


class _Track(MediaStreamTrack):
    """Packets, as aiortc takes them."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.packets: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(WAITING)

    async def recv(self) -> Any:
        if self.readyState != "live":
            raise MediaStreamError
        at, payload = await self.packets.get()
        self.packets.task_done()
        packet = av.Packet(payload)
        packet.pts, packet.time_base = at, Fraction(1, RTP_RATE)
        return packet


class Caller:
    """One call: made when the block is entered, ended when it is left."""

    def __init__(
        self,
        url: str,
        room: str,
        key: str,
        servers: Sequence[str] = (),
        prepare: Prepare | None = None,
    ) -> None:
        """`url`: the server's, as a link takes it; `key`: of the participant, from `welcome`;
        `servers`: STUN and TURN addresses, as stun:host:port; `prepare`: sees the connection
        before it looks for its own addresses."""
        base = url if "://" in url else f"http://{url}"
        base = base.replace("ws", "http", 1) if base.startswith("ws") else base
        self._place = f"{base.rstrip('/')}/v1/rooms/{quote(room, safe='')}/whip"
        self._key = key
        ice = [RTCIceServer(one) for one in servers]
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=ice))
        self._prepare = prepare
        self._track, self._encoder = _Track(), Encoder()
        self._call = ""
        self.position = 0
        """Of the sample that is sent next, from the first of this call."""
        self.dropped = 0
        """Packets that the network did not take in time."""
        self.gone = asyncio.Event()
        """The call broke: make another."""

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._connection.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(LinkError):
            await asyncio.to_thread(self._ask, "DELETE", self._call, b"", ENDED_S)
        await self._connection.close()

    async def speak(self, frames: AsyncIterable[AudioFrame]) -> None:
        """Send frames as they come, until they end or the call breaks. Positions that no frame has
        are not sent, and not heard."""
        async for frame in frames:
            if self.gone.is_set():
                return
            self.send(frame)

    def send(self, frame: AudioFrame) -> None:
        """Send one frame; what the network does not take is dropped, and its time passes."""
        self.position = max(self.position, frame.start)
        for payload in self._encoder.push(frame.pcm):
            self.put(self.position, payload)
            self.position += PACKET

    def put(self, position: int, payload: bytes) -> None:
        """Send one Opus packet, of which this is the first sample's position; or drop it."""
        try:
            self._track.packets.put_nowait(_ticking(position, payload))
        except asyncio.QueueFull:
            self.dropped += 1

    async def put_all(self, position: int, payload: bytes) -> None:
        """The same, dropping nothing: it waits until the network takes more."""
        await self._track.packets.put(_ticking(position, payload))

    async def flushed(self) -> None:
        """Wait until all of it is on the way."""
        await self._track.packets.join()

    async def _open(self) -> None:
        connected = asyncio.Event()

        def changed() -> None:
            state = self._connection.connectionState
            if state == "connected":
                connected.set()
            elif state in ("failed", "closed"):
                self.gone.set()

        self._connection.on("connectionstatechange", changed)
        self._connection.addTrack(self._track)
        for transceiver in self._connection.getTransceivers():
            transceiver.direction = "sendonly"
        if self._prepare is not None:
            self._prepare(self._connection)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        # As the handshake's client we know that the server is ready, and not only that we are: it
        # would not hear the first packets otherwise (RFC 8842, 5.2 leaves that to the answer).
        offer = self._connection.localDescription.sdp.replace("a=setup:actpass", "a=setup:active")
        answer, place = await asyncio.to_thread(self._ask, "POST", self._place, offer.encode())
        self._call = urljoin(self._place, place)
        await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        try:
            async with asyncio.timeout(CONNECTS_S):
                await connected.wait()
        except TimeoutError as error:
            why = f"no packets get through to the server within {CONNECTS_S:.0f} s"
            raise LinkError(None, f"{why}: is UDP blocked? Use another transport", False) from error

    def _ask(
        self, method: str, place: str, body: bytes, within: float = ANSWERS_S
    ) -> tuple[str, str]:
        """(the answer, where the call is). LinkError."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/sdp"}
        asked = urllib.request.Request(place, data=body or None, headers=headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=within) as answer:
                return answer.read(1 << 16).decode(), answer.headers.get("Location", "")
        except urllib.error.HTTPError as error:
            why = error.read(500).decode(errors="replace").strip()
            if error.code == 404:
                why = "it takes no calls: it was not started with --webrtc"
            raise LinkError(None, f"the server refused the call: {why}", False) from error
        except (OSError, HTTPException, ValueError) as error:
            raise LinkError(None, f"no answer to the call: {error}", True) from error


def _ticking(position: int, payload: bytes) -> tuple[int, bytes]:
    return position * (RTP_RATE // SAMPLE_RATE), payload
