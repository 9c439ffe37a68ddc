"""What can be seen of a machine without starting anything: packages, terminal, microphones."""

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace
from typing import Any

import pytest

from clients.shell import checks, sound
from streaming.findings import Finding
from tests.clients.screen import Screen


def only(found: Iterator[Finding], name: str) -> Finding:
    (one,) = [finding for finding in found if finding.name == name]
    return one


# --- what is installed


def test_versions_fit_or_do_not() -> None:
    assert checks.within("15.0.1", ">=15,<18")
    assert checks.within("17.4", ">=15,<18")
    assert not checks.within("18.0", ">=15,<18")
    assert not checks.within("14.9", ">=15,<18")
    assert checks.within("1", "")


def test_missing_and_old_packages_are_named_with_what_gets_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def version(name: str) -> str:
        if name == "uvloop":
            raise PackageNotFoundError(name)
        return {"textual": "5.0", "aiohttp": "3.14"}[name]

    asked = ['aiohttp<4,>=3.12; extra == "server"', 'uvloop>=0.21; extra == "server"']
    asked += ['textual<9,>=6; extra == "tui"', 'Surtitle[server,tui]; extra == "demo"', "msgspec"]
    monkeypatch.setattr(checks, "requires", lambda name: asked)
    monkeypatch.setattr(checks, "version", version)
    found = list(checks.packages())
    server, tui = only(iter(found), "server"), only(iter(found), "tui")
    assert (server.state, server.says) == ("wrong", "missing to serve: uvloop")
    assert server.fix.endswith("--require-hashes -r requirements/server.lock") or (
        "server.lock" in server.fix
    )
    assert (tui.state, tui.says) == ("note", "textual is 5.0 and should be <9,>=6")
    assert "tui.lock" in tui.fix


def test_not_installed_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(checks, "requires", requires)
    assert "-e" in only(checks.packages(), "surtitle").fix


def test_an_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PYTHON", (4, 0))
    (found,) = checks.python()
    assert found.state == "wrong" and "is too old: 4.0 or newer" in found.says


def test_commands_are_as_this_user_must_type_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert checks.command("apt-get install a b") == "sudo apt-get install --yes a b"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert checks.command("apt-get install a") == "apt-get install --yes a"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert checks.command("apt-get install a").startswith("# install these")
    assert checks.command("pip install x").endswith(" -m pip install x")
    assert checks.command("") == ""


# --- the terminal


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"NO_COLOR": "1", "TERM": "xterm"}, "NO_COLOR"),
        ({"TERM": "dumb"}, "dumb"),
        ({}, "not set"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "16 million"),
        ({"TERM": "linux"}, "linux"),
    ],
)
def test_colours(environ: dict[str, str], says: str) -> None:
    assert says in only(checks.terminal(Screen(), environ), "colours").says


def test_a_small_terminal_without_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "10")
    found = list(checks.terminal(Screen("ascii", terminal=True), {}))
    assert only(iter(found), "size").says.startswith("40×10: ")
    assert only(iter(found), "letters").state == "note"


def test_no_terminal_is_a_note() -> None:
    assert only(checks.terminal(Screen(), {}), "terminal").state == "note"


# --- microphones


def sounds(monkeypatch: pytest.MonkeyPatch, made: Callable[[], object]) -> list[Finding]:
    monkeypatch.setattr(sound, "import_module", lambda name: made())
    return list(sound.microphones())


def devices(*found: dict[str, Any]) -> Callable[[], object]:
    return lambda: SimpleNamespace(
        get_portaudio_version=lambda: (1, "PortAudio V19.6.0, revision x"),
        query_devices=lambda: found,
        default=SimpleNamespace(device=(1, 0)),
    )


def test_without_sounddevice_or_portaudio_it_says_what_gets_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing() -> object:
        raise ModuleNotFoundError("sounddevice")

    def silent() -> object:
        raise OSError("PortAudio library not found")

    (found,) = sounds(monkeypatch, missing)
    assert (found.state, found.fix) == ("note", "pip install sounddevice")
    (found,) = sounds(monkeypatch, silent)
    assert (found.state, found.fix) == ("note", "apt-get install libportaudio2")


def test_microphones_are_listed_and_loudspeakers_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = {"name": "Speaker", "max_input_channels": 0, "default_samplerate": 48_000.0}
    yeti = {"name": "Yeti", "max_input_channels": 1, "default_samplerate": 44_100.0}
    found = sounds(monkeypatch, devices(speaker, yeti))
    assert [one.says for one in found] == ["V19.6.0", "Yeti (44.1 kHz, the default)"]
    assert sounds(monkeypatch, devices(speaker))[1].state == "note"
