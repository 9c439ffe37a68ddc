"""Which microphones there are, by name, and what is said where there is none."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clients import devices as module
from clients.devices import (
    Device,
    DeviceError,
    chosen,
    devices,
    hushed,
    listing,
    named,
    nothing,
    streaming,
)
from tests.clients.fake_sound import PortAudioError, Sound, microphone

DEVICES = [
    Device(0, "HDA Intel PCH: ALC257 (hw:0,0)", "ALSA", 44_100),
    Device(4, "Yeti Stereo Microphone", "ALSA", 48_000, True),
    Device(5, "Yeti Stereo Microphone 2", "ALSA", 48_000),
    Device(6, "Yeti X", "JACK", 48_000),
]


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> Sound:
    made = Sound(microphone("Loudspeaker", channels=0), microphone("Yeti"), microphone("Laptop"))
    made.default.device = [2, 0]
    monkeypatch.setitem(sys.modules, "sounddevice", made)
    return made


def test_microphones_are_listed_and_loudspeakers_are_not(sound: Sound) -> None:
    assert devices() == [
        Device(1, "Yeti", "ALSA", 48_000),
        Device(2, "Laptop", "ALSA", 48_000, True),
    ]


def test_what_was_plugged_in_since_is_seen(sound: Sound) -> None:
    devices(fresh=False)
    assert sound.restarts == 0
    devices()
    assert sound.restarts == 1
    with streaming():
        devices()
    assert sound.restarts == 1  # a running stream would have been cut off


def test_names_are_harmless(sound: Sound) -> None:
    sound.rows[1]["name"] = "Ye\x1b[2Jti\u202e"
    assert devices()[0].name == "Ye [2Jti"


@pytest.mark.parametrize(
    ("name", "index"),
    [("", 4), ("yeti stereo microphone", 4), ("alc257", 0), ("phone 2", 5), ("JACK", 6)],
)
def test_a_microphone_is_chosen_by_a_part_of_its_name(name: str, index: int) -> None:
    assert chosen(name, DEVICES).index == index


def test_without_a_default_it_is_the_first() -> None:
    assert chosen("", DEVICES[2:]).index == 5


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "yeti",
            "3 microphones are called 'yeti': say more of the name: Yeti Stereo Microphone, ALSA;"
            " Yeti Stereo Microphone 2, ALSA; Yeti X, JACK",
        ),
        ("blue\x07", "no microphone is called 'blue ': there are: HDA Intel PCH: ALC257"),
    ],
)
def test_a_name_that_is_none_or_many_lists_them(name: str, sentence: str) -> None:
    with pytest.raises(DeviceError) as caught:
        chosen(name, DEVICES)
    assert str(caught.value).startswith(sentence)


def test_the_table_marks_the_systems_choice() -> None:
    rows = listing(DEVICES).splitlines()
    assert rows[1] == "* Yeti Stereo Microphone          ALSA, 48000 Hz"
    assert rows[0].startswith("  HDA Intel")


def test_no_microphone_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SOUND_CARDS", tmp_path / "none")
    for ask in (lambda: chosen("", []), lambda: listing([])):
        with pytest.raises(DeviceError, match="there is no microphone here: plug one in"):
            ask()


def test_a_sound_card_one_may_not_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SOUND_CARDS", tmp_path)
    assert "plug one in" in nothing()
    (tmp_path / "pcmC0D0c").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert nothing().startswith("you may not use this machine's sound card: as root, usermod")


def importing(error: Exception) -> Callable[..., Any]:
    def fails(name: str, *_: object) -> object:
        assert name == "sounddevice"
        raise error

    return fails


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            ModuleNotFoundError("No module named 'sounddevice'", name="sounddevice"),
            "a microphone needs the package sounddevice, which is not installed:"
            " in Surtitle's folder run  pip install -e '.[tui]'",
        ),
        (
            OSError("PortAudio library not found"),
            "a microphone needs the library PortAudio, which is not installed:"
            " as root, apt-get install libportaudio2",
        ),
        (
            PortAudioError("Error initializing PortAudio: Host error", -9999),
            "PortAudio does not start: Error initializing PortAudio: Host error",
        ),
    ],
)
def test_what_is_missing_is_a_sentence_with_a_command(
    monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    monkeypatch.setattr(module, "import_module", importing(error))
    with pytest.raises(DeviceError) as caught:
        devices()
    assert str(caught.value) == sentence


def test_a_sound_system_that_breaks_is_said_in_the_hosts_words(
    sound: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise PortAudioError("Unanticipated host error", -9999, (0, -19, "No such device"))

    monkeypatch.setattr(sound, "_initialize", broken)
    with pytest.raises(DeviceError, match="PortAudio does not start again: No such device"):
        devices()
    monkeypatch.setattr(sound, "_initialize", lambda: None)
    monkeypatch.setattr(sound, "query_devices", broken)
    with pytest.raises(DeviceError, match="does not answer: No such device"):
        devices()


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("mic", ""),
        ("mic:", ""),
        ("mic: Yeti", "Yeti"),
        ("mic:hw:1,0", "hw:1,0"),
        ("./mic", None),
        ("mic.wav", None),
        ("none", None),
        ("microphone", None),
    ],
)
def test_the_word_for_a_microphone(word: str, name: str | None) -> None:
    assert named(word) == name


def test_c_libraries_are_hushed_and_python_is_not(capfd: pytest.CaptureFixture[str]) -> None:
    before = sys.stderr, sys.__stderr__
    with hushed():
        os.write(2, b"ALSA lib pcm_hw.c: cannot open\n")
        with hushed():  # twice is no harm
            print("a remark", file=sys.__stderr__)
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "a remark\nafter\n"
    assert (sys.stderr, sys.__stderr__) == before


def test_with_the_real_library_there_is_a_list_or_a_sentence() -> None:
    try:
        found = devices()
    except DeviceError as error:
        assert "\n" not in str(error)
    else:
        assert all(device.rate > 0 for device in found)


def test_nothing_is_imported_before_a_microphone_is_wanted() -> None:
    for path in Path(module.__file__).parent.rglob("*.py"):
        assert "import sounddevice" not in path.read_text(encoding="utf-8"), path
