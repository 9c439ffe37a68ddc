"""The arms of a pair of G1 on this machine's Bluetooth, by bleak."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError

from . import DisplayError
from .radio import Radio

WRITE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"  # of Nordic's UART service
NOTIFY = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
NAME = re.compile(r"G1_(\d+)_([LR])_")  # as in "Even G1_45_L_92333": pair 45, its left arm
WRITING = 2.0  # seconds
SCAN = 10.0  # seconds to look for both arms


class BleakRadio:
    """One arm."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self._client: BleakClient | None = None

    async def connect(self, heard: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        """See `Radio`."""
        client = BleakClient(self._device, disconnected_callback=lambda _: lost())
        try:
            await client.connect()
            self._client = client
            await client.start_notify(NOTIFY, lambda _, data: heard(bytes(data)))
        except (BleakError, OSError, TimeoutError, EOFError) as error:
            raise DisplayError(f"an arm of the glasses cannot be reached: {error}") from error

    async def write(self, packet: bytes) -> None:
        """See `Radio`."""
        try:
            async with asyncio.timeout(WRITING):
                assert self._client is not None
                await self._client.write_gatt_char(WRITE, packet, response=False)
        except (BleakError, OSError, TimeoutError, EOFError) as error:
            raise DisplayError(f"an arm of the glasses takes nothing: {error}") from error

    async def disconnect(self) -> None:
        """See `Radio`."""
        if self._client is not None:
            with suppress(BleakError, OSError, TimeoutError, EOFError):
                await self._client.disconnect()


async def find() -> tuple[Radio, Radio]:
    """The first pair of which both arms are seen."""
    arms: dict[str, dict[str, Any]] = {}
    pair: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def seen(device: Any, _: object) -> None:
        if found := NAME.search(device.name or ""):
            number, side = found.groups()
            arms.setdefault(number, {})[side] = device
            if len(arms[number]) == 2 and not pair.done():
                pair.set_result(arms[number])

    try:
        async with BleakScanner(seen), asyncio.timeout(SCAN):
            both = await pair
    except TimeoutError as error:
        one = next((side for sides in arms.values() for side in sides), "")
        what = {"L": "only the left arm", "R": "only the right arm", "": "no G1"}[one]
        raise DisplayError(
            f"{what} is in reach: are they out of their case, and forgotten by the phone?"
        ) from error
    except (BleakError, OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise DisplayError(
            f"Bluetooth does not work here ({why.lower()}): is bluetoothd running?"
        ) from error
    return BleakRadio(both["L"]), BleakRadio(both["R"])
