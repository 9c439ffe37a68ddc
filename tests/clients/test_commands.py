"""What a newcomer meets: help, and sentences for mistakes."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

import surtitle
from clients import captions
from clients.console import Problem, run
from clients.shell.options import arguments
from clients.tui import main as join


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that a command called `try` is in."""
    module = ModuleType("tried")
    monkeypatch.setitem(sys.modules, "tried", module)
    monkeypatch.setitem(surtitle.COMMANDS, "try", surtitle.Command("tried:main", "", "tui"))
    return module


def test_help_lists_the_commands_but_not_the_hidden_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert surtitle.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("serve", "join", "captions", "demo", "doctor", "config"))
    assert "offline" not in shown and "examine" not in shown


def test_no_command_is_a_wrong_call_that_helps(capsys: pytest.CaptureFixture[str]) -> None:
    assert surtitle.main([]) == 2
    assert "surtitle demo" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert surtitle.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("surtitle ")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["sevre"], "did you mean serve?"),
        (["xyzzy"], "there are demo, serve"),
        (["--nope"], "no option"),
        (["help", "jion"], "did you mean join?"),
    ],
)
def test_unknown_commands(words: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert surtitle.main(words) == 2
    assert hint in capsys.readouterr().err


@pytest.mark.socket
@pytest.mark.parametrize(
    "words", [["completions", "zsh"], ["manual"], ["config"], ["help", "join"]]
)
def test_letters_that_cannot_be_written_are_no_traceback(words: list[str]) -> None:
    command = [sys.executable, str(Path(surtitle.__file__)), *words]
    environ = {"PYTHONIOENCODING": "ascii", "SURTITLE_JOIN_NAME": "Zoë"}
    done = subprocess.run(command, env=environ, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


def test_arguments_and_exit_code_pass_through(command: ModuleType) -> None:
    called: list[Sequence[str]] = []

    def main(argv: Sequence[str]) -> int:
        called.append(argv)
        return 3

    command.main = main  # type: ignore[attr-defined]
    assert surtitle.main(["try", "--this", "that"]) == 3
    assert called == [["--this", "that"]]


def test_control_c_is_130_without_a_traceback(command: ModuleType) -> None:
    def main(argv: Sequence[str]) -> int:
        raise KeyboardInterrupt

    command.main = main  # type: ignore[attr-defined]
    assert surtitle.main(["try"]) == 130


def test_a_missing_package_is_named_with_what_installs_it(
    command: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(argv: Sequence[str]) -> int:
        raise ModuleNotFoundError("No module named 'textual'", name="textual")

    command.main = main  # type: ignore[attr-defined]
    assert surtitle.main(["try"]) == 1
    assert "textual" in (said := capsys.readouterr().err) and "pip install -e '.[tui]'" in said


@pytest.mark.parametrize("module", [captions, join])
def test_help_has_examples(module: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        module.main(["--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert "examples:" in shown and "exit codes:" in shown


VISIBLE = [name for name, command in surtitle.COMMANDS.items() if not command.hidden]


@pytest.mark.parametrize("name", VISIBLE)
@pytest.mark.parametrize("asked", ["--help", "help"])
def test_the_help_of_every_command(
    name: str, asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["help", name] if asked == "help" else [name, asked]
    assert surtitle.main(words) == 0
    shown = capsys.readouterr().out
    parts = ["usage:", "examples:", "exit codes:", "environment:", "NO_COLOR"]
    if surtitle.COMMANDS[name].settings:
        parts += ["files", "/etc/surtitle.toml", f"SURTITLE_{name.upper()}_", f"[{name}]"]
    assert [shown.count(part) > 0 for part in parts] == [True] * len(parts)
    assert [shown.index(part) for part in parts[:4]] == sorted(map(shown.index, parts[:4]))


@pytest.mark.parametrize("name", VISIBLE)
def test_the_help_of_every_option_says_its_default(name: str) -> None:
    for argument in arguments(surtitle.parsers("all")[name].parser()):
        assert argument.help, argument
        if argument.flags and argument.default not in (None, False, []):
            shown = f"{argument.default:g}" if argument.takes == "N" else str(argument.default)
            assert shown in argument.help or (argument.default == 1 and "(1)" in argument.help)


def test_help_is_not_for_us_behind_two_dashes(
    command: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    command.parser = lambda: None  # type: ignore[attr-defined]
    command.main = lambda argv: len(argv)  # type: ignore[attr-defined]
    assert surtitle.main(["try", "--", "--help"]) == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["talk.mp3"], "required: --from"),
        (["talk.mp3", "--from", "klingon"], "unknown language 'klingon'"),
        (["talk.mp3", "--from", "en", "--speed", "0"], "is no speed"),
        (["talk.mp3", "--from", "en", "--rate", "8"], "is no sample rate"),
        (["-", "--from", "en", "--offline"], "--offline is for a file"),
    ],
)
def test_wrong_calls_of_captions(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        captions.main(words)
    assert left.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["kitchen"], "say what to read"),
        (["kitchen", "--reads", "es", "--audio", "talk.mp3"], "--audio needs --hears"),
        (["kitchen", "--reads", "es"], "no terminal here"),
    ],
)
def test_wrong_calls_of_join(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        join.main(words)
    assert left.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_problem_is_a_sentence_even_out_of_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    async def fails() -> int:
        raise ExceptionGroup("tasks", [ExceptionGroup("more", [Problem("the door is shut")])])

    assert run(fails()) == 1
    assert capsys.readouterr().err == "surtitle: the door is shut\n"


def test_a_closed_pipe_passes_out_of_a_group() -> None:
    async def fails() -> int:
        raise ExceptionGroup("tasks", [BrokenPipeError()])

    with pytest.raises(BrokenPipeError):
        run(fails())
