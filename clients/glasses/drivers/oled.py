"""OLEDs on SPI or I2C by luma.oled, and luma's own emulators on a desk."""

import asyncio
from importlib import import_module
from typing import Any

from clients.console import Problem
from clients.glasses.faces import Face
from clients.glasses.fonts import Font
from clients.glasses.painter import Painter
from clients.glasses.profiles import Luma, Profile
from clients.glasses.screen import Screen

from . import DisplayError, Driver, Place


class Oled(Driver):
    """Its device is opened anew whenever it failed; drawing is done beside the loop."""

    def __init__(self, profile: Profile, face: Face, place: Place) -> None:
        if profile.luma is None or not isinstance(face, Font):
            raise Problem('this profile has no section for luma, or no measure = "font"')
        self.luma = profile.luma
        self.size = {"width": profile.width, "height": profile.height}
        self.mode = "1" if profile.bits == 1 else "RGB"
        self.device: Any = None
        self._painter = Painter(profile, face)

    async def open(self) -> None:
        """Find the device and switch it on."""
        self.device = await self._do(self._made)

    async def show(self, screen: Screen) -> None:
        """All pixels of it."""
        await self._do(lambda: self.device.display(self._image(screen)))

    async def close(self) -> None:
        """Switch it off."""
        if self.device is not None:
            await self._do(self.device.cleanup)
            self.device = None

    def _image(self, screen: Screen) -> Any:
        return self._painter.paint(screen).convert(self.mode)

    def _made(self) -> Any:
        luma = self.luma
        if luma.device == "dummy":
            return import_module("luma.core.device").dummy(mode=self.mode, **self.size)
        if luma.device.startswith("emulator:"):
            name = luma.device.partition(":")[2]
            return _named("luma.emulator.device", name)(mode=self.mode, **self.size)
        serial = import_module("luma.core.interface.serial")
        if luma.interface == "i2c":
            link = serial.i2c(port=luma.bus, address=luma.address)
        else:
            link = serial.spi(port=luma.bus, device=luma.chip, bus_speed_hz=luma.hertz)
        return _named("luma.oled.device", luma.device)(link, rotate=luma.rotate, **self.size)

    async def _do(self, what: Any) -> Any:
        try:
            return await asyncio.to_thread(what)
        except Problem:
            raise
        except ModuleNotFoundError as error:
            raise DisplayError(
                f"the display {describe(self.luma)} needs the package {error.name}, which is not"
                " installed: on a Raspberry Pi, pip install rpi-lgpio spidev"
            ) from error
        except Exception as error:  # luma, its buses and the kernel have an error each
            why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise DisplayError(f"the display {describe(self.luma)} does not work: {why}") from error


def describe(luma: Luma) -> str:
    """What it is and where."""
    if luma.device == "dummy" or luma.device.startswith("emulator:"):
        return luma.device
    if luma.interface == "i2c":
        return f"{luma.device} on I2C bus {luma.bus}, address {luma.address:#x},"
    return f"{luma.device} on SPI {luma.bus}.{luma.chip}"


def _named(module: str, name: str) -> Any:
    found = getattr(import_module(module), name, None)
    if found is None:
        raise Problem(f"{module} has no {name!r}: see luma's list of devices")
    return found
