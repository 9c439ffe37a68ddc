"""Which microphones this machine has, and the sentence that helps where there is none.

PortAudio is asked, through the package sounddevice, and only once somebody wants a microphone:
files and pipes work without either. PortAudio is one for the whole process and lists devices once,
when it starts; `devices` starts it anew, unless a stream is open.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import Any

from .console import Problem
from .plain import clean

MIC = "mic"
"""What `mic` and `mic:NAME` begin with where a file could be named too."""

ECHO = """\
Your own loudspeaker: a microphone also hears what your loudspeaker plays. When people you
listen to come out of it, their words are captioned a second time, as yours. Wear headphones, or
mute (m) while you listen; on PulseAudio or PipeWire, `pactl load-module module-echo-cancel`
makes a microphone without the loudspeaker's sound, for the desktop's sound settings to choose."""

SOUND_CARDS = Path("/dev/snd")

_portaudio = RLock()  # it is not safe to call from two threads
_streams = 0


class DeviceError(Problem):
    """There is no such microphone, or it cannot be heard, and what to do."""


@dataclass(frozen=True, slots=True)
class Device:
    """One microphone."""

    index: int
    name: str
    host: str
    """Which of the system's interfaces it is reached by, such as ALSA."""
    rate: int
    """Samples a second it runs at by itself."""
    default: bool = False
    """What the system listens to when nobody says otherwise."""

    @property
    def whole(self) -> str:
        """Its name with how it is reached, which tells apart what is reached in two ways."""
        return f"{self.name}, {self.host}"


def devices(fresh: bool = True) -> list[Device]:
    """Every microphone, as of now or (not `fresh`) as last asked. DeviceError: none can be had.

    Takes up to a second where there are many: call it in a thread where that matters.
    """
    with _portaudio:
        library = sounddevice()
        if fresh and not _streams:
            restart(library)
        try:
            return _found(library)
        except library.PortAudioError as error:
            raise DeviceError(f"the sound system does not answer: {reason(error)}") from error


def _found(library: Any) -> list[Device]:
    hosts = [str(host["name"]) for host in library.query_hostapis()]
    first = int(library.default.device[0])
    return [
        Device(index, clean(str(it["name"])), hosts[it["hostapi"]], rate, index == first)
        for index, it in enumerate(library.query_devices())
        if it["max_input_channels"] > 0
        if (rate := round(it["default_samplerate"])) > 0
    ]


def sounddevice() -> Any:
    """The package, imported now; a DeviceError says what is missing and what installs it."""
    try:
        return import_module("sounddevice")
    except ModuleNotFoundError as error:
        raise DeviceError(
            f"a microphone needs the package {error.name}, which is not installed:"
            " in Surtitle's folder run  pip install -e '.[tui]'"
        ) from error
    except OSError as error:
        raise DeviceError(
            "a microphone needs the library PortAudio, which is not installed:"
            " as root, apt-get install libportaudio2"
        ) from error
    except Exception as error:  # PortAudioError, of a module that could not be imported
        raise DeviceError(f"PortAudio does not start: {reason(error)}") from error


def restart(library: Any) -> None:
    """Let PortAudio look for devices again: it does so when it starts, and has no other way."""
    with _portaudio:
        try:
            library._terminate()
            library._initialize()
        except library.PortAudioError as error:
            raise DeviceError(f"PortAudio does not start again: {reason(error)}") from error


@contextmanager
def streaming() -> Iterator[None]:
    """As long as a stream is open PortAudio must not be started anew."""
    global _streams
    with _portaudio:
        _streams += 1
    try:
        yield
    finally:
        with _portaudio:
            _streams -= 1


def chosen(name: str, among: Sequence[Device]) -> Device:
    """The microphone whose name has this in it, whatever the case; of "" the system's own choice.

    A whole name goes before a part. DeviceError, with the list, if there is not exactly one.
    """
    if not among:
        raise DeviceError(nothing())
    if not name:
        return next((device for device in among if device.default), among[0])
    wanted = name.casefold()
    whole = [it for it in among if wanted in (it.name.casefold(), it.whole.casefold())]
    found = whole[:1] or [it for it in among if wanted in it.whole.casefold()]
    if len(found) == 1:
        return found[0]
    listed = found or among
    what = f"{len(found)} microphones are called" if found else "no microphone is called"
    names = "; ".join(it.whole for it in listed)
    end = "say more of the name" if found else "there are"
    raise DeviceError(f"{what} {clean(name)!r}: {end}: {names}")


def listing(among: Sequence[Device]) -> str:
    """A table to choose from, the system's own choice with a star."""
    if not among:
        raise DeviceError(nothing())
    width = max(len(it.name) for it in among)
    rows = [
        f"{'*' if it.default else ' '} {it.name:<{width}}  {it.host}, {it.rate} Hz" for it in among
    ]
    return "\n".join([*rows, "", "choose one by a part of its name: mic:NAME; mic alone is the *"])


def nothing() -> str:
    """Why there may be no microphone at all."""
    if SOUND_CARDS.is_dir() and not _readable(SOUND_CARDS):
        return (
            "you may not use this machine's sound card: as root, usermod -aG audio YOU,"
            " then log in again"
        )
    return (
        "there is no microphone here: plug one in, or start the sound server;"
        " in a container, pass /dev/snd or the sound server's socket in"
    )


def _readable(folder: Path) -> bool:
    """Whether the sound cards that there are may be opened; true where there are none."""
    cards = list(folder.glob("pcm*c"))
    return not cards or any(os.access(card, os.R_OK | os.W_OK) for card in cards)


def reason(error: Exception) -> str:
    """PortAudio's own words without its numbers and the name of its function."""
    words = str(error.args[0]) if error.args else type(error).__name__
    if len(error.args) > 2 and len(error.args[2]) > 2:  # a host's own error has words too
        words = str(error.args[2][2]) or words
    return clean(words).removeprefix("Error opening RawInputStream: ")


def named(word: str) -> str | None:
    """What follows in `mic:NAME`, "" of `mic`, None if the word names no microphone."""
    kind, colon, name = word.partition(":")
    return name.strip() if kind == MIC and (colon or word == MIC) else None


@contextmanager
def hushed() -> Iterator[None]:
    """C libraries that complain to standard error are not heard; Python's own words still are.

    ALSA, JACK and PortAudio write there when a device is gone, across whatever is drawn. So hold
    this for as long as a screen is drawn while microphones are looked for or open.
    """
    if not _loud():
        yield
        return
    encoding = getattr(sys.__stderr__, "encoding", None)
    ours = os.fdopen(os.dup(2), "w", encoding=encoding, errors="replace", buffering=1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    said, drawn = sys.stderr, sys.__stderr__
    sys.__stderr__ = ours  # type: ignore[misc]  # Textual draws on this one
    if said is drawn:
        sys.stderr = ours
    try:
        yield
    finally:
        ours.flush()
        os.dup2(ours.fileno(), 2)
        sys.stderr, sys.__stderr__ = said, drawn  # type: ignore[misc]
        ours.close()


def _loud() -> bool:
    """Whether what is written to standard error goes anywhere."""
    try:
        return not os.path.samestat(os.fstat(2), os.stat(os.devnull))
    except OSError:
        return False
