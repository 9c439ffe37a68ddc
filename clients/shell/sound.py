"""For `surtitle doctor`: which microphones there are, as lines of JSON.

A process of its own: the libraries of sound print to the terminal, and may hang or crash.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import import_module
from typing import Any

from streaming.findings import Finding

GROUP = "Sound"
NAME = "microphone"


def main(argv: Sequence[str]) -> int:
    """Print what is found; the exit code is 0, whatever that is."""
    for finding in microphones():
        print(json.dumps(asdict(finding)), flush=True)
    return 0


def microphones() -> Iterator[Finding]:
    """What one can speak into. None is no hindrance: one can read, and speak from a file."""
    try:
        sounddevice = import_module("sounddevice")
    except ModuleNotFoundError:
        says = "sounddevice is not installed, so only files can be spoken"
        yield Finding(GROUP, NAME, "note", says, "pip install sounddevice")
        return
    except OSError:  # it is there, and PortAudio, which it loads, is not
        says = "PortAudio is not installed, so only files can be spoken"
        yield Finding(GROUP, NAME, "note", says, "apt-get install libportaudio2")
        return
    about = sounddevice.get_portaudio_version()[1].split(",")[0].removeprefix("PortAudio ")
    yield Finding(GROUP, "PortAudio", "ok", about)
    yield from _devices(sounddevice)


def _devices(sounddevice: Any) -> Iterator[Finding]:
    try:
        devices = [dict(device) for device in sounddevice.query_devices()]
        default = sounddevice.default.device[0]
    except Exception as error:  # PortAudioError, which cannot be named before it is imported
        yield Finding(GROUP, NAME, "note", f"they cannot be listed: {error}")
        return
    heard = [(at, one) for at, one in enumerate(devices) if one["max_input_channels"] > 0]
    if not heard:
        yield Finding(GROUP, NAME, "note", "none is connected: one can read, and speak from a file")
    for at, one in heard:
        usual = ", the default" if at == default else ""
        rate = f"{one['default_samplerate'] / 1000:g} kHz"
        yield Finding(GROUP, NAME, "ok", f"{one['name']} ({rate}{usual})")
