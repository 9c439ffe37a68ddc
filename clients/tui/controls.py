"""What the keys can change at the other end of the connection."""

from collections.abc import Sequence
from typing import Protocol

from clients.latency import Captured
from streaming.messages import Stability


class Controls(Protocol):
    """What the keys can ask of the connection."""

    async def mute(self, on: bool) -> None:
        """Whether our microphone is to be silent."""

    async def show_source(self, on: bool) -> None:
        """Whether the speakers' own words are wanted."""

    async def read(self, reads: Sequence[str], source: bool) -> None:
        """Which languages are wanted from now on."""

    async def hear(self, hears: Sequence[str]) -> Captured | None:
        """Which languages we speak from now on; a Problem says why that cannot be.

        When each position of our sound was captured; None without a microphone.
        """

    async def steady(self, stability: Stability) -> None:
        """How soon words are wanted, and how sure."""

    async def ping(self, t: float) -> None:
        """To be answered with the same number."""
