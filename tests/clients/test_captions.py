"""`surtitle captions` against a server that says what the test tells it to."""

import sys
import wave
from pathlib import Path

import pysrt
import pytest
from msgspec.structs import replace

from clients import captions, child
from clients.console import Problem, first
from streaming.messages import Caption, End, Error, Hello, Pcm16, State, encode
from tests.clients.fakes import WELCOME, Peer, caption, server

pytestmark = pytest.mark.socket

FINALS = [
    caption("good morning", speaker="me", final=True, start=800, end=4800),
    caption("buenos días", speaker="me", language="es", final=True, start=800, end=4800),
    caption("bonjour", speaker="other", language="fr", final=True),
]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(9600))
    return path


class Room:
    """Listens until the end of the audio, then says what it has to say."""

    def __init__(self, *messages: Caption | State) -> None:
        self.messages = messages
        self.hello: object = None
        self.audio = b""

    async def __call__(self, peer: Peer) -> None:
        self.hello = await peer.hear()
        await peer.tell(WELCOME)
        while isinstance(frame := await peer.hear(), bytes):
            self.audio += frame
        assert frame == End()
        await peer.tell(*self.messages, State("connection", "drained"))


async def called(room: Room, talk: Path, *words: str) -> int:
    """Run the command as its main does, inside the test's loop."""
    async with server(room) as url:
        argv = [str(talk), "--from", "en", "--speed", "max", "--server", url, *words]
        return await captions.captioned(captions.parser().parse_args(argv, captions.Options()))


async def test_finals_are_printed(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    room = Room(*FINALS)
    assert await called(room, talk, "--to", "es") == 0
    assert (
        capsys.readouterr().out == "en | good morning\nes | buenos días\nspeaker 1 fr | bonjour\n"
    )
    assert room.hello == Hello("captions", ["es"], ["en"], Pcm16(16_000), source=True)
    assert room.audio == bytes(9600)


async def test_messages_as_received(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await called(Room(*FINALS), talk, "--to", "es", "--jsonl")
    rows = capsys.readouterr().out.splitlines()
    drained = State("connection", "drained")
    assert rows == [encode(message).decode() for message in (WELCOME, *FINALS, drained)]


async def test_subtitles_of_the_target_language(talk: Path, tmp_path: Path) -> None:
    await called(Room(*FINALS), talk, "--to", "es", "--srt", str(tmp_path / "talk.srt"))
    items = pysrt.open(str(tmp_path / "talk.srt"))
    assert [(item.text, str(item.start)) for item in items] == [("buenos días", "00:00:00,050")]


async def test_subtitles_of_the_source_when_nothing_else_is_read(
    talk: Path, tmp_path: Path
) -> None:
    await called(Room(*FINALS), talk, "--srt", str(tmp_path / "talk.srt"))
    assert [item.text for item in pysrt.open(str(tmp_path / "talk.srt"))] == ["good morning"]


async def test_subtitles_that_cannot_be_written_are_said_first(talk: Path, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be written"):
        await called(Room(), talk, "--srt", str(tmp_path / "no" / "talk.srt"))


async def test_silence_is_said(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await called(Room(), talk) == 0
    assert "no words were heard" in capsys.readouterr().err


async def test_a_pair_there_is_not_is_said_once(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = caption("hi", speaker="me", final=True)
    lines = [replace(line, segment=n, degraded="untranslated") for n in (1, 2)]
    state = State("translation", "down", "no engine from en to fr", "fr")
    await called(Room(state, *lines, state), talk, "--to", "fr")
    said = capsys.readouterr()
    assert said.out == "en | hi\nen | hi\n"
    assert said.err.count("translation into French does not work: no engine from en to fr") == 1
    assert "no translation from English" not in said.err
    await called(Room(*lines), talk, "--to", "fr")
    assert capsys.readouterr().err.count("no translation from English to French") == 1


async def test_a_refusal_stops_it(talk: Path) -> None:
    async def scene(peer: Peer) -> None:
        await peer.hear()
        await peer.tell(WELCOME, Error.of(4413, "too big"))

    async with server(scene) as url:
        argv = [str(talk), "--from", "en", "--server", url]
        with pytest.raises((Problem, ExceptionGroup)) as caught:
            await captions.captioned(captions.parser().parse_args(argv, captions.Options()))
    assert "too big" in str(first(caught.value))


async def test_a_broken_file_starts_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "server", None)
    argv = [str(tmp_path / "none.wav"), "--from", "en"]
    with pytest.raises(Problem, match="there is no file"):
        await captions.captioned(captions.parser().parse_args(argv, captions.Options()))


async def test_offline_prints_what_the_engines_print(
    talk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(encode(line).decode() + "\n" for line in FINALS[:2])

    def engines(*words: str) -> list[str]:
        assert words == ("offline", str(talk), "--from", "en")
        return [sys.executable, "-c", f"print({rows!r}, end='')"]

    monkeypatch.setattr(child, "surtitle", engines)
    argv = [str(talk), "--from", "en", "--to", "es", "--offline"]
    assert await captions.captioned(captions.parser().parse_args(argv, captions.Options())) == 0
    assert capsys.readouterr().out == "en | good morning\nes | buenos días\n"


async def test_engines_that_fail_say_why(talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [sys.executable, "-c", "raise SystemExit('no model')"]
    monkeypatch.setattr(child, "surtitle", lambda *_: words)
    argv = [str(talk), "--from", "en", "--offline"]
    with pytest.raises(Problem, match="the engines failed: no model"):
        await captions.captioned(captions.parser().parse_args(argv, captions.Options()))
