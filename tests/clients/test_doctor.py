"""What `surtitle doctor` says of machines with pieces missing, and what it survives."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from clients import child
from clients.shell import doctor, report
from streaming.findings import Finding, State, healthy
from tests.clients.screen import Screen

ROOT = Path(__file__).parents[2]
GOOD = [
    Finding("Recognizers", "ear", "ok", "hears", gives="transcripts"),
    Finding("Translators", "tongue", "ok", "tells", gives="translation"),
]


# --- what it all means


def test_it_is_healthy_when_it_transcribes_and_translates() -> None:
    assert healthy(GOOD)
    assert healthy([*GOOD, Finding("Sound", "microphone", "note", "none")])
    assert not healthy([*GOOD, Finding("Settings", "surtitle.toml", "wrong", "broken")])
    assert not healthy(GOOD[:1])
    assert not healthy([])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (GOOD, "Transcripts and translation work here."),
        (GOOD[:1], "Transcripts work here, translation does not."),
        (GOOD[1:], "Translation works here, transcripts do not."),
        ([], "Neither transcripts nor translation work here."),
        ([*GOOD, Finding("", "x", "wrong", "")], "work here. See x above."),
    ],
)
def test_the_verdict(found: Sequence[Finding], said: str) -> None:
    assert report.verdict(found).endswith(said)


# --- how it looks


def shown(screen: Screen, **environ: str) -> str:
    page = report.Page(screen, environ)
    states: list[State] = ["ok", "note", "wrong"]
    for state in states:
        page.show(Finding("Group", state, state, "“es” → “Dónde” …", "mend it"))
    return screen.getvalue()


def test_marks_are_letters_where_there_is_no_utf8() -> None:
    assert all(mark in shown(Screen()) for mark in "✓!✗")
    plain = shown(Screen("ascii"))
    assert plain.isascii()
    assert '  x wrong          "es" > "D?nde" ...\n' in plain


def test_colours_are_for_terminals_that_want_them() -> None:
    assert "\x1b[31m" in shown(Screen(terminal=True), TERM="xterm")
    assert "\x1b" not in shown(Screen(terminal=True), TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in shown(Screen(terminal=True), TERM="dumb")
    assert "\x1b" not in shown(Screen(terminal=True))
    assert "\x1b" not in shown(Screen(), TERM="xterm")


def test_what_an_engine_says_cannot_reach_the_terminal() -> None:
    screen = Screen()
    report.Page(screen, {}).show(Finding("Group", "ear", "ok", "\x1b[2J\u202eheard", "\x07fix"))
    assert "heard" in screen.getvalue()
    assert not {"\x1b", "\u202e", "\x07"} & set(screen.getvalue())


# --- checks that fail


async def found_by(program: str, monkeypatch: pytest.MonkeyPatch, within: float = 20) -> Finding:
    monkeypatch.setattr(child, "surtitle", lambda *words: [sys.executable, "-c", program])
    return [one async for one in doctor.told(doctor.ENGINES, "engines", within, "examine")][-1]


@pytest.mark.socket
@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("raise ValueError('broken glass')", "failed: ValueError: broken glass"),
        ("import os; os.abort()", "exit code -6"),
        ("import sys; print('no such thing', file=sys.stderr); sys.exit(1)", "no such thing"),
        ("print('{}')", "failed: "),
        ("print('not JSON')", "failed: "),
        ("print(chr(0xe9) * 3)", "failed: "),
    ],
)
async def test_a_check_that_crashes_is_a_finding(
    program: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await found_by(program, monkeypatch)
    assert found.state == "wrong"
    assert says in found.says and "\n" not in found.says


@pytest.mark.socket
async def test_a_check_that_hangs_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await found_by("import sys; sys.stdin.close(); input()", monkeypatch, 5)
    assert found.state == "wrong"
    forever = "import signal; signal.pause()"
    assert "no answer within 0 s" in (await found_by(forever, monkeypatch, 0.3)).says


def test_a_check_of_our_own_that_fails_is_a_finding() -> None:
    def check() -> Iterator[Finding]:
        yield GOOD[0]
        raise RuntimeError("oh")

    first, second = doctor.survived("glass", check)
    assert first == GOOD[0]
    assert second.name == "glass" and "oh" in second.says


def test_only_the_last_line_of_a_traceback_is_told() -> None:
    assert doctor.last('it ended: x / File "a", line 1 / ValueError: no') == "ValueError: no"
    assert doctor.last("it ended: a / b") == "a / b"


# --- all of it, as a person or a script runs it


def ran(tmp_path: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`surtitle doctor` with nothing of ours in the environment, its home elsewhere."""
    bare = {"HOME": str(tmp_path), "PATH": os.defpath, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [sys.executable, ROOT / "surtitle.py", "doctor", *words],
        cwd=tmp_path,
        env=bare | environ,
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.socket
def test_quick_json_for_scripts(tmp_path: Path) -> None:
    done = ran(tmp_path, "--quick", "--json", PATH=str(tmp_path))
    said = json.loads(done.stdout)
    assert done.stderr == ""
    assert done.returncode == 1
    assert (said["healthy"], said["translation"]) == (False, False)
    (apertium,) = [one for one in said["findings"] if one["name"] == "apertium"]
    assert apertium["state"] == "wrong"
    assert "apertium-eng-spa" in apertium["fix"]
    groups = dict.fromkeys(one["group"] for one in said["findings"])
    assert list(groups) == [
        *("Packages", "Settings", "Terminal", "Sound", "Network", "Ports"),
        *("Detectors", "Recognizers", "Translators", "What serves"),
    ]


@pytest.mark.socket
def test_without_output_or_a_folder_the_exit_code_is_still_said(tmp_path: Path) -> None:
    gone = 'mkdir gone; cd gone; rmdir ../gone; exec "$@" >&-'
    words = [sys.executable, str(ROOT / "surtitle.py"), "doctor", "--quick"]
    bare = {"PATH": os.defpath, "PYTHONUTF8": "1"}
    asked = ["sh", "-c", gone, "sh", *words]
    done = subprocess.run(asked, cwd=tmp_path, env=bare, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode in (0, 1)
    assert done.stderr == b""


@pytest.mark.socket
def test_a_broken_settings_file_is_a_finding_and_so_are_its_ports(tmp_path: Path) -> None:
    config = tmp_path / ".config" / "surtitle" / "surtitle.toml"
    config.parent.mkdir(parents=True)
    config.write_text("[serve]\nprot = 1\n")
    done = ran(tmp_path, "--quick", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert "x surtitle.toml" in done.stdout and "did you mean port?" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    config.write_text("[serve]\nport = 0\nmetrics-port = 0\n")
    done = ran(tmp_path, "--quick", SURTITLE_JOIN_NAME="Ana")
    assert "✓ surtitle.toml" in done.stdout
    assert "any free one" in done.stdout
    assert "SURTITLE_JOIN_NAME: join --name is Ana" in done.stdout


@pytest.mark.engine
def test_every_engine_does_three_seconds_of_work(tmp_path: Path) -> None:
    done = ran(tmp_path, "--json", NO_COLOR="1")
    said = json.loads(done.stdout)
    found = {one["name"]: one for one in said["findings"] if one["state"] == "ok"}
    if "apertium" not in found:
        pytest.skip("Apertium is not installed")
    assert done.returncode == 0, said
    assert said["healthy"]
    assert 0 < found["silero"]["figures"]["window_ms"] < 32
    assert "good morning" in found["pocketsphinx"]["says"]
    assert found["pocketsphinx"]["figures"]["update_ms"] > 0
    assert "¿" in found["apertium"]["says"]
    assert found["apertium"]["figures"]["sentence_ms"] > 0
