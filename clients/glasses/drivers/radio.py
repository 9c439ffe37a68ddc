"""What the G1 driver asks of Bluetooth: the connection of one arm, and a pair of them in reach."""

from collections.abc import Awaitable, Callable
from typing import Protocol


class Radio(Protocol):
    """The Bluetooth connection of one arm."""

    async def connect(self, heard: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        """DisplayError if it cannot be had. From then on what it says is told."""

    async def write(self, packet: bytes) -> None:
        """DisplayError if it is not connected."""

    async def disconnect(self) -> None:
        """It may be gone already."""


Find = Callable[[], Awaitable[tuple[Radio, Radio]]]
"""The left and the right arm of a pair in reach. DisplayError if there is none."""
