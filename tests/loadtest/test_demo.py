"""The demo in small: two people who say a word each, and a server that understands them."""

import asyncio
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from clients import child
from loadtest import demo, script
from streaming.messages import Caption, End, Hello, Message, Participant, Roster, State
from tests.clients.fakes import WELCOME, Peer, caption, server

SCRIPT = """\
language = "en"
translations = ["es"]
speakers.alan.name = "Alan"
speakers.rosa.name = "Rosa"
line = [
    {speaker = "alan", start = 0, text = "Hello.", es = "Hola."},
    {speaker = "rosa", start = 100, text = "Bye.", es = "Adiós."},
]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "script.toml").write_text(SCRIPT, encoding="utf-8")
    for name in ("alan", "rosa"):
        with wave.open(str(tmp_path / f"{name}.flac"), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(bytes(6400))
    return tmp_path


class Room:
    """Tells everybody what it makes of each one's audio; it is deaf to some."""

    def __init__(self, deaf_to: str = "") -> None:
        self.deaf_to = deaf_to
        self.peers: dict[str, Peer] = {}
        self.people: list[Participant] = []

    async def __call__(self, peer: Peer) -> None:
        hello = await peer.hear()
        assert isinstance(hello, Hello)
        me = f"p{len(self.peers)}"
        await peer.tell(replace(WELCOME, participant=me))
        self.peers[me] = peer
        self.people.append(Participant(me, hello.name, [], []))
        await self.tell(Roster(self.people))
        while await peer.hear() != End():
            pass
        if hello.hears and hello.name != self.deaf_to:
            await self.tell(*self.understood(me, hello.name))
        del self.peers[me]
        await peer.tell(State("connection", "drained"))

    def understood(self, speaker: str, name: str) -> list[Caption]:
        said, translated = {"Alan": ("hello", "hola"), "Rosa": ("bye", "adiós")}[name]
        fields: dict[str, Any] = {"speaker": speaker, "start": 0, "end": 9600}
        return [
            caption(said, "?", **fields),
            caption(said, final=True, **fields),
            caption(translated, language="es", final=True, **fields),
        ]

    async def tell(self, *messages: Message) -> None:
        telling = [peer.tell(*messages) for peer in self.peers.values()]
        await asyncio.gather(*telling, return_exceptions=True)  # some have left by now


async def played(
    room: Room, folder: Path, monkeypatch: pytest.MonkeyPatch, pairs: list[Any]
) -> int:
    """Run the demo against this room; its exit code."""

    @asynccontextmanager
    async def served(engine: str) -> AsyncIterator[child.Ready]:
        async with server(room) as url:
            yield child.Ready(url, "", pairs)

    monkeypatch.setattr(child, "server", served)
    options = demo.parser().parse_args(["--plain", "--script", str(folder)], demo.Options())
    return await demo.demo(options, 0.0)


@pytest.mark.socket
async def test_a_conversation_that_was_understood(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await played(Room(), folder, monkeypatch, [("en", "es", "fake")]) == 0
    shown = capsys.readouterr().out
    assert "English is translated to Spanish by fake." in shown
    assert "Alan       en  hello\nAlan     → es  hola\n" in shown
    assert "together  English              word error rate 0.00" in shown
    assert "4 updates" not in shown and "6 updates" in shown
    assert "every one of the 2 lines" in shown


@pytest.mark.socket
async def test_a_line_that_nobody_heard_is_named_and_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await played(Room(deaf_to="Rosa"), folder, monkeypatch, []) == 1
    shown = capsys.readouterr().out
    assert "Nothing here translates to Spanish" in shown and "apt install apertium" in shown
    assert "without a final: 1 of 2 lines" in shown and "Rosa: Bye." in shown


def test_only_the_beginning_can_be_played(folder: Path) -> None:
    options = demo.parser().parse_args(["--seconds", "0.3"])
    assert len(script.read(folder).until(options.seconds)) == 1


@pytest.mark.parametrize("word", ["0", "-1", "soon", "nan"])
def test_what_is_no_time(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        demo.parser().parse_args(["--seconds", word])
    assert "is no number of seconds" in capsys.readouterr().err
