"""A crowd that speaks by WebRTC, and a server of its own that takes its calls."""

import json
import subprocess
from pathlib import Path

import pytest

from clients.child import surtitle
from loadtest import main as command
from tests.impairment import networked


@pytest.mark.socket
@pytest.mark.slow
def test_what_is_said_in_calls_is_captioned_and_measured(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    short = ["--speakers", "2", "--seconds", "4", "--warm", "2", "--plain"]
    with networked() as net, net.near:  # a place with an address, as every machine has
        made = surtitle("loadtest", "--transport", "webrtc", *short, "--json", str(report))
        done = subprocess.run(made, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "finals lost or doubled: none" in done.stdout
    assert json.loads(report.read_text())["load"]["transport"] == "webrtc"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--fault", "loss@3"], "leave out --fault"),
        (["--protocol", "vosk", "--server", "ws://127.0.0.1:1"], "leave out --transport"),
    ],
)
def test_what_calls_do_not_go_with_is_said(
    more: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.main(["--transport", "webrtc", *more])
    assert sentence in capsys.readouterr().err


def test_without_aiortc_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        command.main(["--transport", "webrtc"])
    assert "pip install -e '.[loadtest,webrtc]'" in capsys.readouterr().err
