"""What surtitle.toml and the environment say: which counts, and what is wrong with it."""

import importlib
import json
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import surtitle
from clients.shell import settings
from clients.shell.settings import SettingsError
from server import main as serve


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, on a machine without settings."""
    for name in [name for name in os.environ if name.startswith("SURTITLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(settings, "MACHINE", tmp_path / "etc" / "surtitle.toml")
    (folder := tmp_path / "here").mkdir()
    monkeypatch.chdir(folder)
    return folder


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def before(command: str, *words: str) -> list[str]:
    """The command line that a command gets."""
    return surtitle.configured(command, surtitle.parsers("settings")[command].parser(), list(words))


def in_force(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert surtitle.main(["config", "--json", *words]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_without_settings_nothing_is_added() -> None:
    assert before("serve", "--port", "1") == ["--port", "1"]


def test_file_then_environment_then_flags(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = put(here / "surtitle.toml", "[serve]\nport = 1\nmetrics-port = 2\nengine = 'scripted'\n")
    monkeypatch.setenv("SURTITLE_SERVE_METRICS_PORT", "3")
    monkeypatch.setenv("SURTITLE_SERVE_ENGINE", "embedded")
    shown = in_force(capsys, "serve", "--engine", "auto")
    assert shown["file"] == str(file)
    assert shown["serve"]["host"] == {"value": "127.0.0.1", "from": "default"}
    assert shown["serve"]["port"] == {"value": 1, "from": str(file)}
    assert shown["serve"]["metrics-port"] == {"value": 3, "from": "SURTITLE_SERVE_METRICS_PORT"}
    assert shown["serve"]["engine"] == {"value": "auto", "from": "flag"}
    options = serve.parser().parse_args(before("serve", "--engine", "auto"))
    assert (options.port, options.metrics_port, options.engine) == (1, 3, "auto")


def test_the_first_file_there_is_counts_alone(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "etc" / "surtitle.toml", "[serve]\nport = 4\nhost = 'etc'")
    assert before("serve") == ["--port=4", "--host=etc"]
    put(tmp_path / "user" / "surtitle" / "surtitle.toml", "[serve]\nport = 3")
    assert before("serve") == ["--port=3"]
    put(here / "surtitle.toml", "[serve]\nport = 2")
    assert before("serve") == ["--port=2"]
    monkeypatch.setenv("SURTITLE_CONFIG", str(put(tmp_path / "named", "[serve]\nport = 1")))
    assert before("serve") == ["--port=1"]
    monkeypatch.setenv("SURTITLE_CONFIG", os.devnull)
    assert before("serve") == []


def test_types_become_words_and_paths_are_meant_from_the_file(here: Path) -> None:
    put(
        here / "surtitle.toml",
        "[serve]\nspeed = 2\ninsecure = true\nverbose = false\nglossary = 'names.toml'\n"
        "[join]\nreads = ['es', 'fr']\n[captions]\nspeed = 'max'\n",
    )
    assert before("serve") == ["--speed=2", "--insecure", f"--glossary={here / 'names.toml'}"]
    assert before("join") == ["--reads=es,fr"]
    assert before("captions") == ["--speed=max"]


def test_the_environment_can_take_a_switch_back(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(here / "surtitle.toml", "[serve]\nverbose = true\n")
    monkeypatch.setenv("SURTITLE_SERVE_VERBOSE", "no")
    assert before("serve") == []


def test_a_setting_satisfies_a_flag_that_is_required(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(here / "surtitle.toml", "[captions]\nfrom = 'en'\n")
    assert surtitle.main(["captions", "no-such.wav"]) == 1
    assert "there is no file no-such.wav" in capsys.readouterr().err


def test_a_program_that_starts_a_server_says_all_it_wants(here: Path) -> None:
    put(here / "surtitle.toml", "[serve]\nport = 1\n")
    assert before("serve", "--parent-fd", "5") == ["--parent-fd", "5"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[serve]\nprot = 1", ["has no 'prot'", "did you mean port?", "metrics-port"]),
        ("[serve]\nmetrics_port = 1", ["did you mean metrics-port?"]),
        ("[sevre]\nport = 1", ["'sevre' is no section", "did you mean serve?", "[captions]"]),
        ("port = 1", ["'port' is no section", "[serve]"]),
        ("serve = 1", ["'serve' must be a section"]),
        ("[serve\n", ["is not valid TOML", "line 1"]),
        ("[serve]\nport = '1'", ["'port' in [serve]", "a whole number"]),
        ("[serve]\nport = 1.5", ["a whole number"]),
        ("[serve]\nport = true", ["is true", "a whole number"]),
        ("[serve]\nhost = 1", ["text in quotes"]),
        ("[serve]\nport = 1979-05-27", ["a whole number"]),
        ("[serve]\nverbose = 'yes'", ["true or false"]),
        ("[serve]\nready-fd = 3", ["has no 'ready-fd'"]),
        ("[captions]\nfrom = ['en', 'xx']", ["unknown language 'xx'"]),
        ("[captions]\nstability = 'x'", ["one of live, steady, final"]),
        ("[captions]\nspeed = 'fast'", ["'fast' is no speed"]),
    ],
)
def test_what_is_wrong_with_a_file_is_a_sentence(
    text: str, said: Sequence[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = put(here / "surtitle.toml", text)
    assert surtitle.main(["config"]) == 2
    sentence = capsys.readouterr().err
    assert sentence.startswith(f"surtitle config: {file}")
    assert sentence.count("\n") == 1
    assert all(part in sentence for part in said)


def test_a_wrong_file_keeps_a_command_from_starting_but_not_from_helping(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(here / "surtitle.toml", "[serve]\nprot = 1")
    with pytest.raises(SystemExit) as left:
        surtitle.main(["serve"])
    assert left.value.code == 2
    assert "surtitle serve: " in capsys.readouterr().err
    assert surtitle.main(["serve", "--help"]) == 0


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SURTITLE_SERVE_PROT", "1", "did you mean SURTITLE_SERVE_PORT?"),
        ("SURTITLE_SERVE_PORT", "tcp://10.0.0.1:8765", "a whole number"),
        ("SURTITLE_SERVE_VERBOSE", "maybe", "true or false"),
        ("SURTITLE_CONFIG", "/no/such.toml", "cannot be read: no such file"),
    ],
)
def test_what_is_wrong_with_the_environment_is_a_sentence(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=r"environment|cannot be read") as wrong:
        found = settings.file(["serve", "join", "captions"], os.environ, Path.cwd())
        settings.settings("serve", serve.parser(), found, os.environ)
    assert said in str(wrong.value)


@pytest.mark.parametrize("broken", [b"\xff\xfe", b"[serve]\nport = " + b"[" * 5000])
def test_a_file_that_is_no_text_or_too_deep(
    broken: bytes, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "surtitle.toml").write_bytes(broken)
    assert surtitle.main(["config"]) == 2
    assert "is not valid TOML" in capsys.readouterr().err


def test_a_file_of_somebody_else_in_this_folder_is_not_obeyed(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(here / "surtitle.toml", "[serve]\nport = 1")
    monkeypatch.setattr(os, "getuid", lambda: file.stat().st_uid + 1)
    if file.stat().st_uid == 0:
        monkeypatch.setattr(settings, "ROOT", -1)
    with pytest.raises(SettingsError, match="belongs to another user"):
        settings.file(["serve"], os.environ, here)
    monkeypatch.setenv("SURTITLE_CONFIG", str(file))
    assert settings.file(["serve"], os.environ, here).path == file


def test_without_a_home_there_is_no_file_of_the_user() -> None:
    assert settings.users({}) is None
    assert settings.users({"HOME": "/h"}) == Path("/h/.config/surtitle/surtitle.toml")
    relative = {"HOME": "/h", "XDG_CONFIG_HOME": "conf"}
    assert settings.users(relative) == Path("/h/.config/surtitle/surtitle.toml")


def test_what_config_prints_is_a_file_that_sets_the_same(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURTITLE_CAPTIONS_SPEED", "max")
    monkeypatch.setenv("SURTITLE_JOIN_READS", "es,fr")
    monkeypatch.setenv("SURTITLE_JOIN_NAME", 'A "quoted" \\ näme')
    assert surtitle.main(["config"]) == 0
    printed = capsys.readouterr().out
    assert tomllib.loads(printed)["join"]["reads"] == ["es", "fr"]
    first = in_force(capsys)
    for name in ("CAPTIONS_SPEED", "JOIN_READS", "JOIN_NAME"):
        monkeypatch.delenv(f"SURTITLE_{name}")
    put(here / "surtitle.toml", printed)
    again = in_force(capsys)
    for command in ("serve", "join", "captions"):
        values = {key: one["value"] for key, one in first[command].items()}
        assert values == {key: one["value"] for key, one in again[command].items()}


def test_a_folder_that_is_gone_has_no_file(here: Path) -> None:
    here.rmdir()
    assert before("serve") == []


def test_json_may_stand_behind_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert surtitle.main(["config", "serve", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"file", "serve"}


def test_config_of_a_command_that_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        surtitle.main(["config", "demo"])
    assert left.value.code == 2
    assert "there are serve, join, captions" in capsys.readouterr().err


def test_config_where_the_server_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def import_module(name: str) -> object:
        if name.startswith("server"):
            raise ModuleNotFoundError("No module named 'uvloop'", name="uvloop")
        return real(name)

    real = importlib.import_module
    monkeypatch.setattr("surtitle.import_module", import_module)
    assert surtitle.main(["config"]) == 0
    assert "# not installed here: it needs uvloop" in capsys.readouterr().out
