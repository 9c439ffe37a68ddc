"""A room where no screen can be drawn."""

import io
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from clients.tui import main as join
from clients.tui import printed as module
from clients.tui import remembered
from clients.tui.printed import printed, unable
from clients.tui.remembered import Remembered
from streaming.messages import ServerMessage, State
from tests.clients.fakes import ROSTER, WELCOME, caption


def terminal(is_one: bool = True, encoding: str = "utf-8") -> SimpleNamespace:
    return SimpleNamespace(isatty=lambda: is_one, encoding=encoding)


@pytest.mark.parametrize(
    ("term", "stdin", "stderr", "why"),
    [
        ("xterm", terminal(), terminal(), ""),
        ("dumb", terminal(), terminal(), "cannot be drawn on"),
        ("", terminal(), terminal(), "cannot be drawn on"),
        ("xterm", terminal(False), terminal(), "no keys"),
        ("xterm", terminal(), terminal(False), "standard error"),
        ("xterm", terminal(), terminal(encoding="ISO-8859-1"), "not UTF-8"),
    ],
)
def test_why_there_is_no_screen(
    term: str,
    stdin: SimpleNamespace,
    stderr: SimpleNamespace,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(module, "sys", SimpleNamespace(stdin=stdin, stderr=stderr))
    assert why in unable() and bool(why) == bool(unable())


async def test_finished_lines_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    async def messages() -> AsyncIterator[ServerMessage]:
        for message in (
            WELCOME,
            ROSTER,
            State("translation", "down", "it hangs", "es"),
            caption("good morning", final=True),
            caption("buenos", language="es"),
            caption("buenos\x1b días", language="es", final=True),
        ):
            yield message

    out = io.StringIO()
    await printed(messages(), ["es"], False, out)
    assert out.getvalue() == "Alan es | buenos  días\n"
    assert "translation into Spanish does not work: it hangs" in capsys.readouterr().err


def options(*words: str) -> join.Options:
    return join.parser().parse_args(words, join.Options())


def test_what_was_answered_once_fills_in_what_was_not_said() -> None:
    kept = Remembered("Ana", ("en",), ("es",), "mic:Yeti")
    asked = options("kitchen")
    join.remind(asked, kept)
    assert (asked.name, asked.hears, asked.reads) == ("Ana", ["en"], ["es"])
    assert asked.audio == "mic:Yeti" and not asked.source


def test_what_was_said_goes_before_what_was_answered() -> None:
    kept = Remembered("Ana", ("en",), (), "mic")
    asked = options("kitchen", "--name", "Ben", "--audio", "none")
    join.remind(asked, kept)
    assert (asked.name, asked.hears, asked.audio, asked.source) == ("Ben", [], "none", True)


def test_nobody_is_asked_without_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "unable", lambda: "no keys")
    monkeypatch.setattr(remembered, "load", lambda: Remembered())
    asked = options("kitchen", "--reads", "es")
    assert join.introduced(asked) and asked.name is None
