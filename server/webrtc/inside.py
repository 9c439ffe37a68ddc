"""The two places inside aiortc and aioice that we reach into, and nothing else does.

Both have no public way. They are looked at when WebRTC is switched on, so a new version that moved
them is noticed then, and by a test.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from aiortc import RTCPeerConnection, RTCRtpReceiver

JITTER_BUFFER = "_RTCRtpReceiver__jitter_buffer"
CONNECTION = "_connection"
GATHER = "get_component_candidates"


class Moved(RuntimeError):
    """aiortc is not built as we know it; the text names what is missing."""


class Ordering(Protocol):
    """What a receiver hands its packets to."""

    def add(self, packet: Any) -> tuple[bool, None]:
        """Take an RTP packet. (a picture is to be sent anew, no frame for aiortc to decode)"""
        ...


def replace_buffer(receiver: RTCRtpReceiver, buffer: Ordering) -> None:
    """Give a receiver's packets to `buffer`. aiortc's own stops at the first packet lost, for
    280 ms, and loses valid ones after it."""
    if not hasattr(receiver, JITTER_BUFFER):
        raise Moved(f"aiortc's RTCRtpReceiver has no {JITTER_BUFFER}")
    setattr(receiver, JITTER_BUFFER, buffer)


def bind(receiver: RTCRtpReceiver, addresses: Sequence[str]) -> None:
    """Open media sockets on `addresses` alone, loopback too; aioice takes every address of the
    machine but loopback. Before candidates are gathered."""
    connection: Any = getattr(receiver.transport.transport.iceGatherer, CONNECTION, None)
    gather: Callable[..., Any] | None = getattr(connection, GATHER, None)
    if gather is None:
        raise Moved(f"aiortc's RTCIceGatherer has no {CONNECTION} with {GATHER}")

    def gathered(component: int, addresses_found: Sequence[str], timeout: int = 5) -> Any:
        return gather(component=component, addresses=list(addresses), timeout=timeout)

    setattr(
        connection,
        GATHER,
        lambda component, addresses, timeout=5: gathered(component, addresses, timeout),
    )


async def check() -> None:
    """Moved, if something is not where it was."""
    peer = RTCPeerConnection()
    try:
        receiver = peer.addTransceiver("audio", direction="recvonly").receiver
        replace_buffer(receiver, _Nobody())
        bind(receiver, [])
    finally:
        await peer.close()


class _Nobody:
    def add(self, packet: Any) -> tuple[bool, None]:
        return False, None
