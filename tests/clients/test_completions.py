"""Tab, asked of the shells themselves; and the manual."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import surtitle
from clients.shell import completions, manual

PARSERS = surtitle.parsers("all")


def script(shell: str) -> str:
    return completions.SCRIPTS[shell](completions.commands(PARSERS))


def installed(shell: str) -> str:
    """Its path; the test is skipped without it."""
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    return path


@pytest.fixture
def bash(tmp_path: Path) -> Callable[..., set[str]]:
    """What bash offers for the last of some words, in a folder with a few files."""
    path = installed("bash")
    for name in ("talk one.wav", "talk.mp3", "names.toml"):
        (tmp_path / name).touch()
    (tmp_path / "completion").write_text(script("bash"))
    ask = (
        'source ./completion; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        'complete -p surtitle >&2; _surtitle; printf "%s\\n" "${COMPREPLY[@]}"'
    )

    def offered(*words: str) -> set[str]:
        asked = subprocess.run(
            [path, "--norc", "-c", ask, "bash", "surtitle", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
        assert asked.stderr == "complete -F _surtitle surtitle\n"
        return set(asked.stdout.splitlines()) - {""}

    return offered


@pytest.mark.parametrize(
    ("words", "offers"),
    [
        (["se"], {"serve"}),
        (["help", "jo"], {"join"}),
        (["serve", "--e"], {"--engine"}),
        (["serve", "--engine", ""], {"auto", "embedded", "sglang", "openai", "local", "scripted"}),
        (["serve", "--engine", "=", "e"], {"embedded"}),
        (["serve", "--port", ""], set()),
        (["serve", "--glossary", "na"], {"names.toml"}),
        (["join", "kitchen", "--reads", "es,gl"], {"es,gl"}),
        (["captions", "--from", "zh"], {"zh"}),
        (["captions", "talk"], {"talk one.wav", "talk.mp3"}),
        (["captions", "talk.mp3", "--stability", "s"], {"steady"}),
        (["completions", ""], {"bash", "zsh", "fish"}),
        (["serve", "--ready"], set()),
        (["offline", "--"], set()),
        (["nonsense", ""], set()),
    ],
)
def test_bash(words: list[str], offers: set[str], bash: Callable[..., set[str]]) -> None:
    assert bash(*words) == offers


def test_bash_offers_every_command_and_every_option(bash: Callable[..., set[str]]) -> None:
    commands = bash("")
    assert commands >= PARSERS.keys()
    assert not commands & {"offline", "examine-engines", "examine-sound"}
    for command in completions.commands(PARSERS):
        flags = {flag for option in command.options for flag in option.flags}
        assert bash(command.name, "-") == flags | {"--help"}


def test_zsh_understands_its_script(tmp_path: Path) -> None:
    (tmp_path / "_surtitle").write_text(script("zsh"))
    checked = subprocess.run([installed("zsh"), "-n", tmp_path / "_surtitle"], timeout=20)
    assert checked.returncode == 0


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("surtitle se", {"serve"}),
        ("surtitle serve --engine ", {"auto", "embedded", "sglang", "openai", "local", "scripted"}),
        ("surtitle join kitchen --reads es,gl", {"es,gl"}),
        ("surtitle completions ", {"bash", "zsh", "fish"}),
    ],
)
def test_fish(line: str, offers: set[str], tmp_path: Path) -> None:
    (tmp_path / "surtitle.fish").write_text(script("fish"))
    ask = f"source {tmp_path}/surtitle.fish; complete -C '{line}'"
    fish = installed("fish")
    asked = subprocess.run([fish, "-c", ask], capture_output=True, text=True, timeout=20)
    assert {said.partition("\t")[0] for said in asked.stdout.splitlines()} == offers


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_script_has_every_command_and_quotes_what_helps_say(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert surtitle.main(["completions", shell]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in PARSERS)
    assert "--ready-fd" not in printed and "examine-" not in printed
    assert not re.search("@[A-Z]+@", printed)


def test_an_unknown_shell_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        surtitle.main(["completions", "tcsh"])
    assert left.value.code == 2
    assert "tcsh" in capsys.readouterr().err


def test_the_manual_has_every_command_and_is_right_roff() -> None:
    page = manual.roff(PARSERS)
    assert all(f"\n.SS {name}\n" in page for name in PARSERS)
    assert "\\-\\-metrics\\-port" in page and "SURTITLE_CONFIG" in page
    if (groff := shutil.which("groff")) is not None:
        shown = subprocess.run(
            [groff, "-ww", "-k", "-man", "-Tutf8"], input=page.encode(), capture_output=True
        )
        assert shown.returncode == 0
        assert not shown.stderr


def test_where_a_part_is_not_installed_its_command_is_still_named() -> None:
    def missing() -> object:
        raise ModuleNotFoundError("No module named 'textual'", name="textual")

    known = type(PARSERS["join"])("read a room", missing)
    some = {"join": known}
    assert [command.arguments for command in completions.commands(some)] == [()]
    assert "it needs textual" in manual.roff(some)
